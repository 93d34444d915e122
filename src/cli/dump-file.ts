import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { HoldfastError } from '../base/errors.ts';

const looksLikeBackup = /^(latest|\d{4}(-[\d_-]*)?)$/;
const looksLikePath = /\/|\.(dump|sql|tar|dir|gz|bz2|xz|zst|lz4|backup|bak|pgdump|nbdata)$/i;

/**
 * A dump file (or directory dump), or null when the text is the id of a backup. An id wins over a file of the same name; `./name` always
 * means the file. A bare name is also looked for in the folders that backups lie in: two of the older systems know their backups
 * by nothing else. What lies there is the operator's `own`.
 */
export async function dumpFile(
  text: string,
  cwd: string,
  folders: () => Promise<string[]> = async () => [],
): Promise<{ path: string; own: boolean } | null> {
  if (looksLikeBackup.test(text)) return null;
  const path = resolve(cwd, text);
  if (await exists(path)) return { path, own: false };
  if (!looksLikePath.test(text)) return null;
  for (const folder of basename(text) === text ? await folders() : []) {
    if (await exists(join(folder, text))) return { path: join(folder, text), own: true };
  }
  throw notFound(path);
}

/** The paths of files that must be dumps: all are looked for before the first is taken in. */
export async function dumpFiles(texts: readonly string[], cwd: string): Promise<string[]> {
  const paths = texts.map((text) => resolve(cwd, text));
  for (const path of paths) if (!(await exists(path))) throw notFound(path);
  return paths;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

function notFound(path: string): HoldfastError {
  return new HoldfastError('FILE_NOT_FOUND', `there is no file ${path}`, {
    kind: 'usage',
    hint: 'Give the path of a dump (.dump, .sql, .tar, a directory dump, each also compressed), or the id of a backup.',
  });
}
