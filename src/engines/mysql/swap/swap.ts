import { abortReason, pause, throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import type { Obstacle, RestoreAhead } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { mayMakeFunctions, readAccount } from '../look/account.ts';
import type { Connection } from '../connect/connection.ts';
import { checkName } from '../load/create.ts';
import { easeRules } from '../load/ease-rules.ts';
import { endSessions } from '../connect/end-sessions.ts';
import { claimSwap, refuseHalfSwapped } from './half-swap.ts';
import { exactly, keptNames } from '../connect/kept-names.ts';
import { displayName, listed, quoteIdent } from '../connect/names.ts';
import { brokenViews, rehearse } from './rehearse.ts';
import { readObjects, type DatabaseObjects } from '../look/objects.ts';
import { fateOf, isRoutine, replacesRoutines } from '../look/routine-fates.ts';
import { grantable } from '../look/routine-grants.ts';
import { runStatement } from '../connect/run-statement.ts';
import { sessionsIn } from '../look/sessions.ts';
import { noteDone, writeJournal } from './journal.ts';
import { planSwap, silenceStatement, type Step, type SwapNames } from './plan.ts';
import { takeBack } from './take-back.ts';

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
  for (const name of [access.address.database, wanted.replacement, wanted.previous]) if (name !== null) checkName(name);
  throwIfAborted(signal);
  // Not the caller's signal: once begun, an interruption is a reason to take everything back, not to stop in between.
  const own = new AbortController();
  await using session = await access.connect(own.signal, { database: null });
  await session.rows('SET SESSION lock_wait_timeout = 30, foreign_key_checks = 0');
  await easeRules(session);
  const kept = await keptNames(session);
  const names: SwapNames = {
    live: kept(access.address.database),
    replacement: kept(wanted.replacement),
    previous: wanted.previous === null ? null : kept(wanted.previous),
  };
  // Before anything is looked at: what somebody else exchanges meanwhile is not what there is to take away and to make again.
  await claimSwap(session, names.live);
  const steps = await prepare(session, names, (text) => access.context.logger.log('warn', text));
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
      await runStatement(session, step, step.statement);
      done.push(step);
      await noteDone(session, names, step, true);
    }
    running = null;
    await session.rows(silenceStatement(names.live));
  } catch (error) {
    ending.abort();
    await ended;
    // What the server refused was not done. Of what it did not answer nobody knows; nor how far a renaming came.
    const unsure = toHoldfastError(error).code === 'DATABASE_CONNECTION_LOST';
    if (running && running !== done.at(-1) && (unsure || running.moves)) done.push(running);
    const cause = toHoldfastError(signal.aborted ? abortReason(signal) : error);
    throw await takenBack(access, session, names, done, { cause, unsure });
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

async function prepare(session: Connection, names: SwapNames, warn: (text: string) => void): Promise<Step[]> {
  const { live, replacement, previous } = names;
  const there = await session.rows<{ name: string }>(
    'SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN (?, ?, ?)',
    [live, replacement, previous ?? replacement],
  );
  const find = (name: string | null) => there.some((each) => each.name === name);
  if (!find(replacement)) throw new HoldfastError('DATABASE_MISSING', `the database ${replacement} does not exist`);
  if (find(previous)) throw new HoldfastError('DATABASE_EXISTS', `the database ${previous ?? ''} exists already`);
  const current = find(live);
  await refuseHalfSwapped(session, live);
  if (current && previous === null) throw new HoldfastError('DATABASE_EXISTS', `the database ${live} exists already`);
  const old = current ? await readObjects(session, live) : null;
  if (old) await refuseObstacles(session, names, old);
  const objects = await readObjects(session, replacement);
  const replaces = await replacesRoutines(session);
  const routines = (old?.code ?? []).filter(isRoutine);
  const by = Map.groupBy(routines, (each) => fateOf(each, routines, objects.code, replaces));
  const dropped = { database: live, remade: by.get('remade') ?? [], gone: by.get('goes') ?? [] };
  const grants = await grantable(session, dropped, warn);
  return planSwap({ ...names, old, fresh: objects, grants, replaces });
}

async function refuseObstacles(session: Connection, names: SwapNames, old: DatabaseObjects): Promise<void> {
  const { live, replacement } = names;
  const reasons = await reasonsAgainst(session, live, old);
  if (reasons.length === 0) {
    const impossible = await rehearse(session, replacement, old);
    if (impossible.length === 0) return;
    reasons.push(...impossible);
  }
  throw new HoldfastError('SWAP_BLOCKED', `${live} cannot be exchanged: ${reasons.join('; ')}`, {
    kind: 'refused',
    hint: 'Use a user that may do that (SET USER in MariaDB; SET_ANY_DEFINER, and SYSTEM_USER for what acts as root, in MySQL), remove these first, or restore beside it with `--into`.',
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
  const distrusted = old.code.filter(({ kind }) => kind === 'TRIGGER' || kind === 'FUNCTION');
  if (distrusted.length > 0 && !(await mayMakeFunctions(session, account))) {
    reasons.push(
      `${account.name} could make no function or trigger again, as the server writes a binary log without log_bin_trust_function_creators: ${listed(distrusted.map(({ name }) => name))}`,
    );
  }
  const hidden = old.code.filter(({ create }) => create === '');
  if (hidden.length > 0)
    reasons.push(`${account.name} may not read the text of ${listed(hidden.map(({ name }) => name))}`);
  reasons.push(...(await brokenViews(session, old)));
  const [referring, referred] = [
    await exactly(session, 'table_schema'),
    await exactly(session, 'referenced_table_schema'),
  ];
  const outside = await session.rows<{ child: string }>(
    `SELECT DISTINCT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS child FROM information_schema.KEY_COLUMN_USAGE
     WHERE ${referred} = ? AND ${referring} <> ?`,
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

async function takenBack(
  access: Access,
  session: Connection,
  names: SwapNames,
  done: readonly Step[],
  { cause: error, unsure }: { cause: HoldfastError; unsure: boolean },
): Promise<HoldfastError> {
  try {
    await takeBack(access, session, names, { steps: done, unsure: new Set(unsure ? done.slice(-1) : []) });
  } catch (second) {
    const { code, message, hint, details } = toHoldfastError(second);
    return new HoldfastError(code, `the swap failed: ${error.message}; then: ${message}`, {
      cause: error,
      details: { ...error.details, ...details },
      ...(hint === undefined ? {} : { hint }),
    });
  }
  return new HoldfastError(error.code, `the swap was taken back: ${error.message}`, {
    kind: error.kind,
    cause: error,
    retryable: error.retryable,
    hint: `${names.live} is as it was, and the restored database is there as ${names.replacement}. ${error.hint ?? ''}`.trim(),
    details: error.details,
  });
}
