import { abortReason, pause } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { openMaintenance } from '../look/maintenance.ts';
import { quoteIdent } from '../connect/names.ts';
import { askPatiently, uncertain } from './outcome.ts';

export interface SwapNames {
  replacement: string;
  /** Null when there is nothing to replace yet. */
  previous: string | null;
}

/**
 * Renames in one transaction. Logins are never switched off: a crash in the middle would leave the live database closed. Instead the
 * rename's own lock keeps new sessions waiting, for no longer than a second session takes to end the old ones.
 */
export async function swap(
  access: Access,
  names: SwapNames,
  sessions: 'disconnect' | 'refuse',
  signal: AbortSignal,
): Promise<void> {
  const live = access.address.database;
  const plan = { live, ...names, statements: renameStatements(live, names) };
  checkNames(plan);
  await using renaming = await openMaintenance(access, [live, names.replacement], signal);
  await refuseObstacles(renaming, plan);
  if (sessions === 'refuse') await refuseSessions(renaming, plan);
  const replacement = await oidOf(renaming, names.replacement);
  const ending = new AbortController();
  const ended =
    sessions === 'disconnect'
      ? endOthers(access, plan, renaming.pid, AbortSignal.any([signal, ending.signal]))
      : undefined;
  try {
    await rename(renaming, plan.statements);
  } catch (error) {
    ending.abort();
    await ended;
    // The answer to COMMIT may be what was lost.
    const swapped = await askPatiently((asking) => isSwapped(access, plan, replacement, asking));
    if (swapped === true) return;
    if (swapped === null) throw uncertain(`${live} was exchanged`, error, howToTell(plan));
    if (signal.aborted) throw withWayOut(abortReason(signal), plan);
    throw withWayOut(await explained(access, error, plan), plan);
  } finally {
    ending.abort();
    await ended;
  }
}

interface Plan extends SwapNames {
  live: string;
  statements: readonly string[];
}

export function renameStatements(live: string, { replacement, previous }: SwapNames): string[] {
  const away = previous === null ? [] : [`ALTER DATABASE ${quoteIdent(live)} RENAME TO ${quoteIdent(previous)}`];
  return [...away, `ALTER DATABASE ${quoteIdent(replacement)} RENAME TO ${quoteIdent(live)}`];
}

async function rename(session: Connection, statements: readonly string[]): Promise<void> {
  await session.rows('BEGIN');
  try {
    for (const statement of statements) await session.rows(statement);
  } catch (error) {
    await session.rows('ROLLBACK').catch(() => undefined);
    throw error;
  }
  await session.rows('COMMIT');
}

/** Names that the server would cut off: the cut name could be another database's. */
function checkNames({ live, replacement, previous }: Plan): void {
  for (const name of [live, replacement, previous]) {
    if (name !== null && Buffer.byteLength(name) > 63) {
      throw new HoldfastError('NAME_TOO_LONG', `the name ${name} is longer than 63 bytes`, { kind: 'usage' });
    }
  }
}

/** What no ending of sessions would remove. */
async function refuseObstacles(session: Connection, { live, replacement, previous }: Plan): Promise<void> {
  const reasons = await swapObstacles(session, [previous === null ? replacement : live, replacement]);
  if (reasons.length === 0) return;
  throw new HoldfastError('SWAP_BLOCKED', `${live} cannot be exchanged: ${reasons.join(', ')}`, {
    kind: 'refused',
    hint: 'Finish or remove these first, or restore in place (`--in-place`), which keeps the database itself.',
  });
}

/** In words, what ties these databases to their names. */
export async function swapObstacles(
  session: Connection,
  [first, second = first]: [string, string?],
): Promise<string[]> {
  const rows = await session.rows<{ reason: string }>(obstacles, [first, second]);
  return rows.map(({ reason }) => reason);
}

// A slot or subscription stays with the database it was made in: under its new name it would feed nobody, or twice.
const obstacles = `
  select 'the prepared transaction ' || pg_catalog.quote_literal(gid) as reason from pg_catalog.pg_prepared_xacts
  where database in ($1, $2)
  union all
  select 'the logical replication slot ' || slot_name from pg_catalog.pg_replication_slots where database in ($1, $2)
  union all
  select 'the subscription ' || pg_catalog.quote_ident(subname) from pg_catalog.pg_subscription s
  join pg_catalog.pg_database d on d.oid = s.subdbid where d.datname in ($1, $2)`;

interface OtherSession {
  pid: number;
  role: string | null;
  application: string;
  address: string;
}

