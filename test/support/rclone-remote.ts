import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

/** Where the program is, or null when this machine does not have it. */
export function rcloneProgram(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'rclone')).find((path) => existsSync(path)) ?? null;
}

export interface RcloneRemote extends AsyncDisposable {
  /** The path of an rclone.conf. */
  config: string;
  /** A folder of this machine, reached as a remote. */
  remote: string;
  /** The same folder, seen from outside. */
  folder: string;
}

export async function rcloneRemote(): Promise<RcloneRemote> {
  const temporary = await temporaryFolder();
  const folder = join(temporary.path, 'far away');
  const config = join(temporary.path, 'rclone.conf');
  await mkdir(folder);
  await writeFile(config, '[far]\ntype = local\n', { mode: 0o600 });
  return {
    config,
    remote: `far:${folder}/backups`,
    folder: join(folder, 'backups'),
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  };
}
