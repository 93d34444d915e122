import { pause, throwIfAborted, withGrace } from '../../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import type { DatabaseFacts, Leftover } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { createStatement, dressStatements, settingStatements } from './create-sql.ts';
import { propertiesOf, readFacts } from '../look/facts.ts';
import { describeFault } from '../connect/faults.ts';
import { openMaintenance } from '../look/maintenance.ts';
import { refuseGuess } from '../../shared/container.ts';
import { readMark, writeMark } from '../../shared/mark.ts';
import { displayName, quoteIdent, quoteLiteral } from '../connect/names.ts';
import { dropSubscriptions } from '../look/subscriptions.ts';

/** Creates the database empty, equal to `like`, marked as ours until `dress`. */
export async function create(access: Access, like: DatabaseFacts, note: string, signal: AbortSignal): Promise<void> {
  const { database: name } = access.address;
  refuseGuess(await access.container(signal));
  throwIfAborted(signal);
  // An interruption waits for the mark: without it nobody would dare to drop what was made.
  using together = withGrace(signal, graceMs);
  await using session = await openMaintenance(access, [name], together.signal);
  const major = Number(await session.value(`select pg_catalog.current_setting('server_version_num')::int / 10000`));
  const original = await withKnownTablespace(session, like);
  await session.rows(createStatement(name, original, major)).catch((error: unknown) => {
    throw existsError(error, access) ?? localeError(error, like);
  });
  try {
    const mark = writeMark({ note, createdAt: access.context.clock.now().toISOString() });
    // The mark before the owner: only who owns it may write on it.
    await session.rows(`COMMENT ON DATABASE ${quoteIdent(name)} IS ${quoteLiteral(mark)}`);
    if (major >= 17) await quieten(session, name);
    if (like.owner !== '') await session.rows(`ALTER DATABASE ${quoteIdent(name)} OWNER TO ${quoteIdent(like.owner)}`);
  } catch (error) {
    await dropQuietly(access, name);
    throw error;
  }
}

/** How long creating and marking may go on after an interruption. */
const graceMs = 30_000;

/** Until it is dressed, the event triggers that come with the dump stay still: one that notes logins would write down ours, one that refuses would refuse us. */
async function quieten(session: Connection, name: string): Promise<void> {
  if (!(await session.value<boolean>(`select pg_catalog.has_parameter_privilege('event_triggers', 'SET')`))) return;
  await session.rows(`ALTER DATABASE ${quoteIdent(name)} SET event_triggers TO off`);
}

async function isQuiet(session: Connection, name: string): Promise<boolean> {
  const found = await session.rows(
    `select from pg_catalog.pg_db_role_setting s join pg_catalog.pg_database d on d.oid = s.setdatabase
     where d.datname = $1 and s.setrole = 0 and 'event_triggers=off' = any (s.setconfig)`,
    [name],
  );
  return found.length > 0;
}

export async function dress(access: Access, like: DatabaseFacts, signal: AbortSignal): Promise<string[]> {
  const { database: name } = access.address;
  await using session = await openMaintenance(access, [name], signal);
  const roles = await rolesOf(session);
  const settings = settingStatements(name, like, roles);
  const refused: Refused[] = [];
  await session.rows('BEGIN');
  if (await isQuiet(session, name)) await session.rows(`ALTER DATABASE ${quoteIdent(name)} RESET event_triggers`);
  for (const statement of dressStatements(name, like, roles)) {
    const setting = settings.find((each) => each.statement === statement);
    if (setting) refused.push(...(await trySetting(session, setting)));
    else await session.rows(statement);
  }
  await session.rows('COMMIT');
  return refused.map(
    ({ title, reason }) => `the setting ${title} of ${displayName(name)} could not be made: ${reason}`,
  );
}

/** What this role could not make again for a database that has it: tried, and taken back at once. */
export async function refusedSettings(access: Access, maintenance: Connection, signal: AbortSignal): Promise<string[]> {
  await using session = await access.connect(signal);
  const like = await readFacts(session, { version: '', via: '' });
  const refused: Refused[] = [];
  await maintenance.rows('BEGIN');
  for (const setting of settingStatements(like.name, like, await rolesOf(maintenance)))
    refused.push(...(await trySetting(maintenance, setting)));
  await maintenance.rows('ROLLBACK');
  const { user } = access.address;
  return refused.map(({ title, reason }) => `the setting ${title}, which ${user} may not make again (${reason})`);
}

interface Refused {
  title: string;
  reason: string;
}

async function trySetting(
  session: Connection,
  { title, statement }: { title: string; statement: string },
): Promise<Refused[]> {
  await session.rows('SAVEPOINT one');
  try {
    await session.rows(statement);
    return [];
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.details['sqlstate'] === undefined || error.retryable) throw error;
    await session.rows('ROLLBACK TO one');
    return [{ title, reason: error.cause instanceof Error ? error.cause.message : error.message }];
  }
}

async function rolesOf(session: Connection): Promise<Set<string>> {
  const roles = await session.rows<{ name: string }>('select rolname as name from pg_catalog.pg_roles');
  return new Set(roles.map(({ name }) => name));
}

