import { chmod, copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleProgram } from '../../scripts/bundle.ts';

const root = join(import.meta.dirname, '../..');
const folderName = 'HOLDFAST_TEST_PROGRAM';

/** The program as it stands in the checkout, which Node reads from hundreds of files at every start. */
export const programFromSource = join(root, 'bin/holdfast');

/**
 * The program as a package has it: built once for all tests, because most of them start it many times. From source where nothing
 * was built: in a benchmark, or in one of the suites for real applications.
 */
export function builtProgram(): { program: string; env: Record<string, string> } {
  const folder = process.env[folderName];
  if (folder === undefined) return { program: programFromSource, env: {} };
  return { program: join(folder, 'bin/holdfast'), env: { NODE_COMPILE_CACHE: join(folder, 'compile-cache') } };
}

export function isProgramBuilt(): boolean {
  return process.env[folderName] !== undefined;
}

/** Makes it, and returns what removes it again. */
export async function buildProgram(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-built-'));
  // Some tests run it as another user.
  await chmod(folder, 0o755);
  await bundleProgram(join(folder, 'dist'));
  await mkdir(join(folder, 'bin'));
  await copyFile(programFromSource, join(folder, 'bin/holdfast'));
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  // The tests of the console build it when it is older than its source.
  await symlink(join(root, 'dist/ui'), join(folder, 'dist/ui'));
  process.env[folderName] = folder;
  return () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
