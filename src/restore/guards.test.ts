import { describe, expect, test } from 'vitest';
import type { DatabaseFacts, ServerFacts, TargetFacts } from '../engines/engine.ts';
import { blocking, evaluateGuards, type GuardFacts } from './guards.ts';

const backup: DatabaseFacts = {
  engine: 'postgres',
  name: 'shop',
  serverVersion: '15.18',
  toolVersion: '15.18',
  via: 'host',
  encoding: 'UTF8',
  collation: 'en_US.UTF-8',
  collationVersion: '2.36',
  sizeBytes: 1,
  owner: 'shop',
  extensions: [{ name: 'pgcrypto', version: '1.3' }],
  settings: [],
  roles: ['shop'],
  owners: ['shop'],
  policyRoles: [],
  properties: {},
};
const refusal = { reason: 'may not', hint: 'Allow it.' };
const server: ServerFacts = {
  version: '15.18',
  role: 'admin',
  superuser: false,
  mayNotCreate: null,
  mayNotChange: null,
  reaches: [],
  memberOf: ['admin', 'shop'],
  roles: ['admin', 'shop', 'app'],
  extensions: [{ name: 'pgcrypto', version: '1.3' }],
  databases: ['shop'],
};
const target: TargetFacts = { facts: backup, sessions: [], relations: 12 };
const otherwise: TargetFacts = { ...target, facts: { ...backup, encoding: 'UTF-16le' } };
const session = { pid: 1, role: 'app', application: 'api', address: '10.0.0.1', mayEnd: true };
const facts: GuardFacts = {
  mode: 'swap',
  name: 'shop',
  backup,
  server,
  target,
  unproven: null,
  owners: 'keep',
  whole: true,
  onlyNew: false,
  reserved: false,
  sessions: 'disconnect',
  foreignScript: false,
  leftOut: { tables: [], rows: [], by: 'exclude' },
  keepsOld: false,
  foreignDump: false,
  newer: null,
  obstacles: [],
  consequences: [],
  inPlace: true,
  file: false,
  allowed: [],
};

function blocked(change: Partial<GuardFacts>) {
  return blocking(evaluateGuards({ ...facts, ...change })).map(({ code, override }) => ({ code, override }));
}

