import type { DumpFormat } from '../../engine.ts';

/** Tells a dump by its first bytes, decompressed. Names and endings of files are never asked. */
export function recognise(head: Buffer): { format: DumpFormat } | { refused: string } | null {
  if (startsWith(head, 'PGDMP')) return { refused: 'it is a dump of PostgreSQL' };
  if (startsWith(head, 'SQLite format 3\0')) return { refused: 'it is an SQLite database' };
  const text = head.toString('utf8').replace(/^\uFEFF/, '');
  if (/^-- PostgreSQL database (cluster )?dump\r?$/m.test(text)) return { refused: 'it is a dump of PostgreSQL' };
  if (!/^-- (MySQL|MariaDB) dump /m.test(text)) return null;
  // With `--databases` or `--all-databases` the script itself says into which databases, the live one among them.
  if (/^-- Current Database: |^(CREATE DATABASE|USE) /m.test(text) || /^-- Host: .* {4}Database: ?\r?$/m.test(text)) {
    return {
      refused:
        'it names its databases itself (made with --databases or --all-databases); dump the one database without these',
    };
  }
  return { format: 'plain' };
}

function startsWith(head: Buffer, text: string): boolean {
  return head.subarray(0, text.length).toString('latin1') === text;
}
