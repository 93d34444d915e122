import { describe, expect, test } from 'vitest';
import { recogniseBackups, type ForeignSystem, type ListedFile } from './names.ts';

function listing(...paths: string[]): ListedFile[] {
  return paths.map((path) => ({ path, bytes: 1, modifiedAt: new Date(0) }));
}

function names(paths: string[], only: ForeignSystem | null = null) {
  const { backups, unrecognised } = recogniseBackups(listing(...paths), only);
  return {
    backups: backups.map(({ system, name, dump, metadata, others, stamp }) => ({
      system,
      name,
      dump: dump?.path ?? null,
      metadata: metadata?.path ?? null,
      others: others.map(({ path }) => path),
      stamp: stamp && `${stamp.wall} ${stamp.zone}`,
    })),
    unrecognised: unrecognised.map(({ path }) => path),
  };
}

describe('one file is one backup', () => {
  test.each<[string, string, ForeignSystem | null, string | null]>([
    ['J-05', 'shop_2025-04-01_02-00-00.sql.gz', 'nestjs-starter', '2025-04-01T02:00:00 utc'],
    ['J-05', 'shop_2025-04-01_02-00-00.dump.gz', 'nestjs-starter', '2025-04-01T02:00:00 utc'],
    ['J-09', 'nestjs_starter_db_20250401_020000.dump.gz', 'nestjs-starter', '2025-04-01T02:00:00 local'],
    ['J-d1', 'shop_20250401_020000.dump', 'nestjs-starter', '2025-04-01T02:00:00 local'],
    ['J-06', 'shop_20250401_020000.dump.xz', 'nestjs-starter', '2025-04-01T02:00:00 local'],
    ['J-06', 'shop_20250401_020000.dump.bz2', 'nestjs-starter', '2025-04-01T02:00:00 local'],
    ['J-05', 'shop_20250401_020000.tar', 'nestjs-starter', '2025-04-01T02:00:00 local'],
    ['O-04', 'backup_unicorn_db_20260129_143022.sql.gz', 'ops-center', '2026-01-29T14:30:22 local'],
    ['O-04', 'backup_a_b_20250101_000000_20260129_143022.sql.gz', 'ops-center', '2026-01-29T14:30:22 local'],
    ['T-06', 'tma_cloud_storage_20260115T020000Z.dump', 'tma-cloud', '2026-01-15T02:00:00 utc'],
    ['B-04', 'backup_20260120_020000_0042.nbdata', 'nocobase', '2026-01-20T02:00:00 local'],
    ['B-04', 'backup_20260120_020000_0042-x1Y2z3.nbdata', 'nocobase', '2026-01-20T02:00:00 local'],
    ['B-04', 'renamed by somebody.nbdata', 'nocobase', null],
    ['S18', `a'; drop\n--_20260115T020000Z.dump`, 'tma-cloud', '2026-01-15T02:00:00 utc'],
    ['no such day', 'shop_2025-02-30_02-00-00.sql.gz', null, null],
    ['no such hour', 'shop_20250101T250000Z.dump', null, null],
    ['no time', 'shop.dump', null, null],
    ['no name', '_20260115T020000Z.dump', null, null],
    ['T-d11: a part', 'shop_20260115T020000Z.dump.part', null, null],
    ['older plugin', 'backup_20260120_020000_0042.nbdump', null, null],
    ['a log', 'backup.log', null, null],
  ])('%s: %s', (_item, file, system, stamp) => {
    const { backups, unrecognised } = names([`old/${file}`]);
    if (system === null) expect({ backups, unrecognised }).toEqual({ backups: [], unrecognised: [`old/${file}`] });
    else expect(backups).toMatchObject([{ system, name: file, dump: `old/${file}`, stamp }]);
  });
});

describe('what belongs to a backup', () => {
  test('N-11: a tree of NocoDB is one backup with its files', () => {
    const { backups, unrecognised } = names([
      'b/2025-03-01_05-15-00/database.sql.gz',
      'b/2025-03-01_05-15-00/nocodb-data.tar.gz',
      'b/2025-03-01_05-15-00/manifest.json',
      'b/2025-03-01_05-15-00/bases/Shop/tables/T/attachments/f/shop_20260115T020000Z.dump',
      'b/2025-03-01_05-15-00/something else',
    ]);
    expect(backups).toEqual([
      {
        system: 'nocodb',
        name: '2025-03-01_05-15-00',
        dump: 'b/2025-03-01_05-15-00/database.sql.gz',
        metadata: 'b/2025-03-01_05-15-00/manifest.json',
        others: [
          'b/2025-03-01_05-15-00/nocodb-data.tar.gz',
          'b/2025-03-01_05-15-00/bases/Shop/tables/T/attachments/f/shop_20260115T020000Z.dump',
        ],
        stamp: '2025-03-01T05:15:00 local',
      },
    ]);
    expect(unrecognised).toEqual(['b/2025-03-01_05-15-00/something else']);
  });

  test('N-04, N-12: a tree of the dump alone, one without a dump, and a manifest of somebody else', () => {
    const { backups, unrecognised } = names([
      '2025-03-01_05-15-00/database.sql.gz',
      '2025-03-02_05-15-00/bases/Shop/metadata.json',
      '2025-03-03_05-15-00/manifest.json',
    ]);
    expect(backups.map(({ name, dump }) => [name, dump !== null])).toEqual([
      ['2025-03-01_05-15-00', true],
      ['2025-03-02_05-15-00', false],
    ]);
    expect(unrecognised).toEqual(['2025-03-03_05-15-00/manifest.json']);
  });

  test.each([
    ['O-04', 'backup_db_20260129_143022.sql.gz', 'backup_db_20260129_143022.sql.gz.json'],
    ['O-04', 'backup_db_20260129_143022.sql.gz', 'backup_db_20260129_143022.json'],
    ['T-05', 'db_20260115T020000Z.dump', 'db_20260115T020000Z.dump.meta'],
    ['T-05', 'db_20260115T020000Z.dump', 'db_20260115T020000Z.meta'],
    ['B-04', 'backup_20260120_020000_0042.nbdata', 'backup_20260120_020000_0042_metadata.json'],
  ])('%s: %s has its notes in %s', (_item, file, note) => {
    const { backups, unrecognised } = names([`x/${file}`, `x/${note}`]);
    expect(backups).toMatchObject([{ dump: `x/${file}`, metadata: `x/${note}` }]);
    expect(unrecognised).toEqual([]);
  });
});

describe('--system: the ending is enough, and other systems are not looked for', () => {
  test.each<[ForeignSystem, string[], string[]]>([
    ['tma-cloud', ['any.dump', 'shop_2025-04-01_02-00-00.sql.gz'], ['any.dump']],
    ['ops-center', ['any.sql', 'any.sql.gz', 'any.dump'], ['any.sql', 'any.sql.gz']],
    ['nestjs-starter', ['any.tar.gz', 'any.dump', 'x.nbdata'], ['any.tar.gz', 'any.dump']],
    ['nocobase', ['x.nbdata', 'any.dump'], ['x.nbdata']],
    ['nocodb', ['friday/database.sql.gz', 'any.dump'], ['friday/database.sql.gz']],
  ])('%s', (system, files, taken) => {
    const { backups } = names(files, system);
    expect(backups.map(({ dump }) => dump)).toEqual(taken);
    expect(backups.every((backup) => backup.system === system && backup.stamp === null)).toBe(true);
  });
});