describe('guards before a restore', () => {
  test('nothing stands in the way of a restore where all is well', () => {
    expect(evaluateGuards(facts).filter((guard) => guard.result !== 'pass')).toEqual([]);
  });

  test.each<[string, Partial<GuardFacts>, { code: string; override: string | null }[]]>([
    [
      'S16 role without createdb',
      { server: { ...server, mayNotCreate: refusal } },
      [{ code: 'rights', override: '--in-place' }],
    ],
    [
      'the same, where nothing can be restored in place',
      { server: { ...server, mayNotCreate: refusal }, inPlace: false },
      [{ code: 'rights', override: null }],
    ],
    [
      'a file that may not be written either',
      { server: { ...server, mayNotCreate: refusal, mayNotChange: refusal } },
      [{ code: 'rights', override: null }],
    ],
    [
      'and in place',
      { mode: 'in-place', server: { ...server, mayNotCreate: refusal, mayNotChange: refusal } },
      [{ code: 'rights', override: null }],
    ],
    [
      'role that may not rename',
      { server: { ...server, memberOf: ['admin', 'shop2'], superuser: true } },
      [{ code: 'rights', override: '--in-place' }],
    ],
    [
      'something that ties the live database to its name',
      { obstacles: [{ stops: 'swap', reason: 'the subscription x' }] },
      [{ code: 'swap', override: '--in-place' }],
    ],
    [
      'the same, where nothing can be restored in place',
      { obstacles: [{ stops: 'swap', reason: 'view v of other@%' }], inPlace: false },
      [{ code: 'swap', override: null }],
    ],
    [
      'tools that foreign text could use',
      { obstacles: [{ stops: 'tools', reason: '15.18' }] },
      [{ code: 'tools', override: '--allow unpatched' }],
    ],
    [
      'S16 older server',
      { server: { ...server, version: '14.9' } },
      [{ code: 'server-version', override: '--allow server-version' }],
    ],
    [
      'S16 missing role',
      { backup: { ...backup, roles: ['shop', 'gone'] } },
      [{ code: 'roles', override: '--no-owner' }],
    ],
    [
      'role one may not act for',
      { backup: { ...backup, roles: ['app'], owners: ['app'] } },
      [{ code: 'roles', override: '--no-owner' }],
    ],
    [
      'rows that are in no backup',
      { leftOut: { tables: [], rows: ['events'], by: 'exclude' } },
      [{ code: 'excluded', override: '--allow excluded' }],
    ],
    [
      'tables that are in no backup, when the old database is kept',
      { leftOut: { tables: ['audit_log'], rows: [], by: 'elsewhere' }, keepsOld: true },
      [],
    ],
    ['S16 missing extension', { server: { ...server, extensions: [] } }, [{ code: 'extensions', override: null }]],
    [
      'S15 refuse when connected',
      { target: { ...target, sessions: [session] }, sessions: 'refuse' },
      [{ code: 'sessions', override: '--if-connected disconnect' }],
    ],
    [
      'S15 sessions one may not end',
      { target: { ...target, sessions: [{ ...session, mayEnd: false }] } },
      [{ code: 'sessions', override: null }],
    ],
    ['in place without a place', { mode: 'in-place', target: null }, [{ code: 'target', override: null }]],
    ['a target that is not empty', { mode: 'new' }, [{ code: 'target', override: null }]],
    [
      'S24 parts for one that is not empty, by whom only new ones are entrusted to',
      { mode: 'new', whole: false, onlyNew: true },
      [{ code: 'target', override: null }],
    ],
    [
      "S24 a name of the server's own, though empty",
      { mode: 'new', target: { ...target, relations: 0 }, onlyNew: true, reserved: true },
      [{ code: 'target', override: null }],
    ],
    [
      'other encoding of an existing target',
      { mode: 'in-place', target: { ...target, facts: { ...backup, encoding: 'SQL_ASCII' } } },
      [{ code: 'encoding', override: '--allow encoding' }],
    ],
    [
      'J-d9 a script of foreign origin',
      { foreignScript: true, backup: null },
      [{ code: 'script', override: '--allow script' }],
    ],
    [
      'S24 a dump of foreign origin for a role that may start programs',
      { foreignDump: true, backup: null, server: { ...server, reaches: ['postgres'] } },
      [{ code: 'superuser', override: '--allow superuser' }],
    ],
  ])('%s is named', (_title, change, expected) => {
    expect(blocked(change)).toEqual(expected);
  });

  test('a block is lifted only by its own code, and stays visible', () => {
    const older = { server: { ...server, version: '14.9' } };
    expect(blocked({ ...older, allowed: ['roles'] })).toHaveLength(1);
    const lifted = evaluateGuards({ ...facts, ...older, allowed: ['server-version'] });
    expect(lifted.find((guard) => guard.code === 'server-version')).toMatchObject({ result: 'warn' });
  });

  test('a block without an override cannot be lifted', () => {
    expect(blocked({ server: { ...server, extensions: [] }, allowed: ['extensions'] })).toHaveLength(1);
  });

  test.each<[string, Partial<GuardFacts>]>([
    ['S15 connected clients', { target: { ...target, sessions: [session] } }],
    ['S16 other collation', { target: { ...target, facts: { ...backup, collation: 'C' } } }],
    ['S16 other collation version', { target: { ...target, facts: { ...backup, collationVersion: '2.31' } } }],
    ['a newer backup of some parts only', { newer: { id: '2026-11-21_05-15-00', parts: ['files'] } }],
    ['parts for another database that holds something', { mode: 'new', whole: false }],
    ['what is not left as it is around restored parts', { mode: 'in-place', consequences: ['a subscription ends'] }],
    ['other extension version', { server: { ...server, extensions: [{ name: 'pgcrypto', version: '1.4' }] } }],
  ])('%s is a warning', (_title, change) => {
    expect(evaluateGuards({ ...facts, ...change }).filter((guard) => guard.result === 'warn')).toHaveLength(1);
  });

  test.each<[string, Partial<GuardFacts>, string, RegExp]>([
    ['filled as a whole has the one of the backup, which programs notice', {}, 'warn', /must open it anew$/],
    ['that is empty has none yet', { mode: 'new', target: { ...otherwise, relations: 0 } }, 'pass', /^UTF8$/],
    ['takes no tables of another', { whole: false, allowed: ['encoding'] }, 'block', /takes over no tables/],
  ])('a file %s', (_title, change, result, detail) => {
    const guards = evaluateGuards({ ...facts, mode: 'in-place', file: true, target: otherwise, ...change });
    const guard = guards.find(({ code }) => code === 'encoding');
    expect(guard).toMatchObject({ result, override: null, detail: expect.stringMatching(detail) as string });
    expect(guard?.detail).not.toContain('wrongly');
  });

  test('without owners, no role is needed', () => {
    expect(blocked({ owners: 'none', backup: { ...backup, roles: ['gone'] } })).toEqual([]);
  });

  test('without owners, the roles that policies name are still needed', () => {
    const policies = { ...backup, roles: ['gone'], policyRoles: ['gone'] };
    expect(blocked({ owners: 'none', backup: policies })).toEqual([{ code: 'roles', override: null }]);
  });

  test('the versions before 10 count both their numbers', () => {
    const old = { ...backup, serverVersion: '9.6.24' };
    expect(blocked({ backup: old, server: { ...server, version: '9.4.1' } })).toHaveLength(1);
    expect(blocked({ backup: old })).toEqual([]);
  });
});
