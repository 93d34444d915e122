import { randomUUID } from 'node:crypto';
import { toHoldfastError } from '../../base/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { backupPrefix, collectingPrefix, isObjectPath, markName } from '../format/layout.ts';
import { readSmall, writeJson } from '../format/small-files.ts';

/** What somebody wrote down as going to be removed. */
export interface CondemnedList {
  key: string;
  modifiedAt: Date;
  /** As manifests name them; null: it cannot be read, and may name anything. */
  objects: readonly string[] | null;
}

export async function readCondemned(storage: Storage, source: string, signal: AbortSignal): Promise<CondemnedList[]> {
  const lists: CondemnedList[] = [];
  for await (const { key, modifiedAt } of storage.list(collectingPrefix(source), signal)) {
    const objects = await objectsOf(storage, key, signal);
    if (objects !== 'gone') lists.push({ key, modifiedAt, objects });
  }
  return lists;
}

export async function writeCondemned(
  storage: Storage,
  source: string,
  objects: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const key = `${collectingPrefix(source)}${randomUUID()}.json`;
  await writeJson(storage, key, { at: new Date().toISOString(), objects }, { signal });
  return key;
}

/**
 * What must not be relied on among the objects of a source; null: several manifests cannot refer to one object there. Asked by a writer
 * whose stage is visible already: whoever is about to remove something wrote it down before, and looks for stages afterwards.
 */
export async function unsharable(
  storage: Storage,
  source: string,
  id: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | null> {
  const { sharedObjects, lock } = storage.capabilities;
  // A lock begins when something is stored: what is shared would be protected for a shorter time than its backup.
  if (!sharedObjects || lock !== null) return null;
  // The bucket itself may lock whatever is put into it.
  const mark = await storage.stat(`${backupPrefix(source, id)}${markName}`, signal);
  if (mark?.lockedUntil !== undefined) return null;
  const lists = await readCondemned(storage, source, signal);
  if (lists.some(({ objects }) => objects === null)) return null;
  return new Set(lists.flatMap(({ objects }) => objects ?? []));
}

async function objectsOf(
  storage: Storage,
  key: string,
  signal: AbortSignal,
): Promise<readonly string[] | null | 'gone'> {
  try {
    const content = await readSmall(storage, key, signal);
    if (content === null) return 'gone';
    const said: unknown = JSON.parse(content.toString());
    const objects = typeof said === 'object' && said !== null && 'objects' in said ? said.objects : null;
    if (!Array.isArray(objects)) return null;
    const names = objects.filter((each) => typeof each === 'string' && isObjectPath(each));
    return names.length === objects.length ? names : null;
  } catch (error) {
    if (error instanceof SyntaxError || toHoldfastError(error).kind === 'integrity') return null;
    throw error;
  }
}
