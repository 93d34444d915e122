import { readFile, rename, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { HalfSwap } from '../engine.ts';
import type { Access } from './access.ts';
import type { ExchangeNames } from './process/exchange.ts';
import { endings, noteOf } from './rest.ts';

/** Cut off between the second name of the live file and the renaming: whole, and with a name too many. */
export async function findHalfSwap(access: Access): Promise<HalfSwap | null> {
  const half = await readNote(await access.locate());
  return half && namesOf(half);
}

function namesOf({ replacement, previous }: Half): HalfSwap {
  return { replacement: basename(replacement), previous: basename(previous), untouched: true };
}

type Half = ExchangeNames & { previous: string };

/** Null: it never began, or came to its end. */
async function readNote(live: string): Promise<Half | null> {
  const text = await readFile(noteOf(live), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const { replacement, previous } = JSON.parse(text) as Partial<Half>;
    if (typeof replacement !== 'string' || typeof previous !== 'string') return null;
    // Renamed into its place, it is not there any more.
    const [lives, waits] = [await isThere(live), await isThere(replacement)];
    return lives && waits ? { live, replacement, previous } : null;
  } catch {
    return null;
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Its second name would stay for good, and say that the database had been exchanged. */
export async function refuseHalfSwapped(access: Access): Promise<void> {
  const half = await findHalfSwap(access);
  if (half === null) return;
  throw new HoldfastError(
    'DATABASE_HALF_SWAPPED',
    `a restore into ${access.path} was cut off before its exchange: what lived lives, and is called ${half.previous ?? ''} as well`,
    {
      kind: 'refused',
      hint: '`holdfast restore --undo` takes the second name away, and folders that came with it; the restored database is kept beside it.',
      details: { ...half },
    },
  );
}

export async function takeBackHalf(access: Access, signal: AbortSignal): Promise<HalfSwap | null> {
  throwIfAborted(signal);
  const half = await readNote(await access.locate());
  if (half === null) return null;
  await settleBack(half);
  return namesOf(half);
}

/** The live file, which is where it was, may have its second name already. */
export async function settleBack({ live, previous }: ExchangeNames): Promise<void> {
  if (previous === null || !(await isThere(live))) return;
  for (const ending of endings) {
    if (!(await isThere(live + ending))) await rename(previous + ending, live + ending).catch(() => undefined);
  }
  await rm(previous, { force: true });
  await rm(noteOf(live), { force: true });
}
