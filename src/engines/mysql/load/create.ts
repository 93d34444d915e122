import { throwIfAborted, withGrace } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import type { DatabaseFacts, Leftover } from '../../engine.ts';
import { refuseGuess } from '../../shared/container.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { endSessions } from '../connect/end-sessions.ts';
import { readMark, writeMark } from '../../shared/mark.ts';
import { isOurs, journalTable, markTable } from '../look/mark.ts';
import { displayName, quoteIdent, quoteIn, quoteLiteral } from '../connect/names.ts';

/** Creates the database empty, with the character set of `like`, marked as ours until `dress`. */
export async function create(access: Access, like: DatabaseFacts, note: string, signal: AbortSignal): Promise<void> {
  const { database: name } = access.address;
  checkName(name);
  refuseGuess(await access.container(signal));
  throwIfAborted(signal);
  // An interruption waits for the mark: without it nobody would dare to drop what was made.
  using together = withGrace(signal, graceMs);
  await using session = await access.connect(together.signal, { database: null });
  const characters =
    like.encoding === '' ? '' : ` CHARACTER SET ${word(like.encoding)} COLLATE ${word(like.collation)}`;
  // Another backup may keep the whole server from changes; left alone, it would be waited for as long as a day without a word.
  const seconds = Math.max(1, Math.ceil(access.settings.dump.lockTimeoutMs / 1000));
  await session.rows(`SET SESSION lock_wait_timeout = ${seconds}`);
  await session.rows(`CREATE DATABASE ${quoteIdent(name)}${characters}`).catch((error: unknown) => {
    throw keptFrom(error, name);
  });
  try {
    await putMark(access, session, note);
  } catch (error) {
    // Nobody has seen it yet, and it must not stay without a mark.
    await session.rows(`DROP DATABASE ${quoteIdent(name)}`).catch(() => undefined);
    throw error;
  }
}

async function putMark({ address, context }: Access, session: Connection, note: string): Promise<void> {
  await enter(session, address.database);
  const mark = writeMark({ note, createdAt: context.clock.now().toISOString() });
  await session.rows(
    `CREATE TABLE ${quoteIn(address.database, markTable)} (note INT PRIMARY KEY) DEFAULT CHARSET=utf8mb4 COMMENT=${quoteLiteral(mark)}`,
  );
}

function keptFrom(error: unknown, name: string): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'DATABASE_LOCKED') return error;
  return new HoldfastError(error.code, `somebody keeps the server from changes: ${name} could not be created`, {
    cause: error,
    retryable: true,
    hint: 'Often that is another backup (FLUSH TABLES WITH READ LOCK, BACKUP STAGE, LOCK INSTANCE FOR BACKUP); wait until it is done, or raise dump.lockTimeout.',
  });
}

/** How long creating and marking may go on after an interruption. */
const graceMs = 30_000;

/** Takes the mark away: from then on it is somebody's database. */
export async function dress(access: Access, signal: AbortSignal): Promise<string[]> {
  const { database: name } = access.address;
  await using session = await access.connect(signal, { database: null });
  if (!(await markOf(session, name))) return [];
  await enter(session, name);
  await session.rows(`DROP TABLE ${quoteIn(name, markTable)}`);
  return [];
}

/**
 * Filters of binary logs and of replicas go by the database that was entered. MySQL lets pass what was done from none: a replica that was
 * not told of this database would stop there.
 */
async function enter(session: Connection, database: string): Promise<void> {
  await session.rows(`USE ${quoteIdent(database)}`);
}

/** Ends everybody's sessions in it and drops it; only what carries our mark, unless told otherwise. */
export async function drop(access: Access, options: { unmarked: boolean }, signal: AbortSignal): Promise<void> {
  const { database: name } = access.address;
  await using session = await access.connect(signal, { database: null });
  const found = await session.rows('SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?', [name]);
  if (found.length === 0) return;
  const marked = await markOf(session, name);
  if (!options.unmarked && !marked) {
    throw new HoldfastError('DATABASE_NOT_OURS', `the database ${name} does not carry the mark of a scratch database`, {
      kind: 'refused',
      hint: 'It was not made by holdfast, or is in use since. Drop it by hand if nobody needs it.',
    });
  }
  await session.rows('SET SESSION lock_wait_timeout = 60, foreign_key_checks = 0');
  await endSessions(session, [name]);
  // Should it stay, for whatever reason, it shall not look like one that somebody keeps. A full disk has room for no mark.
  if (!marked) await putMark(access, session, 'it was to be dropped').catch(() => undefined);
  await session.rows(`DROP DATABASE IF EXISTS ${quoteIdent(name)}`);
}

export async function leftovers(access: Access, signal: AbortSignal): Promise<Leftover[]> {
  await using session = await access.connect(signal, { database: null });
  const tables = await session.rows<{ database: string; name: string; comment: string }>(
    `SELECT TABLE_SCHEMA AS \`database\`, TABLE_NAME AS name, TABLE_COMMENT AS comment
     FROM information_schema.TABLES WHERE TABLE_NAME IN (?, ?) ORDER BY 1`,
    [markTable, journalTable],
  );
  const databases = await session.rows<{ name: string }>('SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA');
  const found = new Map<string, Leftover>();
  for (const { name } of databases) {
    const note = 'proven, but killed before its swap';
    if (ownName.test(name)) found.set(name, { database: name, note, createdAt: null });
  }
  for (const { database, name, comment } of tables.filter(isOurs)) {
    const mark = readMark(comment);
    if (mark) found.set(database, { database, ...mark });
    else if (name === journalTable) {
      const note = `killed in the middle of a swap; what is left to do stands in its table ${journalTable}`;
      found.set(database, { database, note, createdAt: null });
    }
  }
  return [...found.values()];
}

/** Between losing its mark (`dress`) and the swap, only its name tells whose a database is. */
const ownName = /_(?:restoring|drill|import)_\d{8}_\d{6}_[0-9a-f]{6}$/;

async function markOf(session: Connection, database: string): Promise<boolean> {
  const rows = await session.rows<{ name: string; comment: string }>(
    `SELECT TABLE_NAME AS name, TABLE_COMMENT AS comment FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`,
    [database, markTable],
  );
  return rows.some(isOurs);
}

/** Names that the server would refuse with words about something else. */
export function checkName(name: string): void {
  if (name.length > 64)
    throw new HoldfastError('NAME_TOO_LONG', `the name ${displayName(name)} is longer than 64 characters`, {
      kind: 'usage',
    });
}

/** Character sets and collations stand in statements without quotes. */
function word(text: string): string {
  if (/^[A-Za-z0-9_]+$/.test(text)) return text;
  throw new HoldfastError('LOCALE_MISSING', `${displayName(text)} is not the name of a character set or collation`);
}
