import { abortReason, pause, throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Obstacle, RestoreAhead } from '../engine.ts';
import type { Access } from './access.ts';
import { readAccount } from './account.ts';
import type { Connection } from './connection.ts';
import { checkName } from './create.ts';
import { endSessions } from './end-sessions.ts';
import { journalTable, writeJournalComment } from './mark.ts';
import { displayName, listed, quoteIdent, quoteIn, quoteLiteral } from './names.ts';
import { readObjects, type DatabaseObjects } from './objects.ts';
import { sessionsIn } from './sessions.ts';
import { backwards, planSwap, renameStatement, type Move, type Step, type SwapNames } from './swap-plan.ts';

/**
 * Exchanges the contents of two databases: tables by one renaming, everything else by being made anew. There is no transaction around
 * it, so every step knows how it is taken back, and all of them stand in a table until the last one is done.
 */
export async function swap(
  access: Access,
  wanted: { replacement: string; previous: string | null },
  sessions: 'disconnect' | 'refuse',
  signal: AbortSignal,
): Promise<void> {
  const names: SwapNames = { live: access.address.database, ...wanted };
  for (const name of [names.live, names.replacement, names.previous]) if (name !== null) checkName(name);
  throwIfAborted(signal);
  // Not the caller's signal: once begun, an interruption is a reason to take everything back, not to stop in between.
  const own = new AbortController();
  await using session = await access.connect(own.signal, { database: null });
  await session.rows('SET SESSION lock_wait_timeout = 30, foreign_key_checks = 0');
  const steps = await prepare(session, names);
  if (sessions === 'refuse') await refuseSessions(session, names);
  await writeJournal(session, names, steps);
  const ending = new AbortController();
  const ended = sessions === 'disconnect' ? keepOut(access, names, session.id, ending.signal) : Promise.resolve();
  const done: Step[] = [];
  let running: Step | null = null;
  try {
    for (const step of steps) {
      running = null;
      throwIfAborted(signal);
      running = step;
      await run(session, step, step.statement);
      done.push(step);
    }
  } catch (error) {
    ending.abort();
    await ended;
    // What the server refused was not done. Of what it did not answer nobody knows; nor how far a renaming came.
    const unsure = toHoldfastError(error).code === 'DATABASE_CONNECTION_LOST';
    if (running && (unsure || running.moves)) done.push(running);
    const cause = toHoldfastError(signal.aborted ? abortReason(signal) : error);
    throw await takeBack(access, names, done, { cause, unsure });
  }
  ending.abort();
  await ended;
  await session.rows(`DROP DATABASE ${quoteIdent(names.replacement)}`).catch((error: unknown) => {
    access.context.logger.log(
      'warn',
      `the emptied database ${names.replacement} is still there: ${toHoldfastError(error).message}`,
    );
  });
}

async function prepare(session: Connection, names: SwapNames): Promise<Step[]> {
  const { live, replacement, previous } = names;
  const there = await session.rows<{ name: string; encoding: string; collation: string }>(
    `SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS encoding, DEFAULT_COLLATION_NAME AS collation
     FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN (?, ?, ?)`,
    [live, replacement, previous ?? replacement],
  );
  const find = (name: string | null) => there.find((each) => each.name === name);
  const fresh = find(replacement);
  if (!fresh) throw new HoldfastError('DATABASE_MISSING', `the database ${replacement} does not exist`);
  if (find(previous)) throw new HoldfastError('DATABASE_EXISTS', `the database ${previous ?? ''} exists already`);
  const current = find(live);
  if (current && previous === null) throw new HoldfastError('DATABASE_EXISTS', `the database ${live} exists already`);
  const old = current ? await readObjects(session, live) : null;
  const objects = await readObjects(session, replacement);
  await refuseObstacles(session, names, old);
  const { encoding, collation } = current ?? fresh;
  return planSwap({ ...names, old, fresh: objects, characters: ` CHARACTER SET ${encoding} COLLATE ${collation}` });
}

