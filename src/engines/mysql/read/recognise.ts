import type { DumpFormat } from '../../engine.ts';

/** Tells a dump by its first bytes, decompressed. Names and endings of files are never asked. */
export function recognise(head: Buffer): { format: DumpFormat } | { refused: string } | null {
  if (startsWith(head, 'PGDMP')) return { refused: 'it is a dump of PostgreSQL' };
  if (startsWith(head, 'SQLite format 3\0')) return { refused: 'it is an SQLite database' };
  const text = head.toString('utf8').replace(/^\uFEFF/, '');
  if (/^-- PostgreSQL database (cluster )?dump\r?$/m.test(text)) return { refused: 'it is a dump of PostgreSQL' };
  if (!/^-- (MySQL|MariaDB) dump /m.test(text)) return madeOtherwise(head, text);
  // With `--databases` or `--all-databases` the script itself says into which databases, the live one among them.
  if (/^-- Current Database: |^(CREATE DATABASE|USE) /m.test(text) || /^-- Host: .* {4}Database: ?\r?$/m.test(text)) {
    return {
      refused:
        'it names its databases itself (made with --databases or --all-databases); dump the one database without these',
    };
  }
  return { format: 'plain' };
}

/** What people have at hand, and whose end nobody could tell from a place where it was cut off. */
function madeOtherwise(head: Buffer, text: string): { refused: string } | null {
  if (startsWith(head, '\u00FF\u00FE') || startsWith(head, '\u00FE\u00FF'))
    return {
      refused:
        'it is text in UTF-16, as PowerShell writes what goes through >; make it anew with --result-file, or turn this one into UTF-8: iconv -f UTF-16 -t UTF-8',
    };
  if (/^<mysqldump\b/m.test(text)) return { refused: 'it is XML, which no client loads; dump without --xml' };
  const maker = makers.find(([pattern]) => pattern.test(text))?.[1];
  if (maker === undefined) return null;
  return {
    refused: `it was made by ${maker}, whose scripts do not say that they are whole; load it into an empty database by hand, look at it, and back that up`,
  };
}

const makers = [
  [/^-- phpMyAdmin SQL Dump\r?$/m, 'phpMyAdmin'],
  [/^-- Adminer [\d.]/m, 'Adminer'],
  [/^-- HeidiSQL Version:/m, 'HeidiSQL'],
  [/^-- Dump created by MySQL pump utility/m, 'mysqlpump'],
] as const;

function startsWith(head: Buffer, text: string): boolean {
  return head.subarray(0, text.length).toString('latin1') === text;
}
