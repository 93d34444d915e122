import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { rolldown } from 'rolldown';

/**
 * Makes `dist/`, what the package runs: the program with the libraries it is made of, in few files. Reading hundreds of small ones
 * took longer than most commands do.
 */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** It builds parts of itself for the machine it is installed on. */
const leftOutside = ['ssh2'];

rmSync(dist, { recursive: true, force: true });
await using bundle = await rolldown({
  input: join(root, 'src/main.ts'),
  cwd: root,
  platform: 'node',
  external: [/^node:/, ...leftOutside],
  logLevel: 'warn',
});
const { output } = await bundle.write({ dir: dist, format: 'esm', chunkFileNames: '[name]-[hash].js' });
const modules = output.flatMap((each) => (each.type === 'chunk' ? each.moduleIds : []));
writeFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), notices(modules));

/** The licences of what was taken in, as they ask for. */
function notices(files: readonly string[]): string {
  const folders = new Set(files.map(packageFolder).filter((folder) => folder !== null));
  return [...folders]
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name: string;
        version: string;
        license?: string;
      };
      const texts = readdirSync(folder)
        .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
        .map((file) => readFileSync(join(folder, file), 'utf8').trim());
      return [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n');
    })
    .toSorted()
    .join(`\n\n${'-'.repeat(80)}\n\n`)
    .concat('\n');
}

function packageFolder(file: string): string | null {
  const marker = `${sep}node_modules${sep}`;
  const at = file.lastIndexOf(marker);
  if (at === -1) return null;
  const parts = file.slice(at + marker.length).split(sep);
  const name = parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1);
  return join(file.slice(0, at + marker.length), ...name);
}
