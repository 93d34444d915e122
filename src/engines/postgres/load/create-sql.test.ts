import { expect, test } from 'vitest';
import type { DatabaseFacts } from '../../engine.ts';
import { createStatement, dressStatements } from './create-sql.ts';

function like(facts: Partial<DatabaseFacts> & { properties?: Record<string, unknown> } = {}): DatabaseFacts {
  return {
    engine: 'postgres',
    name: 'shop',
    serverVersion: '15.18',
    toolVersion: '15.18',
    via: 'host',
    encoding: 'UTF8',
    collation: 'C',
    collationVersion: null,
    sizeBytes: 0,
    owner: 'app',
    extensions: [],
    settings: [],
    roles: [],
    owners: [],
    policyRoles: [],
    properties: {},
    ...facts,
  };
}

test.each([
  [
    'libc on 14',
    14,
    like({ collation: `it's`, properties: { ctype: 'C' } }),
    `TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'it''s' LC_CTYPE 'C'`,
  ],
  [
    'libc on 15',
    15,
    like({ properties: { ctype: 'C' } }),
    `TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`,
  ],
  [
    'a manifest that knows only the collation',
    15,
    like(),
    `TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`,
  ],
  [
    'icu with rules on 16',
    16,
    like({ collation: 'de', properties: { localeProvider: 'icu', locale: 'de', ctype: 'C', icuRules: '&a<b' } }),
    `TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&a<b' LC_COLLATE 'C' LC_CTYPE 'C'`,
  ],
  [
    'builtin on 17, in a tablespace',
    17,
    like({ properties: { localeProvider: 'builtin', locale: 'C.UTF-8', ctype: 'C', tablespace: 'fast disk' } }),
    `TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C' TABLESPACE "fast disk"`,
  ],
])('%s', (_title, major, facts, rest) => {
  expect(createStatement('a "b"', facts, major)).toBe(`CREATE DATABASE "a ""b""" ${rest}`);
});

test.each([
  [14, 'icu'],
  [16, 'builtin'],
])('a server %i has no %s databases', (major, localeProvider) => {
  expect(() => createStatement('x', like({ properties: { localeProvider } }), major)).toThrow(
    expect.objectContaining({ code: 'LOCALE_UNKNOWN' }),
  );
});

test('lists stay lists and values stay values', () => {
  const settings = [
    'search_path="$user", app, "odd, ""one"""',
    'work_mem=8MB',
    `app.note=it's "x", y`,
    'search_path=""',
  ];
  expect(dressStatements('d', like({ settings }), new Set())).toEqual([
    `ALTER DATABASE "d" SET "search_path" TO '$user', 'app', 'odd, "one"'`,
    `ALTER DATABASE "d" SET "work_mem" TO '8MB'`,
    `ALTER DATABASE "d" SET "app"."note" TO 'it''s "x", y'`,
    `ALTER DATABASE "d" SET "search_path" TO ''`,
    `COMMENT ON DATABASE "d" IS NULL`,
  ]);
});

test('privileges are those of the original and no others; roles that are gone are left out', () => {
  const grant = (grantee: string | null, privilege: string, grantable = false) => ({
    grantor: 'app',
    grantee,
    privilege,
    grantable,
  });
  const properties = {
    privileges: [
      grant(null, 'CONNECT'),
      grant('app', 'CREATE'),
      grant('gone', 'CREATE'),
      grant('reader', 'CONNECT', true),
    ],
    roleSettings: [
      { role: 'reader', setting: 'work_mem=1MB' },
      { role: 'gone', setting: 'work_mem=1MB' },
    ],
    connectionLimit: 7,
    comment: `it's mine`,
  };
  expect(dressStatements('d', like({ properties }), new Set(['app', 'reader']))).toEqual([
    'REVOKE ALL ON DATABASE "d" FROM PUBLIC',
    'REVOKE ALL ON DATABASE "d" FROM "app"',
    'GRANT CONNECT ON DATABASE "d" TO PUBLIC',
    'GRANT CREATE ON DATABASE "d" TO "app"',
    'GRANT CONNECT ON DATABASE "d" TO "reader" WITH GRANT OPTION',
    `ALTER ROLE "reader" IN DATABASE "d" SET "work_mem" TO '1MB'`,
    'ALTER DATABASE "d" CONNECTION LIMIT 7',
    `COMMENT ON DATABASE "d" IS 'it''s mine'`,
  ]);
});