async function refuseObstacles(session: Connection, { live }: SwapNames, old: DatabaseObjects | null): Promise<void> {
  const reasons = old ? await reasonsAgainst(session, live, old) : [];
  if (reasons.length === 0) return;
  throw new HoldfastError('SWAP_BLOCKED', `${live} cannot be exchanged: ${reasons.join('; ')}`, {
    kind: 'refused',
    hint: 'Use a user with the right SET USER (MariaDB) or SET_USER_ID (MySQL), remove these first, or restore beside it with `--into`.',
  });
}

/** The same, while a restore is planned. */
export async function swapObstacles(
  access: Access,
  { mode, exists }: RestoreAhead,
  signal: AbortSignal,
): Promise<Obstacle[]> {
  if (mode !== 'swap' || !exists) return [];
  const live = access.address.database;
  await using session = await access.connect(signal, { database: null });
  const reasons = await reasonsAgainst(session, live, await readObjects(session, live));
  return reasons.map((reason) => ({ stops: 'swap', reason }));
}

/** What could not be made again, or would be torn apart. */
async function reasonsAgainst(session: Connection, live: string, old: DatabaseObjects): Promise<string[]> {
  const reasons: string[] = [];
  const account = await readAccount(session);
  const foreign = old.code.filter(({ definer }) => definer !== '' && definer !== account.name);
  if (!account.maySetDefiners && foreign.length > 0) {
    const objects = foreign.map(
      ({ kind, name, definer }) => `${kind.toLowerCase()} ${displayName(name)} of ${definer}`,
    );
    reasons.push(`${account.name} could not make these again as they are: ${objects.slice(0, 10).join(', ')}`);
  }
  const hidden = old.code.filter(({ create }) => create === '');
  if (hidden.length > 0)
    reasons.push(`${account.name} may not read the text of ${listed(hidden.map(({ name }) => name))}`);
  const outside = await session.rows<{ child: string }>(
    `SELECT DISTINCT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS child FROM information_schema.KEY_COLUMN_USAGE
     WHERE REFERENCED_TABLE_SCHEMA = ? AND TABLE_SCHEMA <> ?`,
    [live, live],
  );
  if (outside.length > 0)
    reasons.push(`tables of other databases refer to its tables: ${outside.map(({ child }) => child).join(', ')}`);
  return reasons;
}

async function refuseSessions(session: Connection, { live, replacement }: SwapNames): Promise<void> {
  const others = await sessionsIn(session, [live, replacement]);
  if (others.length === 0) return;
  const list = others.slice(0, 5).map(({ role, address }) => `${role} from ${address}`);
  const more = others.length > 5 ? ` and ${others.length - 5} more` : '';
  throw new HoldfastError('SESSIONS_CONNECTED', `${live} is in use by ${list.join(', ')}${more}`, {
    kind: 'refused',
    hint: 'Stop the application, or let holdfast end its sessions with `--if-connected disconnect`.',
    details: { sessions: others },
  });
}

/** Until the tables have changed places; who comes back then finds the new ones. */
async function keepOut(
  access: Access,
  { live, replacement }: SwapNames,
  own: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await using session = await access.connect(signal, { database: null });
    for (;;) {
      await endSessions(session, [live, replacement], own);
      await pause(20, signal);
    }
  } catch (error) {
    if (!signal.aborted)
      access.context.logger.log('warn', `sessions could not be ended: ${toHoldfastError(error).message}`);
  }
}

async function run(session: Connection, { database, settings }: Step, statement: string): Promise<void> {
  if (database !== null) await session.rows(`USE ${quoteIdent(database)}`);
  if (settings === null) {
    await session.rows(statement);
    return;
  }
  await session.rows(settings);
  try {
    await session.rows(statement);
  } finally {
    await session
      .rows("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00', character_set_client = utf8mb4")
      .catch(() => undefined);
  }
}

