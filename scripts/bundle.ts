import { join } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
/** It builds parts of itself for the machine it is installed on. */
const leftOutside = ['ssh2'];

/** The program with the libraries it is made of, in few files. Returns the files it was made of. */
export async function bundleProgram(dir: string): Promise<string[]> {
  await using bundle = await rolldown({
    // A thread and a process of their own are files of their own.
    input: {
      main: join(root, 'src/main.ts'),
      'files-worker': join(root, 'src/apps/files/worker.ts'),
      'digest-thread': join(root, 'src/pipeline/digest-thread-worker.ts'),
      'sqlite-process': join(root, 'src/engines/sqlite/process/main.ts'),
    },
    cwd: root,
    platform: 'node',
    external: [/^node:/, ...leftOutside],
    logLevel: 'warn',
  });
  // Names stay as they are, for traces; what comments say of licences stands in the notices.
  const { output } = await bundle.write({
    dir,
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
    comments: false,
  });
  return output.flatMap((each) => (each.type === 'chunk' ? each.moduleIds : []));
}
