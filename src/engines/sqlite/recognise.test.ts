import { expect, test } from 'vitest';
import { recognise } from './recognise.ts';

test.each([
  ['SQLite format 3\0\u0010\0', { format: 'file', rest: expect.any(Array) }],
  ['PGDMP\u0001', { refused: expect.stringContaining('PostgreSQL') }],
  ['--\n-- PostgreSQL database dump\n--\n', { refused: expect.stringContaining('PostgreSQL') }],
  ['-- MariaDB dump 10.19\n', { refused: expect.stringContaining('MariaDB') }],
  [
    'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t (a);\n',
    { refused: expect.stringContaining('sqlite3') },
  ],
  ['SQLite format 2\0', null],
  ['SQLite format 3', null],
  ['', null],
])('%j', (head, known) => {
  expect(recognise(Buffer.from(head, 'latin1'))).toEqual(known);
});