/** Ends everybody's sessions in it and drops it; only what carries our mark, unless told otherwise. */
export async function drop(access: Access, options: { unmarked: boolean }, signal: AbortSignal): Promise<void> {
  const { database: name } = access.address;
  await using session = await openMaintenance(access, [name], signal);
  const [found] = await session.rows<{ comment: string | null; template: boolean; subscribes: boolean }>(
    `select pg_catalog.shobj_description(oid, 'pg_database') as comment, d.datistemplate as template,
       exists (select from pg_catalog.pg_subscription s where s.subdbid = d.oid) as subscribes
     from pg_catalog.pg_database d where datname = $1`,
    [name],
  );
  if (!found) return;
  if (!options.unmarked && readMark(found.comment) === null && !(await wasNeverFilled(access, signal))) {
    throw new HoldfastError('DATABASE_NOT_OURS', `the database ${name} does not carry the mark of a scratch database`, {
      kind: 'refused',
      hint: 'It was not made by holdfast, or is in use since. Drop it by hand if nobody needs it.',
    });
  }
  // Of what is not ours, a subscription and the slot it reads from are somebody's: the server then refuses.
  if (found.subscribes && readMark(found.comment) !== null) await dropSubscriptions(access, signal);
  // What was made equal to a template is one.
  if (found.template) await session.rows(`ALTER DATABASE ${quoteIdent(name)} IS_TEMPLATE false`);
  await session.rows(`DROP DATABASE IF EXISTS ${quoteIdent(name)} WITH (FORCE)`);
}

export async function leftovers(access: Access, signal: AbortSignal): Promise<Leftover[]> {
  await using session = await openMaintenance(access, [], signal);
  const rows = await session.rows<{ name: string; comment: string | null }>(
    `select datname as name, pg_catalog.shobj_description(oid, 'pg_database') as comment
     from pg_catalog.pg_database order by 1`,
  );
  const found: Leftover[] = [];
  for (const { name, comment } of rows) {
    const mark = readMark(comment);
    if (mark) found.push({ database: name, ...mark });
    else if (ownName.test(name)) {
      const empty = await wasNeverFilled(access.named(name), signal);
      const note = empty ? 'killed before anything was in it' : 'proven, but killed before its swap';
      found.push({ database: name, note, createdAt: null });
    }
  }
  return found;
}

/**
 * The server goes on making a database for somebody who is gone, and nobody marks it then: by its name it is ours, and it holds nothing
 * that was not there when it was made.
 */
async function wasNeverFilled(access: Access, signal: AbortSignal): Promise<boolean> {
  if (!ownName.test(access.address.database)) return false;
  try {
    await using session = await access.connect(signal);
    return await session.value<boolean>(`
      select not exists (select from pg_catalog.pg_class where oid >= ${firstOwnOid})
        and not exists (select from pg_catalog.pg_proc where oid >= ${firstOwnOid})
        and not exists (select from pg_catalog.pg_type where oid >= ${firstOwnOid})
        and not exists (select from pg_catalog.pg_namespace where oid >= ${firstOwnOid})
        and not exists (select from pg_catalog.pg_largeobject_metadata)`);
  } catch {
    throwIfAborted(signal);
    return false;
  }
}

/** Objects of `template0` have lower ones (FirstNormalObjectId). */
const firstOwnOid = 16_384;

/** Between losing its mark (`dress`) and the rename, only its name tells whose a database is. */
const ownName = /_(?:restoring|drill|import)_\d{8}_\d{6}_[0-9a-f]{6}$/;

/** Where data lies is the server's business: on another one the tablespace may not exist, and its default is as good. */
async function withKnownTablespace(session: Connection, like: DatabaseFacts): Promise<DatabaseFacts> {
  const { tablespace } = propertiesOf(like);
  const found = await session.rows('select 1 from pg_catalog.pg_tablespace where spcname = $1', [tablespace]);
  return found.length > 0 ? like : { ...like, properties: { ...like.properties, tablespace: 'pg_default' } };
}

/** What nobody has seen yet must not stay without a mark: a server that was restarted in between is waited for. */
async function dropQuietly(access: Access, name: string): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  for (;;) {
    try {
      await using session = await openMaintenance(access, [name], signal);
      await session.rows(`DROP DATABASE IF EXISTS ${quoteIdent(name)} WITH (FORCE)`);
      return;
    } catch (error) {
      // The first error tells more.
      if (signal.aborted || !toHoldfastError(error).retryable) return;
      await pause(500, signal).catch(() => undefined);
    }
  }
}

/** Of two that are made at once, one fails at the index of their names. */
function existsError(error: unknown, { address }: Access): HoldfastError | null {
  if (!(error instanceof HoldfastError) || error.details['sqlstate'] !== '23505') return null;
  const message = `database "${address.database}" already exists`;
  return describeFault('exists', { at: address, message, cause: error, sqlstate: '42P04' });
}

function localeError(error: unknown, like: DatabaseFacts): unknown {
  if (!(error instanceof HoldfastError)) return error;
  if (!/locale|collation|encoding/i.test(error.message)) return error;
  const wanted = `${like.encoding} with ${like.collation}`;
  return new HoldfastError('LOCALE_MISSING', `the server cannot make a database with ${wanted}: ${error.message}`, {
    cause: error,
    hint: 'Install that locale on the machine of the server (locale-gen, language packs), then restart the server.',
  });
}