/** In the database that is emptied and dropped in the end: as long as it is there, something is left to do. */
async function writeJournal(
  session: Connection,
  { live, replacement }: SwapNames,
  steps: readonly Step[],
): Promise<void> {
  const table = quoteIn(replacement, journalTable);
  await session.rows(
    `CREATE TABLE ${table} (position INT PRIMARY KEY, in_database VARCHAR(64), settings TEXT, statement LONGTEXT, take_back LONGTEXT)
     DEFAULT CHARSET=utf8mb4 COMMENT=${quoteLiteral(writeJournalComment(live))}`,
  );
  for (const [index, step] of steps.entries()) {
    const { database, settings, statement } = step;
    await session.rows(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?)`, [
      index + 1,
      database,
      settings,
      statement,
      step.undo,
    ]);
  }
}

/** Takes back what was done, the last first, in a session of its own: the other may be what was lost. */
async function takeBack(
  access: Access,
  names: SwapNames,
  done: readonly Step[],
  { cause: error, unsure }: { cause: HoldfastError; unsure: boolean },
): Promise<HoldfastError> {
  const left = [...done];
  try {
    await using session = await comeBack(access);
    await session.rows('SET SESSION lock_wait_timeout = 60, foreign_key_checks = 0');
    for (let step = left.at(-1); step; step = left.at(-1)) {
      await undo(session, step, unsure && left.length === done.length);
      left.pop();
    }
    await session.rows(`DROP TABLE IF EXISTS ${quoteIn(names.replacement, journalTable)}`);
  } catch (second) {
    return stuck(error, second, names, left);
  }
  return new HoldfastError(error.code, `the swap was taken back: ${error.message}`, {
    kind: error.kind,
    cause: error,
    retryable: error.retryable,
    hint: `${names.live} is as it was, and the restored database is there as ${names.replacement}. ${error.hint ?? ''}`.trim(),
    details: error.details,
  });
}

const patienceMs = 60_000;

/** A server that has crashed is started again by whoever looks after it. */
async function comeBack(access: Access): Promise<Connection> {
  const { signal } = new AbortController();
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await access.connect(signal, { database: null });
    } catch (error) {
      const gone = ['DATABASE_UNREACHABLE', 'DATABASE_CONNECTION_LOST'].includes(toHoldfastError(error).code);
      if (!gone || performance.now() > deadline) throw error;
    }
    await pause(500, signal);
  }
}

async function undo(session: Connection, step: Step, unsure: boolean): Promise<void> {
  if (step.moves) {
    const moved = await present(session, step.moves);
    if (moved.length > 0) await session.rows(renameStatement(moved.toReversed().map(backwards)));
    return;
  }
  if (step.undo === null) return;
  await run(session, step, step.undo).catch((error: unknown) => {
    // Of what was not done nothing can be taken back: it exists already (1304, 1359, 1050, 1537), or is not there (1008).
    const harmless = [1304, 1359, 1050, 1537, 1008].includes(Number(toHoldfastError(error).details['errno']));
    if (!unsure || !harmless) throw error;
  });
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

function stuck(error: HoldfastError, second: unknown, names: SwapNames, left: readonly Step[]): HoldfastError {
  const { live, replacement, previous } = names;
  const journal = quoteIn(replacement, journalTable);
  const from = left.length;
  return new HoldfastError(
    'SWAP_UNFINISHED',
    `the swap failed and could not be taken back: ${error.message}; then: ${toHoldfastError(second).message}`,
    {
      cause: error,
      hint:
        `Nothing is lost: every table is whole, in ${live}, ${previous ?? live} or ${replacement}. To take the rest back by hand: ` +
        `SELECT * FROM ${journal} WHERE position <= ${from} ORDER BY position DESC, and run each row's take_back in its database with its settings (foreign_key_checks=0); then DROP TABLE ${journal}.`,
      details: { ...error.details, undo: left.toReversed().map((step) => step.undo) },
    },
  );
}
