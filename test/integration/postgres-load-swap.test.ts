import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, temporaryFolder } from '../support/databases.ts';
import { hasServer, startPostgres, type Major, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const signal = new AbortController().signal;

let server: TestPostgres;
let folder: { path: string } & AsyncDisposable;

beforeAll(async () => {
  server = await startPostgres({ settings: { max_prepared_transactions: '5', wal_level: 'logical' } });
  folder = await temporaryFolder();
  await server.sql(
    'postgres',
    `create role app login password 'app' createdb; create role plain login password 'plain'; create role reader`,
  );
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const open = (name: string, user?: string) =>
  openDatabase(server, name, {
    scratch: join(folder.path, 'scratch'),
    ...(user === undefined ? {} : { login: { user, password: user } }),
  });

const content = async (database: string) =>
  (await server.sql<{ what: string }>(database, 'select what from t'))[0]?.what;

async function pair(live: string, options = ''): Promise<{ replacement: string; previous: string }> {
  const names = { replacement: `${live} new`, previous: `${live} old` };
  for (const [name, what] of [
    [live, 'old'],
    [names.replacement, 'new'],
  ] as const) {
    await server.createDatabase(name, options);
    await server.sql(name, `create table t as select '${what}' as what`);
  }
  return names;
}

describe('T-d9 an equal database', () => {
  const odd = `odd "name" $1; -- ' \n host=elsewhere ☃`;
  const locales: [title: string, version: Major, options: string][] = [
    ['UTF8 with C', 15, `template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C.utf8'`],
    ['LATIN1 with C', 15, `template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`],
    ['SQL_ASCII', 14, `template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'`],
    [
      'ICU',
      15,
      `template template0 encoding 'UTF8' locale_provider icu icu_locale 'de-u-co-phonebk' lc_collate 'C' lc_ctype 'C.utf8'`,
    ],
    [
      'ICU with rules',
      16,
      `template template0 encoding 'UTF8' locale_provider icu icu_locale 'en' icu_rules '&a < b' lc_collate 'C' lc_ctype 'C'`,
    ],
    [
      'the builtin provider',
      17,
      `template template0 encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'`,
    ],
    [
      'the builtin provider',
      18,
      `template template0 encoding 'UTF8' locale_provider builtin builtin_locale 'PG_UNICODE_FAST' lc_collate 'C' lc_ctype 'C'`,
    ],
  ];

  test.for(locales)(
    '%s on %i: owner, encoding, locale, privileges, settings, comment',
    async ([, version, options], context) => {
      if (!hasServer(version)) return context.skip();
      await using other = await startPostgres({ version });
      await other.sql('postgres', 'create role app createdb; create role reader; create role "odd ""role"');
      await other.createDatabase(odd, `owner app ${options} connection limit 7`);
      const name = `"${odd.replaceAll('"', '""')}"`;
      for (const statement of [
        `comment on database ${name} is E'it''s\\nmine'`,
        `revoke all on database ${name} from public`,
        `grant connect on database ${name} to reader`,
        `grant create on database ${name} to "odd ""role" with grant option`,
        `alter database ${name} set search_path = app, "$user", "we""ird, one", public`,
        `alter database ${name} set statement_timeout = '90s'`,
        `alter database ${name} set timezone = 'Europe/Berlin'`,
        `alter database ${name} set my.setting = 'it''s \\ "x", y'`,
        `alter role reader in database ${name} set work_mem = '8MB'`,
      ]) {
        await other.sql('postgres', statement);
      }
      const live = openDatabase(other, odd, { scratch: folder.path, tools: 18 });
      const before = (await live.target(signal))?.facts;
      if (!before) throw new Error('the database should exist');
      const copy = live.named('copy');
      await copy.create(before, 'test', signal);
      expect((await copy.leftovers(signal)).map((each) => each.database)).toEqual(['copy']);
      await copy.dress(before, signal);

      const after = (await copy.target(signal))?.facts;
      const own = { name: '', sizeBytes: 0 };
      expect({ ...after, ...own }).toEqual({ ...before, ...own });
      expect(await copy.leftovers(signal)).toEqual([]);
      await copy.drop({ unmarked: true }, signal);
    },
  );

  test('S18 databases with any name are made, found and dropped', async () => {
    const like = await open('postgres').probe(signal);
    for (const name of [
      'two words',
      'quote"s and \'s',
      'dollar $1; drop database postgres; --',
      'ünï ☃',
      'two\nlines',
      'dbname=x host=y',
      'a'.repeat(63),
      '-rf',
      '%s',
    ]) {
      const database = open('postgres').named(name);
      expect(await database.target(signal)).toBeNull();
      await database.create(like, `for ${name}`, signal);
      expect((await database.target(signal))?.facts.name).toBe(name);
      expect(await database.leftovers(signal)).toEqual([
        { database: name, note: `for ${name}`, createdAt: expect.any(String) },
      ]);
      await database.drop({ unmarked: false }, signal);
      expect(await database.target(signal)).toBeNull();
    }
  });

  test('a locale that the server lacks is named', async () => {
    const like = { ...(await open('postgres').probe(signal)), collation: 'xx_YY.utf8' };
    await expect(open('nowhere').create(like, 'test', signal)).rejects.toMatchObject({ code: 'LOCALE_MISSING' });
  });

  test('S6 a server that is restarted before its mark is written keeps nothing of it', async () => {
    await using other = await startPostgres();
    const copy = openDatabase(other, 'copy', { scratch: folder.path });
    const like = await copy.named('postgres').probe(signal);
    await using holder = await other.session('postgres');
    await holder.query('begin; lock table pg_shdescription in exclusive mode');
    const creating = copy.create(like, 'test', signal);
    const ended = creating.then(
      () => 'made',
      (error: { code: string }) => error.code,
    );
    await until(async () => (await other.databases()).includes('copy'), 'it is there, and not yet marked');
    await other.restart('immediate');
    expect(await ended).toBe('DATABASE_CONNECTION_LOST');
    expect(await other.databases()).toEqual(['postgres']);
  });

  test('made twice at once is told to one of them as there already', async () => {
    const like = await open('postgres').probe(signal);
    for (let round = 0; round < 5; round += 1) {
      const name = `twice_${round}`;
      const made = await Promise.allSettled([1, 2, 3].map(() => open(name).create(like, 'test', signal)));
      const codes = made.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []));
      expect(codes).toEqual(['DATABASE_EXISTS', 'DATABASE_EXISTS']);
    }
  });
});

describe('drop', () => {
  test('refuses a database without our mark, unless told', async () => {
    await server.createDatabase('theirs');
    await expect(open('theirs').drop({ unmarked: false }, signal)).rejects.toMatchObject({
      code: 'DATABASE_NOT_OURS',
      kind: 'refused',
    });
    expect(await server.databases()).toContain('theirs');
    await using client = await server.session('theirs');
    expect(client).toBeDefined();
    await open('theirs').drop({ unmarked: true }, signal);
    expect(await server.databases()).not.toContain('theirs');
  });

  test('is fine with a database that does not exist', async () => {
    await expect(open('never was').drop({ unmarked: false }, signal)).resolves.toBeUndefined();
  });
});

describe('swap', () => {
  test('S17 puts the replacement in place, keeps the original, and the way back is the same', async () => {
    const names = await pair('shop');
    await open('shop').swap(names, 'refuse', signal);
    expect([await content('shop'), await content('shop old')]).toEqual(['new', 'old']);
    await open('shop').swap({ replacement: 'shop old', previous: 'shop new' }, 'refuse', signal);
    expect([await content('shop'), await content('shop new')]).toEqual(['old', 'new']);
  });

  test('works where there is nothing to replace', async () => {
    await server.createDatabase('fresh');
    await server.sql('fresh', `create table t as select 'new' as what`);
    await open('place').swap({ replacement: 'fresh', previous: null }, 'refuse', signal);
    expect(await content('place')).toBe('new');
  });

  test('S15 names connected clients and refuses', async () => {
    const names = await pair('busy');
    await using client = await server.session('busy');
    await expect(open('busy').swap(names, 'refuse', signal)).rejects.toMatchObject({
      code: 'SESSIONS_CONNECTED',
      kind: 'refused',
      message: expect.stringContaining('postgres (test)'),
    });
    expect((await client.query('select what from t')).rows).toEqual([{ what: 'old' }]);
    expect(await server.databases()).not.toContain('busy old');
  });

  test('S15 ends connected clients that come back again and again', async () => {
    const names = await pair('crowd');
    const stop = new AbortController();
    const refused: string[] = [];
    const client = async () => {
      while (!stop.signal.aborted) {
        try {
          await using session = await server.session('crowd');
          for (;;) {
            await session.query('select what from t');
            if (stop.signal.aborted) return;
          }
        } catch (error) {
          refused.push(String(error));
        }
      }
    };
    const clients = [client(), client(), client(), client()];
    await expect.poll(async () => (await server.connections()).length).toBeGreaterThan(2);
    await open('crowd').swap(names, 'disconnect', signal);
    await expect.poll(() => content('crowd')).toBe('new');
    stop.abort();
    await Promise.all(clients);
    expect(await content('crowd old')).toBe('old');
    // Nobody was ever told that the database takes no connections.
    expect(refused.filter((text) => text.includes('not currently accepting'))).toEqual([]);
  });

  test('S15 a session that may not be ended makes it refuse, and nothing has changed', async () => {
    const names = await pair('guarded', 'owner app');
    await using client = await server.session('guarded');
    await expect(open('guarded', 'app').swap(names, 'disconnect', signal)).rejects.toMatchObject({
      code: 'SESSIONS_CONNECTED',
      hint: expect.stringContaining('ALTER DATABASE "guarded" RENAME TO "guarded old"'),
    });
    expect((await client.query('select what from t')).rows).toEqual([{ what: 'old' }]);
    expect(await content('guarded new')).toBe('new');
  });

  test('S16 a role that may not rename ends nobody', async () => {
    const names = await pair('mine');
    await server.sql('mine', 'grant all on database mine to plain; grant pg_signal_backend to plain');
    await using client = await server.session('mine');
    await expect(open('mine', 'plain').swap(names, 'disconnect', signal)).rejects.toMatchObject({
      code: 'DATABASE_NO_PRIVILEGE',
      hint: expect.stringContaining('"mine" RENAME TO "mine old"'),
    });
    expect((await client.query('select what from t')).rows).toEqual([{ what: 'old' }]);
  });

  test('S15 whoever ends the connected clients may be ended in between, and goes on', async () => {
    const names = await pair('lost helper');
    const unheard: unknown[] = [];
    const hear = (error: unknown) => void unheard.push(error);
    process.on('unhandledRejection', hear);
    try {
      // One that may not be ended keeps the renaming waiting for a while.
      await server.sql(
        'postgres',
        'alter database "lost helper" owner to app; alter database "lost helper new" owner to app',
      );
      await using held = await server.session('lost helper');
      const swapping = open('lost helper', 'app').swap(names, 'disconnect', signal);
      const helper = async () =>
        (await server.connections()).find(({ query }) => /pg_terminate_backend|pg_locks l where/.test(query))?.pid;
      let first: number | undefined;
      await until(async () => (first = await helper()) !== undefined, 'the session that ends others');
      await server.sql('postgres', 'select pg_terminate_backend($1)', [first]);
      await until(async () => ![undefined, first].includes(await helper()), 'another one');
      await held.end();
      await swapping;
    } finally {
      process.off('unhandledRejection', hear);
    }
    expect(unheard).toEqual([]);
    expect(await content('lost helper')).toBe('new');
  });

  test('a former database of that name is in the way: nothing is renamed', async () => {
    const names = await pair('twice');
    await server.createDatabase(names.previous);
    await expect(open('twice').swap(names, 'refuse', signal)).rejects.toMatchObject({ code: 'DATABASE_EXISTS' });
    expect(await content('twice')).toBe('old');
    expect(await content('twice new')).toBe('new');
  });

  test('prepared transactions and replication slots are named', async () => {
    const names = await pair('held');
    await using session = await server.session('held');
    await server.sql('held', `select pg_create_logical_replication_slot('feed', 'test_decoding')`);
    await session.query(`begin; insert into t values ('x'); prepare transaction 'pay; 1'`);
    await session.end();
    await expect(open('held').swap(names, 'disconnect', signal)).rejects.toMatchObject({
      code: 'SWAP_BLOCKED',
      message: expect.stringMatching(/pay; 1.*feed/),
    });
    await server.sql('held', `rollback prepared 'pay; 1'`);
    await server.sql('held', `select pg_drop_replication_slot('feed')`);
    await open('held').swap(names, 'disconnect', signal);
    expect(await content('held')).toBe('new');
  });

  test('names that the server would cut off are refused', async () => {
    await expect(
      open('shop').swap({ replacement: 'shop new', previous: 'ü'.repeat(32) }, 'refuse', signal),
    ).rejects.toMatchObject({ code: 'NAME_TOO_LONG' });
  });

  test('where postgres and template1 are closed, another database serves', async () => {
    await using other = await startPostgres();
    await other.sql('postgres', `create role app login createdb password 'app'`);
    for (const name of ['a', 'b', 'side']) await other.createDatabase(name, 'owner app');
    await other.sql(
      'postgres',
      'revoke connect on database postgres from public; revoke connect on database template1 from public',
    );
    const live = openDatabase(other, 'a', { scratch: folder.path, login: { user: 'app', password: 'app' } });
    await live.swap({ replacement: 'b', previous: 'c' }, 'refuse', signal);
    expect(await other.databases()).toEqual(expect.arrayContaining(['a', 'c', 'side']));
  });
});

test('ask: only a plain true is a yes, and nothing is changed', async () => {
  await pair('asked');
  const answers = await open('asked').ask(
    [
      'select 1 = 1',
      'select count(*) > 5 from t',
      'select 7',
      'select what from missing',
      'select true from generate_series(1, 2)',
      'delete from t returning true',
    ],
    signal,
  );
  expect(answers.map((answer) => answer.ok)).toEqual([true, false, false, false, false, false]);
  expect(answers[2]?.detail).toContain('7');
  expect(answers[3]?.detail).toContain('missing');
  expect(await content('asked')).toBe('old');
});

test('server and target tell what a restore must know', async () => {
  await pair('facts');
  await using client = await server.session('facts');
  const facts = await open('facts').server(signal);
  expect(facts).toMatchObject({
    version: expect.stringMatching(/^15\./),
    role: 'postgres',
    superuser: true,
    mayNotCreate: null,
  });
  expect(facts.memberOf).toContain('app');
  expect(facts.databases).toContain('facts');
  expect(facts.extensions.map((each) => each.name)).toContain('plpgsql');
  const target = await open('facts').target(signal);
  expect(target?.sessions).toEqual([
    { pid: expect.any(Number), role: 'postgres', application: 'test', address: '127.0.0.1', mayEnd: true },
  ]);
  expect(target?.relations).toBe(1);
  expect((await open('facts', 'plain').server(signal)).memberOf).not.toContain('app');
  expect((await open('facts', 'plain').target(signal))?.sessions[0]?.mayEnd).toBe(false);
  expect(client).toBeDefined();
});
