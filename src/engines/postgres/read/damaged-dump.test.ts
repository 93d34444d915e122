import { expect, test } from 'vitest';
import { tellsOfDamage } from './damaged-dump.ts';

const failure = (stderr: string, status: number | null = 1, signal: NodeJS.Signals | null = null) => ({
  tool: 'pg_restore',
  status,
  signal,
  stderr,
});

test.each([
  'could not read from input file: end of file',
  'could not uncompress data: (null)',
  "could not decompress data: Restored data doesn't match checksum",
  'found unexpected block ID (12) when reading data -- expected 3312',
  'unrecognized data block type (77) while searching archive',
  'entry ID 3 out of range -- perhaps a corrupt TOC',
  'did not find magic string in file header',
  'input file does not appear to be a valid archive (too short?)',
  'corrupt tar header found in PGDMP (expected 0, computed 1) file position 512',
  'could not open input file "shop/3312.dat.gz": No such file or directory',
])('what is about the dump: %s', (words) => {
  expect(tellsOfDamage(failure(`pg_restore: error: ${words}\n`))).toBe(true);
});

test.each([
  ['ended without a word', failure('')],
  ['killed in its container', failure('', 137)],
  [
    'stopped in its container, in the middle of a word',
    failure('pg_restore: error: could not read from input file: end of file', 143),
  ],
  ['killed', failure('pg_restore: error: could not read from input file: end of file', null, 'SIGKILL')],
  ['no container', failure('Error response from daemon: container 123 is not running')],
  ['no tool in the container', failure('OCI runtime exec failed: exec: "pg_restore": no such file or directory', 127)],
  ['out of memory', failure('pg_restore: error: out of memory')],
  ['a disk that fails', failure('pg_restore: error: could not read from input file: Input/output error')],
  ['no right to read', failure('pg_restore: error: could not open input file "x": Permission denied')],
])('what says nothing about it: %s', (_title, told) => {
  expect(tellsOfDamage(told)).toBe(false);
});
