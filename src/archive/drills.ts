import type { Storage } from '../storage/storage.ts';
import { backupPrefix, drillKey, drillsPrefix, manifestKey } from './format/layout.ts';
import { readSmall, writeJson } from './format/small-files.ts';
import { isOfOneFile } from './format/unreadable.ts';

/** The result of a drill, kept beside the backup so that every machine sees it. `result` is what `drill --json` prints. */
export interface StoredDrill {
  at: string;
  result: Record<string, unknown>;
}

export async function writeDrill(
  storage: Storage,
  source: string,
  id: string,
  at: Date,
  result: object,
  signal: AbortSignal,
): Promise<void> {
  await writeJson(storage, drillKey(source, id, at), { at: at.toISOString(), result }, { signal });
}

/**
 * The same, where the backup still is; false where another installation, which no lock of this one reaches, has removed it meanwhile: then
 * nothing is left in its folder either, which would look like something that may be a backup.
 */
export async function leaveDrill(
  storage: Storage,
  source: string,
  id: string,
  at: Date,
  result: object,
  signal: AbortSignal,
): Promise<boolean> {
  const isThere = async (key: string) => (await storage.stat(key, signal)) !== null;
  const manifest = manifestKey(source, id);
  if (!(await isThere(manifest))) return false;
  const key = drillKey(source, id, at);
  if (!(await isThere(key))) await writeDrill(storage, source, id, at, result, signal);
  if (await isThere(manifest)) return true;
  await storage.delete([key], signal);
  await storage.removeFolder(backupPrefix(source, id), signal);
  return false;
}

/** Newest first. What cannot be read proves nothing and is left out. */
export async function readDrills(
  storage: Storage,
  source: string,
  id: string,
  signal: AbortSignal,
): Promise<StoredDrill[]> {
  const drills: StoredDrill[] = [];
  for await (const { key } of storage.list(drillsPrefix(source, id), signal)) {
    const content = await readSmall(storage, key, signal).catch((error: unknown) => {
      if (!isOfOneFile(error)) throw error;
      return null;
    });
    const drill = parseDrill(content);
    if (drill) drills.push(drill);
  }
  return drills.toSorted((left, right) => right.at.localeCompare(left.at));
}

function parseDrill(content: Buffer | null): StoredDrill | null {
  try {
    const { at, result } = JSON.parse(content?.toString('utf8') ?? 'null') as Partial<StoredDrill>;
    return typeof at === 'string' && typeof result === 'object' && result !== null ? { at, result } : null;
  } catch {
    return null;
  }
}
