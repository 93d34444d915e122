import { expect, test } from 'vitest';
import { schemaMoves } from './adjust.ts';
import { readFacts } from './facts.ts';
import { evaluate, type Target } from './guards.ts';
import { nextSteps } from './next-steps.ts';

const saved = readFacts({
  kind: 'nocobase',
  version: '2.2.15',
  dialect: 'postgres',
  underscored: false,
  tablePrefix: '',
  schema: '',
  serverVersion: 'PostgreSQL 15.18',
  plugins: [{ name: 'acl', version: '2.2.15', packageName: '@nocobase/plugin-acl' }],
  keys: 'saved',
  aesKey: 'abc',
  needsKeys: { secretVariables: 1, encryptedFields: 0, apiKeys: 0 },
});

const target: Target = {
  environment: { file: '/app/.env', values: new Map([['DB_DIALECT', 'postgres']]) },
  running: { state: 'stopped', detail: 'nothing answers' },
  codeVersion: '2.2.15',
  live: {
    version: '2.2.15',
    shape: { schema: '', tablePrefix: '', underscored: false },
    serverVersion: '15.18',
    engine: 'postgres',
  },
  missingPlugins: [],
  aesKey: 'abc',
};
const said = (values: Record<string, string>) => ({
  environment: { file: '/app/.env', values: new Map(Object.entries({ DB_DIALECT: 'postgres', ...values })) },
});
const live = (more: Partial<NonNullable<Target['live']>>) => ({ live: { ...target.live, ...more } as Target['live'] });

test('all is well: every guard says what it has seen', () => {
  const guards = evaluate(saved, target, []);
  expect(guards.map(({ code, result }) => [code, result])).toEqual(
    ['stopped', 'version', 'dialect', 'underscored', 'prefix', 'schema', 'server', 'plugins'].map((name) => [
      `app-${name}`,
      'pass',
    ]),
  );
});

test.each<[string, string, Partial<typeof saved>, Partial<Target>, 'pass' | 'warn' | 'block', string | null]>([
  ['B-08: newer than the programs here', 'app-version', { version: '2.2.16' }, {}, 'block', '--allow app-version'],
  [
    'B-08: 2.10 is newer than 2.9',
    'app-version',
    { version: '2.10.0' },
    { codeVersion: '2.9.9' },
    'block',
    '--allow app-version',
  ],
  ['B-08: a pre-release counts as its release', 'app-version', { version: '2.2.15-beta.99' }, {}, 'pass', null],
  ['B-08: older', 'app-version', { version: '2.1.0' }, {}, 'pass', null],
  [
    'B-08: the programs count, not what the database says',
    'app-version',
    { version: '2.2.16' },
    { ...live({ version: '2.9.9' }) },
    'block',
    '--allow app-version',
  ],
  [
    'B-08: without programs, the database says',
    'app-version',
    { version: '2.3.0' },
    { codeVersion: null },
    'block',
    '--allow app-version',
  ],
  ['B-08: nobody can say', 'app-version', {}, { codeVersion: null, live: null }, 'warn', null],
  ['B-09: another dialect', 'app-dialect', { dialect: 'mysql' }, {}, 'block', null],
  ['B-09: underscored', 'app-underscored', { underscored: true }, {}, 'block', null],
  ['B-09: not underscored', 'app-underscored', {}, said({ DB_UNDERSCORED: 'true' }), 'block', null],
  ['B-09: a prefix', 'app-prefix', { tablePrefix: 'nb_' }, {}, 'block', null],
  ['B-09: the same prefix', 'app-prefix', { tablePrefix: 'nb_' }, said({ DB_TABLE_PREFIX: 'nb_' }), 'pass', null],
  ['B-09: a schema', 'app-schema', { schema: 'tenant1' }, {}, 'block', '--allow app-schema'],
  ['B-09: public is no schema', 'app-schema', {}, said({ DB_SCHEMA: 'public' }), 'pass', null],
  [
    'B-10, B-d1: an older server',
    'app-server',
    { serverVersion: 'PostgreSQL 16.2' },
    live({ serverVersion: '9.6' }),
    'block',
    '--allow server-version',
  ],
  ['B-10, B-d1: a newer server', 'app-server', { serverVersion: '9.6' }, live({ serverVersion: '16.2' }), 'pass', null],
  ['B-11: a plugin is missing', 'app-plugins', {}, { missingPlugins: ['kanban'] }, 'warn', null],
  [
    'B-12: it runs',
    'app-stopped',
    {},
    { running: { state: 'running', detail: 'it answers' } },
    'block',
    '--allow app-stopped',
  ],
  ['B-12: nobody can say', 'app-stopped', {}, { running: { state: 'unknown', detail: 'no address' } }, 'warn', null],
  ['B-d7: no keys, and others here', 'app-keys', { keys: 'left out' }, { aesKey: 'def' }, 'block', '--allow app-keys'],
  ['B-d7: no keys, and the same here', 'app-keys', { keys: 'left out' }, {}, 'pass', null],
  [
    'B-09: no settings: those of the database here',
    'app-prefix',
    {},
    {
      environment: { file: null, values: new Map() },
      ...live({ shape: { schema: '', tablePrefix: 'x', underscored: false } }),
    },
    'block',
    null,
  ],
])('%s', (_name, code, backup, here, result, override) => {
  const guards = (allowed: string[]) => evaluate({ ...saved, ...backup }, { ...target, ...here }, allowed);
  expect(guards([]).find((guard) => guard.code === code)).toMatchObject({ result, override });
  const lifted = override === null ? [code] : [override.replace('--allow ', '')];
  const after = guards(lifted).find((guard) => guard.code === code)?.result;
  expect(after).toBe(result === 'block' && override !== null ? 'warn' : result);
});

