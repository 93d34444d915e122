import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';
import { bundleProgram } from './bundle.ts';

/**
 * Makes `dist/`, what the package runs: the program with the libraries it is made of, in few files. Reading hundreds of small ones
 * took longer than most commands do. Beside it, in `dist/ui`, the console.
 */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** Made here and moved at once: a daemon may be answering from `dist/ui` meanwhile. */
const making = join(root, 'node_modules', `.holdfast-build-${process.pid}`);

mkdirSync(making);
process.once('exit', () => rmSync(making, { recursive: true, force: true }));
const modules = await bundleProgram(making);
writeFileSync(join(making, 'THIRD-PARTY-NOTICES.txt'), notices([...modules, ...(await buildConsole())]));
const before = `${making}-before`;
if (existsSync(dist)) renameSync(dist, before);
renameSync(making, dist);
rmSync(before, { recursive: true, force: true });

/** Returns the files it was made of. */
async function buildConsole(): Promise<string[]> {
  const outDir = join(making, 'ui');
  const made = await build({ configFile: join(root, 'ui/vite.config.ts'), logLevel: 'warn', build: { outDir } });
  if (!('output' in made)) throw new Error('the console was not built once');
  for (const { parentPath, name } of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
    if (['.js', '.css', '.svg'].includes(extname(name))) compress(join(parentPath, name));
  }
  return made.output.flatMap((each) => (each.type === 'chunk' ? each.moduleIds : []));
}

/** Once and as small as it gets, instead of at every request. */
function compress(file: string): void {
  const content = readFileSync(file);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params }));
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
}

/** The licences of what was taken in, as they ask for. */
function notices(files: readonly string[]): string {
  const folders = new Set(files.map(packageFolder).filter((folder) => folder !== null));
  // Many libraries have the same words: each text stands once, below all it is of.
  const byText = Map.groupBy([...folders].map(licenceOf), ({ text }) => text);
  return [...byText]
    .map(([text, libraries]) => [
      libraries
        .map(({ title }) => title)
        .toSorted()
        .join('\n'),
      text,
    ])
    .map((parts) => parts.filter((part) => part !== '').join('\n\n'))
    .toSorted()
    .join(`\n\n${'-'.repeat(80)}\n\n`)
    .concat('\n');
}

function licenceOf(folder: string): { title: string; text: string } {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return { title: `${name} ${version} (${license ?? 'see below'})`, text: texts.join('\n\n') };
}

function packageFolder(file: string): string | null {
  const marker = `${sep}node_modules${sep}`;
  const at = file.lastIndexOf(marker);
  if (at === -1) return null;
  const parts = file.slice(at + marker.length).split(sep);
  const name = parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1);
  return join(file.slice(0, at + marker.length), ...name);
}