/** Of other roles' sessions an ordinary role sees little, not even their type. */
async function sessionsOf(session: Connection, { live, replacement }: Plan): Promise<OtherSession[]> {
  return session.rows<OtherSession>(
    `select pid, usename as role, application_name as application, coalesce(pg_catalog.host(client_addr), 'local') as address
     from pg_catalog.pg_stat_activity where datname in ($1, $2) and usesysid is not null
       and coalesce(backend_type, 'client backend') = 'client backend' order by pid`,
    [live, replacement],
  );
}

async function refuseSessions(session: Connection, plan: Plan): Promise<void> {
  const others = await sessionsOf(session, plan);
  if (others.length > 0) throw sessionsConnected(plan, others);
}

function sessionsConnected({ live }: Plan, others: readonly OtherSession[], cause?: unknown): HoldfastError {
  const list = others
    .slice(0, 5)
    .map(
      ({ role, application, address }) =>
        `${role ?? 'the server'}${application ? ` (${application})` : ''} from ${address}`,
    );
  const more = others.length > 5 ? ` and ${others.length - 5} more` : '';
  return new HoldfastError('SESSIONS_CONNECTED', `${live} is in use by ${list.join(', ')}${more}`, {
    kind: 'refused',
    cause,
    hint: 'Stop the application, or let holdfast end its sessions with `--if-connected disconnect`.',
    details: { sessions: others },
  });
}

/**
 * Only while the rename holds its lock: it has then passed every check but this one, and nobody new gets in. What goes wrong here is tried
 * again as long as the rename waits, which tells in the end who is left: it never rejects.
 */
async function endOthers(access: Access, plan: Plan, renamer: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await using session = await openMaintenance(access, [plan.live, plan.replacement], signal);
      for (;;) {
        await endOnce(session, plan, renamer);
        await pause(20, signal);
      }
    } catch {
      await pause(200, signal).catch(() => undefined);
    }
  }
}

async function endOnce(session: Connection, { live, replacement }: Plan, renamer: number): Promise<void> {
  for (const { pid } of await session.rows<{ pid: number }>(toEnd, [live, replacement, renamer])) {
    // One statement for each: a role that we may not end is an error, which the rename will tell when it gives up.
    await session.rows('select pg_catalog.pg_terminate_backend($1)', [pid]).catch(() => undefined);
  }
}

// The server itself ends its autovacuum workers for a rename.
const toEnd = `
  select pid from pg_catalog.pg_stat_activity where datname in ($1, $2) and coalesce(backend_type, '') <> 'autovacuum worker'
    and exists (select from pg_catalog.pg_locks l where l.pid = $3 and l.granted and l.mode = 'AccessExclusiveLock'
      and l.locktype = 'object' and l.classid = 'pg_catalog.pg_database'::pg_catalog.regclass)`;

async function oidOf(session: Connection, name: string): Promise<string> {
  const [row] = await session.rows<{ oid: string }>(
    'select oid::text as oid from pg_catalog.pg_database where datname = $1',
    [name],
  );
  if (row) return row.oid;
  throw new HoldfastError('DATABASE_MISSING', `the database ${name} does not exist`);
}

async function isSwapped(access: Access, plan: Plan, replacement: string, signal: AbortSignal): Promise<boolean> {
  await using session = await openMaintenance(access, [plan.live, plan.replacement], signal);
  const rows = await session.rows<{ oid: string }>(
    'select oid::text as oid from pg_catalog.pg_database where datname = $1',
    [plan.live],
  );
  return rows[0]?.oid === replacement;
}

function howToTell({ live, replacement, previous }: Plan): string {
  const kept = previous === null ? '' : `, and the one from before is ${previous}`;
  return `When the server answers again, look whether the database ${replacement} is still there: if not, ${live} is the restored one${kept}.`;
}

async function explained(access: Access, error: unknown, plan: Plan): Promise<HoldfastError> {
  if (!(error instanceof HoldfastError)) return new HoldfastError('SWAP_FAILED', String(error), { cause: error });
  if (error.code !== 'DATABASE_IN_USE') return error;
  try {
    await using session = await openMaintenance(access, [plan.live, plan.replacement], AbortSignal.timeout(20_000));
    const others = await sessionsOf(session, plan);
    return others.length === 0 ? error : sessionsConnected(plan, others, error);
  } catch {
    return error;
  }
}

function withWayOut(error: HoldfastError, { live, replacement, statements }: Plan): HoldfastError {
  const sql = `BEGIN; ${statements.join('; ')}; COMMIT;`;
  return new HoldfastError(error.code, error.message, {
    kind: error.kind,
    cause: error,
    retryable: error.retryable,
    hint: `${live} is as it was, and the restored database is there as ${replacement}. ${error.hint ?? ''} To finish by hand, in another database: ${sql}`.replace(
      '  ',
      ' ',
    ),
    details: { ...error.details, sql },
  });
}
