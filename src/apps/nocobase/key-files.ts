import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import { formatBytes } from '../../base/units.ts';
import type { AppEnvironment } from './env-file.ts';
import { isWithin, type Places } from './places.ts';

/** One of the small files an application cannot read its own data without. */
export interface KeyFile {
  /** Below the storage folder as NocoBase lays it out, or `settings.env`, or `aes-secret-key`. */
  name: string;
  path: string;
  content: Buffer;
  uid: number;
  gid: number;
}

export const settingsName = 'settings.env';
/** What `APP_AES_SECRET_KEY_PATH` names, where that lies outside the storage folder. */
export const elsewhereName = 'aes-secret-key';

export const keyFolders = ['apps', 'environment-variables'];
const largest = 64 * 1024 * 1024;

/**
 * All of `storage/apps` (keys of variables, of encrypted fields, of sessions and of the sign-in provider, waiting jobs), the place the
 * first of them had in earlier versions, and the file of settings, whose APP_KEY signs sessions and API keys.
 */
export async function readKeyFiles(places: Places, environment: AppEnvironment): Promise<KeyFile[]> {
  const found: KeyFile[] = [];
  for (const folder of keyFolders) {
    for (const path of await filesBelow(join(places.storage, folder))) {
      found.push(await readKey(relative(places.storage, path).split(sep).join('/'), path));
    }
  }
  const { aesKey } = places;
  if (aesKey !== null) {
    const inside = relative(places.storage, aesKey).split(sep).join('/');
    const name = keyFolders.some((folder) => isWithin(join(places.storage, folder), aesKey)) ? inside : elsewhereName;
    // Links are not followed above, where anything may lie; this one the operator has named.
    const known = found.some((key) => key.name === name);
    if (!known && (await isFile(aesKey))) found.push(await readKey(name, aesKey));
  }
  if (environment.file !== null) found.push(await readKey(settingsName, environment.file));
  return found;
}

/** What of an application's keys is there to be found, by the names an operator knows. */
export function namesOfKeys(keys: readonly KeyFile[], { values }: AppEnvironment): string[] {
  const files = keys
    .filter(({ name }) => name !== settingsName)
    .map(({ name, path }) => (name === elsewhereName ? path : name));
  const variables = ['APP_KEY', 'APP_AES_SECRET_KEY'].filter((name) => values.has(name));
  return [...files.filter((name) => basename(name) !== 'event-queue.json'), ...variables];
}

/**
 * Names the key that NocoBase uses, without telling it: these are 32 random bytes. Null where there is none. Where a setting says which
 * one it is, no other is looked at, and NocoBase does not look at any either.
 */
export function fingerprintOfAesKey(
  keys: readonly KeyFile[],
  { values }: Pick<AppEnvironment, 'values'>,
  aesKey: string | null,
): string | null {
  const given = values.get('APP_AES_SECRET_KEY');
  if (given !== undefined) return fingerprint(Buffer.from(given, 'hex'));
  const usual = ['apps/main/aes_key.dat', 'environment-variables/main/aes_key.dat'];
  const used =
    aesKey === null
      ? usual.map((name) => keys.find((key) => key.name === name)).find((key) => key !== undefined)
      : keys.find(({ path }) => resolve(path) === resolve(aesKey));
  return used === undefined ? null : fingerprint(used.content);
}

export function fingerprint(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw unreadable(folder, error);
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** Also behind a link: so do secrets lie that an orchestrator brings. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw unreadable(path, error);
  }
}

async function readKey(name: string, path: string): Promise<KeyFile> {
  try {
    const { size, uid, gid } = await stat(path);
    if (size > largest)
      throw new Error(`it has ${formatBytes(size)}, and at most ${formatBytes(largest)} are expected`);
    return { name, path, content: await readFile(path), uid, gid };
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A backup without a key that is there would only be found out when the key is needed. */
function unreadable(path: string, cause: unknown): HoldfastError {
  return new HoldfastError('NOCOBASE_KEY_UNREADABLE', `a key of NocoBase cannot be read: ${path}`, {
    cause,
    hint: 'Let the account that runs Holdfast read the storage folder of the application.',
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
