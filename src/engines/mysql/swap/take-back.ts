import { pause } from '../../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { easeRules } from '../load/ease-rules.ts';
import { journalTable } from '../look/mark.ts';
import { displayName, quoteIn } from '../connect/names.ts';
import { runStatement } from '../connect/run-statement.ts';
import { noteDone } from './journal.ts';
import { backwards, renameStatement, type Move, type Step, type SwapNames } from './plan.ts';

export interface ToTakeBack {
  /** In the order they were done. */
  steps: readonly Step[];
  /** Of these nobody knows whether they were done, or were taken back already. */
  unsure: ReadonlySet<Step>;
}

/** The last first, in the session that did them: on a server that is full nobody gets another. It is closed in the end. */
export async function takeBack(
  access: Access,
  own: Connection,
  names: SwapNames,
  { steps, unsure }: ToTakeBack,
): Promise<void> {
  const left = [...steps];
  try {
    await using session = (await stillThere(own)) ?? (await comeBack(access));
    await session.rows('SET SESSION lock_wait_timeout = 60, foreign_key_checks = 0');
    await easeRules(session);
    for (let step = left.at(-1); step; step = left.at(-1)) {
      await undo(access, session, step, unsure.has(step));
      await noteDone(session, names, step, false);
      left.pop();
    }
    await session.rows(`DROP TABLE IF EXISTS ${quoteIn(names.replacement, journalTable)}`);
  } catch (error) {
    throw stuck(error, names, left);
  }
}

async function stillThere(session: Connection): Promise<Connection | null> {
  return await session.value('SELECT 1').then(
    () => session,
    () => null,
  );
}

const patienceMs = 60_000;

/** A server that has crashed is started again by whoever looks after it; one that is full has room again when those who waited for us have gone. */
export async function comeBack(access: Access): Promise<Connection> {
  const { signal } = new AbortController();
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await access.connect(signal, { database: null });
    } catch (error) {
      if (!passing.has(toHoldfastError(error).code) || performance.now() > deadline) throw error;
    }
    await pause(500, signal);
  }
}

const passing = new Set(['DATABASE_UNREACHABLE', 'DATABASE_CONNECTION_LOST', 'DATABASE_TOO_MANY_CONNECTIONS']);

async function undo(access: Access, session: Connection, step: Step, unsure: boolean): Promise<void> {
  if (step.moves) {
    const moved = await present(session, step.moves);
    if (moved.length > 0) await session.rows(renameStatement(moved.toReversed().map(backwards)));
    return;
  }
  if (step.undo === null || (await isFilled(access, session, step))) return;
  await runStatement(session, step, step.undo).catch((error: unknown) => {
    // Of what was not done nothing can be taken back: it exists already (1304, 1359, 1050, 1537, 1826), or is not there (1008, 1091).
    const errno = Number(toHoldfastError(error).details['errno']);
    const harmless = [1304, 1359, 1050, 1537, 1826, 1008, 1091].includes(errno);
    // Of an account that has been removed since (1133, MySQL 1410), a right means nothing.
    const isVoid = step.undo?.startsWith('GRANT ') === true && [1133, 1410].includes(errno);
    if (!isVoid && (!unsure || !harmless)) throw error;
  });
}

/** A database that the swap made, and in which somebody has made tables since, is not dropped with them. */
async function isFilled({ context }: Access, session: Connection, { creates, undo: drop }: Step): Promise<boolean> {
  if (creates === null || drop === null) return false;
  const tables = await session.rows('SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? LIMIT 1', [
    creates,
  ]);
  if (tables.length === 0) return false;
  context.logger.log('warn', `the database ${displayName(creates)} stays: somebody has made tables in it since`);
  return true;
}

/** The moves that have happened, wherever a renaming was interrupted. */
async function present(session: Connection, moves: readonly Move[]): Promise<Move[]> {
  const databases = [...new Set(moves.flatMap(({ from, to }) => [from, to]))];
  const rows = await session.rows<{ place: string; name: string }>(
    `SELECT TABLE_SCHEMA AS place, TABLE_NAME AS name FROM information_schema.TABLES
     WHERE TABLE_SCHEMA IN (${databases.map(() => '?').join(', ')})`,
    databases,
  );
  const there = new Set(rows.map(({ place, name }) => JSON.stringify([place, name])));
  return moves.filter(({ name, from, to }) => {
    // Where another table of that name has come in its place, only the new place tells.
    const refilled = moves.some((other) => other.name === name && other.to === from);
    return refilled ? there.has(JSON.stringify([to, name])) : !there.has(JSON.stringify([from, name]));
  });
}

function stuck(error: unknown, { live, replacement, previous }: SwapNames, left: readonly Step[]): HoldfastError {
  const journal = quoteIn(replacement, journalTable);
  const { message, code, details } = toHoldfastError(error);
  return new HoldfastError('SWAP_UNFINISHED', `the swap could not be taken back: ${message} (${code})`, {
    cause: error,
    hint:
      `Nothing is lost: every table is whole, in ${live}, ${previous ?? live} or ${replacement}. When the cause is mended, \`holdfast restore --undo\` takes the rest back; by hand: ` +
      `SELECT * FROM ${journal} WHERE position <= ${left.at(-1)?.position ?? 0} ORDER BY position DESC, and run each row's take_back in its database with its settings (foreign_key_checks=0); then DROP TABLE ${journal}.`,
    details: { ...details, undo: left.toReversed().map((step) => step.undo) },
  });
}
