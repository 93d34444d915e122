import { createHash } from 'node:crypto';
import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import type { HalfSwap } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { keptNames } from '../connect/kept-names.ts';
import { journalTable, readSwapping } from '../look/mark.ts';
import { readJournal } from './journal.ts';
import { takeBack } from './take-back.ts';

/** Null: nobody has begun to exchange this database, or has come to the end of it. */
export async function findHalfSwap(session: Connection, live: string): Promise<HalfSwap | null> {
  const rows = await session.rows<{ comment: string }>(
    `SELECT TABLE_COMMENT AS comment FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`,
    [live, journalTable],
  );
  return readSwapping(rows[0]?.comment ?? null);
}

/** Saved as it is, it would be a good backup of half a database; replaced as it is, what lived would have no name that anybody knows. */
export async function refuseHalfSwapped(session: Connection, live: string): Promise<void> {
  const half = await findHalfSwap(session, live);
  if (half) throw halfSwapped(live, half);
}

export function halfSwapped(live: string, { replacement, previous }: HalfSwap): HoldfastError {
  const where = previous === null ? replacement : `${live}, ${previous} and ${replacement}`;
  return new HoldfastError(
    'DATABASE_HALF_SWAPPED',
    `a restore into ${live} was cut off in the middle of its swap: its tables are in ${where}`,
    {
      kind: 'refused',
      hint: '`holdfast restore --undo` takes the swap back: all that lived is live again, and the restored database is kept beside it, with what has been written into it since.',
      details: { replacement, previous },
    },
  );
}

/** What a killed swap left, step by step, as the swap itself would have done. */
export async function takeBackHalf(access: Access, signal: AbortSignal): Promise<HalfSwap | null> {
  throwIfAborted(signal);
  // Not the caller's signal, as in the swap itself: it is taken back to the end.
  await using session = await access.connect(new AbortController().signal, { database: null });
  const live = (await keptNames(session))(access.address.database);
  const half = await findHalfSwap(session, live);
  if (!half) return null;
  await claimSwap(session, live);
  const names = { live, ...half };
  const { steps, done } = await readJournal(session, names).catch((error: unknown) => {
    throw withoutJournal(error, live, half);
  });
  // Killed after a statement and before it was noted: at either end of what is noted as done.
  const unsure = new Set(steps.slice(Math.max(0, done - 1), done + 1));
  await takeBack(access, session, names, { steps: steps.slice(0, done + 1), unsure });
  return half;
}

/** Held until the session ends: nobody takes back what somebody is still doing. */
export async function claimSwap(session: Connection, live: string): Promise<void> {
  const name = `holdfast swap ${createHash('sha1').update(live).digest('hex')}`;
  const got = await session.value<number | string | null>('SELECT GET_LOCK(?, 0)', [name]).catch((error: unknown) => {
    // A Galera cluster may not know locks by name.
    if (toHoldfastError(error).details['errno'] === 1235) return 1;
    throw error;
  });
  if (Number(got) === 1) return;
  throw new HoldfastError('SWAP_RUNNING', `somebody is exchanging ${live} at this moment`, {
    kind: 'refused',
    retryable: true,
    hint: 'Wait for its end. The server also finishes the last statement of a program that was killed.',
  });
}

function withoutJournal(error: unknown, live: string, half: HalfSwap): HoldfastError {
  const { code, message } = toHoldfastError(error);
  const { message: what } = halfSwapped(live, half);
  return new HoldfastError('SWAP_UNFINISHED', `${what}; and what to take back cannot be read: ${message} (${code})`, {
    cause: error,
    hint: `It stands in the table ${journalTable} of ${half.replacement}: use an account that may read and write there, as the restore did.`,
  });
}
