import type { DumpFormat } from '../../engine.ts';

/** Tells a dump by its first bytes, decompressed. Names and endings of files are never asked. */
export function recognise(head: Buffer): { format: DumpFormat } | { refused: string } | null {
  if (startsWith(head, 'PGDMP')) return { format: 'custom' };
  if (startsWith(head, 'SQLite format 3\0')) return { refused: 'it is an SQLite database' };
  if (isTar(head)) {
    if (startsWith(head, 'toc.dat\0')) return { format: 'tar' };
    return { refused: 'it is a tar archive, but not one that pg_dump wrote; unpack it and give what is inside' };
  }
  const text = head.toString('utf8').replace(/^\uFEFF/, '');
  if (/^-- PostgreSQL database cluster dump\r?$/m.test(text)) {
    return { refused: 'it is a dump of a whole cluster (pg_dumpall); restore it with psql, or dump the one database' };
  }
  if (/^-- PostgreSQL database dump\r?$/m.test(text)) return { format: 'plain' };
  if (/^-- (MySQL|MariaDB) dump/m.test(text)) return { refused: 'it is a dump of MySQL or MariaDB' };
  return null;
}

function startsWith(head: Buffer, text: string): boolean {
  return head.subarray(0, text.length).toString('latin1') === text;
}

function isTar(head: Buffer): boolean {
  return head.subarray(257, 262).toString('latin1') === 'ustar';
}
