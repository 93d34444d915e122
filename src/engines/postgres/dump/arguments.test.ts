import { describe, expect, test } from 'vitest';
import { dumpArgs, globalsArgs, type DumpCall } from './arguments.ts';

const plain: DumpCall = {
  format: 'custom',
  jobs: 1,
  compression: null,
  toolMajor: 15,
  snapshot: '00000003-0000001B-1',
  lockTimeoutMs: 15_000,
  encoding: 'LATIN1',
  withoutTables: [],
  withoutRows: [],
  standby: false,
  folder: null,
};

describe('arguments of pg_dump', () => {
  const always = ['--snapshot=00000003-0000001B-1', '--lock-wait-timeout=15000', '--encoding=LATIN1'];
  const cases: [string, Partial<DumpCall>, string[]][] = [
    ['custom, compressed outside', {}, ['--format=custom', '--compress=0', ...always]],
    [
      'gzip by an old tool',
      { compression: { codec: 'gzip', level: 6 } },
      ['--format=custom', '--compress=6', ...always],
    ],
    [
      'gzip by a new tool',
      { compression: { codec: 'gzip', level: 6 }, toolMajor: 17 },
      ['--format=custom', '--compress=gzip:6', ...always],
    ],
    [
      'zstd by a new tool',
      { compression: { codec: 'zstd', level: 1 }, toolMajor: 18 },
      ['--format=custom', '--compress=zstd:1', ...always],
    ],
    [
      'directory with jobs',
      { format: 'directory', folder: '/tmp/x y', jobs: 4, compression: { codec: 'gzip', level: 1 } },
      ['--format=directory', '--compress=1', '--file=/tmp/x y', '--no-sync', '--jobs=4', ...always],
    ],
    ['plain', { format: 'plain' }, ['--format=plain', ...always]],
    ['tar', { format: 'tar' }, ['--format=tar', ...always]],
    ['a standby', { standby: true }, ['--format=custom', '--compress=0', ...always, '--no-unlogged-table-data']],
    [
      'exclusions by exact name (S18)',
      { withoutTables: ['"a b"."C""*"'], withoutRows: ['"public"."log"'] },
      [
        '--format=custom',
        '--compress=0',
        ...always,
        '--exclude-table="a b"."C""*"',
        '--exclude-table-data="public"."log"',
      ],
    ],
  ];
  test.each(cases)('%s', (_title, change, expected) => expect(dumpArgs({ ...plain, ...change })).toEqual(expected));

  test('row security is never switched on: it would leave rows out in silence', () => {
    for (const [, change] of cases) expect(dumpArgs({ ...plain, ...change }).join(' ')).not.toContain('row-security');
  });

  test('roles with and without their passwords', () => {
    expect(globalsArgs(true, 100)).toEqual(['--globals-only', '--lock-wait-timeout=100']);
    expect(globalsArgs(false, 100)).toEqual(['--globals-only', '--lock-wait-timeout=100', '--no-role-passwords']);
  });
});
