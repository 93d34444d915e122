import { hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';
import type { StateWish } from '../engine.ts';
import type { Access } from './access.ts';

/**
 * Without a write-ahead log every commit counts a number up in the first page. With one nothing in the file tells, and whoever leaves last
 * puts log and file together: so all rows are read.
 */
export async function stateOf(access: Access, { like, scope }: StateWish, signal: AbortSignal): Promise<string> {
  const { log, changes } = await readStart(await access.locate());
  const byRows = like === null ? log || scope !== null : like.startsWith(rowsMark);
  if (!byRows) return `changes ${changes}`;
  await using session = await access.open('read', signal);
  const tables = scope && scope.tables.map(({ name }) => name);
  const counts = await session.ask('count', { tables, rows: true, sequences: true, fingerprints: true }, signal);
  const unread = counts.tables.find(({ fingerprint }) => fingerprint === null);
  if (unread) {
    throw new HoldfastError('UNEXPECTED', `the rows of ${unread.name} cannot be compared without its application`);
  }
  const schema = await session.ask('schemaEntries', {}, signal);
  return `${rowsMark}${hash('sha256', JSON.stringify([schema, counts]))}`;
}

const rowsMark = 'rows ';

/** Read past SQLite, in a process that holds no lock on the file: closing it would give the locks away. */
async function readStart(path: string): Promise<{ log: boolean; changes: number }> {
  await using file = await open(path, 'r');
  const { buffer } = await file.read(Buffer.alloc(28), 0, 28, 0);
  return { log: buffer[19] === 2, changes: buffer.readUInt32BE(24) };
}
