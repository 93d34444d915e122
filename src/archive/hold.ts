import type { Storage } from '../storage/storage.ts';
import { holdKey } from './format/layout.ts';
import { readSmall, writeJson } from './format/small-files.ts';

/** A mark on a backup that retention and deletion respect. */
export interface Hold {
  at: string;
  reason: string | null;
}

export async function readHold(
  storage: Storage,
  source: string,
  id: string,
  signal: AbortSignal,
): Promise<Hold | null> {
  const content = await readSmall(storage, holdKey(source, id), signal);
  return content && parseHold(content);
}

export async function writeHold(
  storage: Storage,
  source: string,
  id: string,
  hold: Hold,
  signal: AbortSignal,
): Promise<void> {
  await writeJson(storage, holdKey(source, id), hold, { signal });
}

export async function removeHold(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<void> {
  await storage.delete([holdKey(source, id)], signal);
}

/** A mark that cannot be read still says that somebody wanted this backup kept. */
function parseHold(content: Buffer): Hold {
  try {
    const { at, reason } = JSON.parse(content.toString('utf8')) as Partial<Record<keyof Hold, unknown>>;
    return { at: typeof at === 'string' ? at : '', reason: typeof reason === 'string' ? reason : null };
  } catch {
    return { at: '', reason: null };
  }
}