test('where nothing is known of the settings, those needed are named', () => {
  const backup = { ...saved, schema: 'tenant1', tablePrefix: 'nb_', underscored: true };
  const guards = evaluate(backup, { ...target, environment: { file: null, values: new Map() }, live: null }, []);
  expect(guards.find(({ code }) => code === 'app-settings')?.detail).toContain(
    'DB_SCHEMA=tenant1, DB_TABLE_PREFIX=nb_, DB_UNDERSCORED=true',
  );
});

test('B-09: a schema is moved only where that was allowed', () => {
  const here = { schema: '', tablePrefix: '', underscored: false };
  const backup = { ...saved, schema: 'tenant1' };
  expect(schemaMoves(backup, here, [])).toEqual([]);
  expect(schemaMoves(saved, here, ['app-schema'])).toEqual([]);
  expect(schemaMoves(backup, here, ['app-schema'])).toEqual([
    'drop schema if exists "public" restrict',
    'alter schema "tenant1" rename to "public"',
    expect.stringMatching(/^update "public"."collections" .*'tenant1'$/),
  ]);
});

test.each([
  ['2.2.15', '2.2.15', /^Start NocoBase: it is the version/],
  ['2.1.0', '2.2.15', /^Run `yarn nocobase upgrade` in \/app, then start/],
  ['2.3.0', '2.2.15', /^Do not start NocoBase 2\.2\.15 yet/],
  ['2.2.15', null, /^Start NocoBase 2\.2\.15\. With newer programs/],
])('what comes next, of %s restored to %s', (version, codeVersion, expected) => {
  const steps = nextSteps({ ...saved, version }, { app: '/app', codeVersion });
  expect(steps).toEqual([expect.stringMatching(expected)]);
});

test('B-d7: without keys, the next step is to put them back', () => {
  const steps = nextSteps({ ...saved, keys: 'left out' }, { app: '/app', codeVersion: '2.2.15' });
  expect(steps[0]).toContain('aes_key.dat');
});
