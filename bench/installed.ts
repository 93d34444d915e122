import { spawnSync } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** The program as an installed package has it, laid out in a folder; returns what starts it. */
export async function installHere(folder: string): Promise<string> {
  const home = join(folder, 'package');
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.ts')], { stdio: 'inherit' });
  if (built.status !== 0) throw new Error('the package could not be built');
  await mkdir(join(home, 'bin'), { recursive: true });
  for (const part of ['bin/holdfast', 'dist', 'package.json']) {
    await cp(join(root, part), join(home, part), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(home, 'node_modules'));
  return join(home, 'bin/holdfast');
}
