import { describe, expect, it } from 'vitest';
import { chooseFormat, directoryFromBytes } from './choose-format.ts';
import { dumpArgs } from './arguments.ts';
import { optionFile } from '../connect/option-file.ts';
import { select, type Relation } from '../look/tables.ts';
import { Secret } from '../../../base/secret.ts';

const at = { sizeBytes: directoryFromBytes, tables: 10, folders: true, locks: true, splits: null, cpus: 2 };
const wish = { format: 'auto', compression: 'auto', jobs: 'auto', limit: null } as const;

describe('the format of a dump', () => {
  it.each([
    [{}, {}, 'directory', 2],
    [{}, { sizeBytes: 1 }, 'plain', 1],
    [{}, { folders: false }, 'plain', 1],
    [{}, { locks: false }, 'plain', 1],
    [{ limit: 1e6 }, {}, 'plain', 1],
    [{ jobs: 1 }, {}, 'plain', 1],
    [{ jobs: 3 }, { sizeBytes: 1 }, 'directory', 3],
    [{ compression: { codec: 'xz', level: null } }, {}, 'plain', 1],
    [{}, { sizeBytes: 1, folders: false, splits: 'rows of single tables are left out' }, 'directory', 2],
    [{ format: 'directory' }, { locks: false }, 'directory', 1],
    [{ format: 'directory', jobs: 20 }, { tables: 4 }, 'directory', 4],
  ] as const)('%j, %j: %s by %i', (more, circumstances, format, jobs) => {
    expect(chooseFormat({ ...wish, ...more }, { ...at, ...circumstances })).toMatchObject({ format, jobs });
  });

  it.each([
    [{ format: 'custom' }, {}],
    [{ format: 'directory', compression: { codec: 'xz', level: null } }, {}],
    [{ format: 'directory' }, { tables: 20_000 }],
  ] as const)('%j is impossible', (more, circumstances) => {
    expect(() => chooseFormat({ ...wish, ...more }, { ...at, ...circumstances })).toThrow(
      expect.objectContaining({ code: 'FORMAT_IMPOSSIBLE' }),
    );
  });
});

describe('the arguments of the dump tool', () => {
  const shape = {
    flavour: 'mariadb',
    database: '-odd',
    what: 'everything',
    tables: null,
    withoutTables: ['a'],
    withoutRows: ['b'],
    history: true,
    asStored: false,
  } as const;
  it('end before names begin', () => {
    const args = dumpArgs(shape);
    expect(args.slice(-2)).toEqual(['--', '-odd']);
    expect(args).toEqual(
      expect.arrayContaining([
        '--ignore-table=-odd.a',
        '--ignore-table-data=-odd.b',
        '--dump-history',
        '--routines',
        '--events',
        '--triggers',
      ]),
    );
    expect(args.join(' ')).not.toContain('gtid');
  });

  it("say what only MySQL's tool knows", () => {
    expect(dumpArgs({ ...shape, flavour: 'mysql', history: false })).toEqual(
      expect.arrayContaining(['--set-gtid-purged=OFF', '--column-statistics=0']),
    );
  });
});

describe('the option file', () => {
  it('takes any password', () => {
    const address = {
      host: 'h',
      port: 1,
      socket: null,
      user: 'u',
      password: new Secret('a"b\\c#d\ne\t;'),
      database: 'x',
      ssl: { mode: 'verify-full', ca: '/ca', cert: null, key: null },
      connectTimeoutMs: 1,
    } as const;
    const text = optionFile(address, { flavour: 'mariadb', encrypted: true });
    expect(text).toContain('password="a\\"b\\\\c#d\\ne\\t;"\n');
    expect(text).toContain('ssl-verify-server-cert="1"\nssl-ca="/ca"\n');
    expect(optionFile(address, { flavour: 'mysql', encrypted: true })).toContain('ssl-mode="VERIFY_IDENTITY"');
    expect(optionFile(address, { flavour: 'mariadb', encrypted: false })).toContain('\nssl="0"\n');
  });
});

describe('what is left out', () => {
  const relation = (name: string): Relation => ({
    schema: '',
    name,
    kind: 'table',
    engine: 'InnoDB',
    versioned: false,
    byTransaction: false,
    partitioned: false,
    bytes: 0,
    comment: '',
  });
  it('goes by pattern, what is quoted is meant literally', () => {
    const all = ['log_1', 'log_2', 'a*b', 'aXb'].map(relation);
    const selection = select(all, { tables: ['log_?', 'nothing'], tableData: ['"a*b"'] });
    expect(selection.relations.map(({ name }) => name)).toEqual(['a*b', 'aXb']);
    expect([...selection.withoutRows]).toEqual(['a*b']);
    expect(selection.unused).toEqual(['nothing']);
  });
});
