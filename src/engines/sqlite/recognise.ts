import type { DumpFormat, RestOfDump } from '../engine.ts';

export const fileStart = 'SQLite format 3\0';

const hint =
  'Open and close the file once with `sqlite3`, which puts both together: sqlite3 FILE .schema. Take the one beside it away where it belongs to another file.';

/** A log with transactions that are not in the file yet, and a journal that takes half a transaction out of it again. */
const rest: readonly RestOfDump[] = [
  { ending: '-wal', starts: '377f06', hint },
  { ending: '-journal', starts: 'd9d505f920a163d7', hint },
];

/** Tells a dump by its first bytes, decompressed. Names and endings of files are never asked. */
export function recognise(
  head: Buffer,
): { format: DumpFormat; rest: readonly RestOfDump[] } | { refused: string } | null {
  if (head.subarray(0, fileStart.length).toString('latin1') === fileStart) return { format: 'file', rest };
  if (head.subarray(0, 5).toString('latin1') === 'PGDMP') return { refused: 'it is a dump of PostgreSQL' };
  const text = head.toString('utf8').replace(/^\uFEFF/, '');
  if (/^-- PostgreSQL database (cluster )?dump\r?$/m.test(text)) return { refused: 'it is a dump of PostgreSQL' };
  if (/^-- (MySQL|MariaDB) dump/m.test(text)) return { refused: 'it is a dump of MySQL or MariaDB' };
  if (/^PRAGMA foreign_keys\s*=\s*OFF;\r?\nBEGIN TRANSACTION;/m.test(text)) {
    return { refused: 'it is a script of `sqlite3 .dump`; make a database of it first: sqlite3 new.sqlite < script' };
  }
  return null;
}
