import { describe, expect, test } from 'vitest';
import { artifactKey, backupPrefix, drillKey, extensionFor, holdKey, isBackupFile, manifestKey } from './layout.ts';

const id = '2026-11-20_05-15-00';

describe('layout', () => {
  test('is what docs/backup-format.md says', () => {
    expect(manifestKey('shop', id)).toBe('shop/2026-11-20_05-15-00/manifest.json');
    expect(artifactKey('shop', id, 'database.dir/toc.dat')).toBe('shop/2026-11-20_05-15-00/database.dir/toc.dat');
    expect(holdKey('shop', `${id}-2`)).toBe('shop/2026-11-20_05-15-00-2/hold.json');
    expect(drillKey('shop', id, new Date('2026-11-21T00:00:01Z'))).toBe(
      'shop/2026-11-20_05-15-00/drills/2026-11-21_00-00-01.json',
    );
    expect(extensionFor({ codec: 'zstd', level: 3 })).toBe('.zst');
    expect(extensionFor({ codec: 'none', level: null })).toBe('');
  });

  test.each(['..', '../x', 'shop/x', '', 'Shop', '.hidden', 'latest'])(
    '%j is neither a source nor an id that leads anywhere',
    (name) => {
      expect(() => backupPrefix('shop', name)).toThrow('is not the name of a backup');
      if (name !== 'latest') expect(() => backupPrefix(name, id)).toThrow('is not the name of a source');
    },
  );

  test.each([
    'manifest.json',
    'hold.json',
    'drills/x.json',
    'database.dump',
    'database.dir/toc.dat',
    'globals.sql.zst',
  ])('%s is ours', (path) => {
    expect(isBackupFile(path)).toBe(true);
  });

  test.each(['notes.txt', 'mydatabase.dump', 'database', 'database-old/x', 'photos/x.jpg'])(
    'S12 %s is not ours',
    (path) => {
      expect(isBackupFile(path)).toBe(false);
    },
  );
});
