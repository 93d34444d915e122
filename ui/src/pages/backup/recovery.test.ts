import { describe, expect, test } from 'vitest';
import type { ShownArtifact, ShownManifest } from './manifest.ts';
import { schemasOf } from './manifest.ts';
import { recoverySteps } from './recovery.ts';

function manifest(paths: [string, string][], name = 'shop', encryption: ShownManifest['encryption'] = null) {
  const artifacts = paths.map(([path, format]): ShownArtifact => ({
    path,
    format,
    role: path.startsWith('globals') ? 'globals' : 'database',
    compression: null,
    encryption: null,
    object: null,
    rawBytes: null,
    bytes: 1,
    sha256: '0',
  }));
  return { database: { engine: 'postgres', name }, artifacts, encryption } as ShownManifest;
}

function textOf(step: string, shown: ShownManifest): string | undefined {
  return recoverySteps(shown).find((each) => each.step === step)?.text;
}

describe('recovery by hand', () => {
  test.each([
    ['database.dump', 'custom', 'cat database.dump | pg_restore --exit-on-error --dbname shop'],
    ['database.dump.zst', 'custom', 'zstd -dc database.dump.zst | pg_restore --exit-on-error --dbname shop'],
    ['database.tar.gz', 'tar', 'gzip -dc database.tar.gz | pg_restore --format tar --exit-on-error --dbname shop'],
    [
      'database.sql.xz',
      'plain',
      'xz -dc database.sql.xz | psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname shop',
    ],
    ['database.dir/toc.dat', 'directory', 'pg_restore --exit-on-error --jobs 2 --dbname shop database.dir'],
    [
      'database.dump.zst.age',
      'custom',
      'age --decrypt --identity key.txt database.dump.zst.age | zstd -dc | pg_restore --exit-on-error --dbname shop',
    ],
  ])('%s', (path, format, last) => {
    expect(textOf('database', manifest([[path, format]]))).toBe(`createdb --template template0 shop\n${last}`);
  });

  test('an encrypted one begins with its key', () => {
    const shown = manifest([['database.dump.age', 'custom']], 'shop', { key: 'keys/2026-01-01_00-00-00.age' });
    expect(recoverySteps(shown).map(({ step }) => step)).toEqual(['check', 'key', 'database', 'after']);
    expect(textOf('key', shown)).toBe('age --decrypt --output key.txt ../keys/2026-01-01_00-00-00.age');
  });

  test('roles come before the database, and odd names are one word of the shell', () => {
    const shown = manifest(
      [
        ['globals.sql', 'plain'],
        ['database.dump', 'custom'],
      ],
      "it's; rm -rf",
    );
    expect(recoverySteps(shown).map(({ step }) => step)).toEqual(['check', 'roles', 'database', 'after']);
    expect(textOf('after', shown)).toBe(String.raw`vacuumdb --analyze-only 'it'\''s; rm -rf'`);
  });
});

test('encrypted folders and tables of a directory are opened one by one', () => {
  const shown = manifest([
    ['database.dir/index.json.age', 'directory'],
    ['database.dir/t00001.sql.zst.age', 'directory'],
    ['database.dir/views.sql.zst.age', 'directory'],
  ]);
  const database = { ...shown.database, engine: 'mariadb', encoding: 'utf8mb4', collation: 'utf8mb4_bin' };
  const tars = ['files/uploads/00000001.tar.zst.age', 'files/uploads/00000002.tar.zst.age'];
  const folder = manifest(tars.map((path) => [path, 'tar'])).artifacts.map((each) => ({ ...each, role: 'files' }));
  const both = { ...shown, database, artifacts: [...shown.artifacts, ...folder] } as ShownManifest;
  expect(textOf('database', both)).toBe(
    [
      "mariadb --execute 'create database `shop` character set utf8mb4 collate utf8mb4_bin'",
      'for file in database.dir/t*.sql* database.dir/views*.sql*; do age --decrypt --identity key.txt "$file" | zstd -dc | mariadb --binary-mode --comments shop || break; done',
    ].join('\n'),
  );
  expect(textOf('folders', both)).toMatch(
    /^mkdir -p restored\/uploads && python3 .* files\/uploads\/ > tars\nwhile read -r tar; do age --decrypt --identity key\.txt "\$tar" \| zstd -dc \| tar -xpf - -C restored\/uploads --numeric-owner \|\| break; done < tars$/,
  );
});

test('contents are by schema and name; rows nobody counted are not zero rows', () => {
  const contents = schemasOf({
    tables: [
      { schema: 'shop', name: 'orders', rows: 5 },
      { schema: 'audit', name: 'event', rows: null },
      { schema: 'shop', name: 'item', rows: 7 },
    ],
    sequences: [{ schema: 'shop', name: 'orders_id_seq' }],
  });
  expect(contents).toEqual([
    { schema: 'audit', rows: 0, tables: [{ name: 'event', rows: null }], sequences: 0 },
    {
      schema: 'shop',
      rows: 12,
      tables: [
        { name: 'item', rows: 7 },
        { name: 'orders', rows: 5 },
      ],
      sequences: 1,
    },
  ]);
});
