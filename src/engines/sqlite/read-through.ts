import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { DumpEntry, StoredDump, TableName } from '../engine.ts';
import { expectWhole } from './integrity.ts';
import type { FileFacts } from './process/facts.ts';
import { startSession, type Session } from './session.ts';

/** Up to here every index is compared with its table; beyond, every page is read and every table walked through, which is several times quicker. */
const thoroughBytes = 256 * 1024 * 1024;

/** Opens the stored file where nothing can change it, and lets SQLite check it. */
export async function readThrough(dump: StoredDump, signal: AbortSignal): Promise<{ entries: number | null }> {
  await using file = await dump.locally(signal);
  await using session = startSession(file.path);
  const { pageCount, pageSize, entries } = await openStored(session, file.path, signal);
  await expectReadable(session, file.path, { quick: pageCount * pageSize > thoroughBytes }, signal);
  return { entries };
}

export async function contents(dump: StoredDump, signal: AbortSignal): Promise<DumpEntry[]> {
  await using file = await dump.locally(signal);
  await using session = startSession(file.path);
  await openStored(session, file.path, signal);
  const entries = await session.ask('schemaEntries', {}, signal);
  return entries.map((entry) => ({ ...entry, schema: '', owner: null }));
}

/** A file has the rows of all its tables. */
export async function brings(
  dump: StoredDump,
  signal: AbortSignal,
): Promise<{ tables: TableName[]; rows: TableName[] }> {
  await using file = await dump.locally(signal);
  await using session = startSession(file.path);
  await openStored(session, file.path, signal);
  const names = await session.ask('tablesWithRows', {}, signal);
  const tables = names.map((name) => ({ schema: '', name }));
  return { tables, rows: tables };
}

export function expectFileDump({ format }: StoredDump): void {
  if (format === 'file') return;
  throw new HoldfastError('ENGINE_DIFFERS', `a dump of the format ${format} is not an SQLite file`, {
    kind: 'refused',
    hint: 'It was made of another kind of database: restore it into one of those.',
  });
}

export async function openStored(session: Session, path: string, signal: AbortSignal): Promise<FileFacts> {
  try {
    await session.ask('open', { path, mode: 'immutable', busyMs: 0 }, signal);
    return await session.ask('facts', {}, signal);
  } catch (error) {
    throw orDamaged(error);
  }
}

export async function expectReadable(
  session: Session,
  path: string,
  options: { quick: boolean },
  signal: AbortSignal,
): Promise<string[]> {
  try {
    return await expectWhole(session, path, options, signal);
  } catch (error) {
    throw orDamaged(error);
  }
}

/** What is wrong with a stored file is wrong with the backup, whoever began it. */
function orDamaged(error: unknown): unknown {
  const { code, message } = toHoldfastError(error);
  if (code !== 'DATABASE_DAMAGED' && code !== 'DATABASE_NOT_SQLITE') return error;
  return new HoldfastError('DUMP_DAMAGED', `the dump cannot be read to its end: ${message}`, {
    kind: 'integrity',
    cause: error,
    hint: 'Use another backup; `holdfast verify` tells which ones are whole. When a new one is refused too, the database itself is damaged: `holdfast doctor` and `pragma integrity_check` tell.',
  });
}
