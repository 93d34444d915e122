import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, stockDump, temporaryFolder } from '../support/databases.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { wholeLoad } from '../support/whole-load.ts';

/** What belongs to a database, and pg_dump says nothing of. */

const { signal } = new AbortController();
let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.sql('postgres', `create role app login password 'app' createdb`);
});
afterAll(() => server[Symbol.asyncDispose]());

interface Told {
  warnings: string[];
}
interface Planned {
  guards: { code: string; result: string; detail: string; override: string | null }[];
}

async function around(holdfast: Installation, ...words: string[]): Promise<string[]> {
  const { stdout, stderr } = await holdfast.run('restore', ...words, '--dry-run', '--json');
  const { guards } = JSON.parse(stdout || stderr) as Planned;
  return guards.filter(({ code }) => code === 'around').map(({ detail }) => detail);
}

const scratch = join(tmpdir(), `holdfast-test-${process.pid}`);

describe('keys that were switched off', () => {
  const content = `
    create table person (id int primary key, boss int constraint "the boss" references person);
    create table note (who int references person, n int, constraint one unique (n) deferrable);
    create table part (id int, who int constraint whose references person) partition by list (id);
    create table part_1 partition of part for values in (1); create table part_2 partition of part for values in (2);
    insert into person values (1, 1); insert into part values (1, 1), (2, 1)`;
  const off = `alter table note disable trigger all; alter table part_1 disable trigger all;
    do $$ declare item record; begin
      for item in select tgname from pg_trigger where tgrelid = 'person'::regclass and tgfoid::regproc::text = '"RI_FKey_check_ins"' loop
        execute format('alter table person enable replica trigger %I', item.tgname);
      end loop; end $$`;
  const states = `select k.conname as key, t.tgrelid::regclass::text as on, t.tgfoid::regproc::text as calls, t.tgenabled as enabled, count(*)::int
    from pg_trigger t join pg_constraint k on k.oid = t.tgconstraint group by 1, 2, 3, 4 order by 1, 2, 3, 4`;

  test('are switched off again, whichever way the database comes back', async () => {
    await server.createDatabase('off');
    await server.sql('off', content);
    await server.sql('off', off);
    const before = await server.sql<{ enabled: string }>('off', states);
    expect(new Set(before.map(({ enabled }) => enabled))).toEqual(new Set(['O', 'D', 'R']));
    await using holdfast = await installHoldfast({ url: server.url('off'), settings: { drill: { target: 'same' } } });
    const { id, warnings } = await holdfast.json<{ id: string } & Told>('backup');
    expect(warnings).toContainEqual(
      'the foreign key note_who_fkey of public.note is switched off: where its rows do not fit, this backup cannot be restored, which a drill tells',
    );
    expect(await around(holdfast, id)).toEqual([]);
    await server.sql('off', 'alter table note enable trigger all');
    for (const words of [[], ['--in-place']]) {
      const restored = await holdfast.json<Told>('restore', id, '--yes', ...words);
      expect(restored.warnings).toEqual([]);
      expect(await server.sql('off', states), words.join()).toEqual(before);
    }
    await server.sql('off', 'drop table note');
    await holdfast.json('restore', id, '--yes', '--table', 'public.note');
    expect(await server.sql('off', states)).toEqual(before);
    await holdfast.json('restore', id, '--yes', '--into', 'off_copy');
    expect(await server.sql('off_copy', states)).toEqual(before);

    // Rows that it let in make it impossible to restore, which the drill says.
    await server.sql('off', 'insert into note values (77, 1)');
    const orphan = await holdfast.json<{ id: string }>('backup');
    const drilled = await holdfast.run('drill', orphan.id);
    expect([drilled.status, drilled.stderr]).toEqual([1, expect.stringContaining('note_who_fkey')]);
  }, 300_000);

  test('on a partition are no obstacle where nobody has noted them down', async () => {
    await server.createDatabase('theirs');
    await server.sql('theirs', `${content}; alter table part_1 disable trigger all`);
    await using folder = await temporaryFolder();
    const dump = await stockDump(server, 'theirs', 'custom', join(folder.path, 'theirs'));
    const live = openDatabase(server, 'theirs', { scratch });
    const copy = live.named('theirs_copy');
    await copy.create(await live.probe(signal), 'test', signal);
    const { warnings } = await copy.load(dump, wholeLoad, signal);
    expect(warnings).toEqual([
      'a foreign key of public.part_1 was switched off, or another way, and is on now: the dump does not say which',
    ]);
    for (const scope of [null, { tables: [], schemas: ['public'] }]) {
      await live.replace(dump, { ...wholeLoad, scope }, { tables: [], sequences: [] }, signal);
      expect(await server.sql('theirs', 'select id from part order by 1')).toEqual([{ id: 1 }, { id: 2 }]);
    }
    await server.sql('theirs', 'alter table part_1 disable trigger all');
    const script = await stockDump(server, 'theirs', 'plain', join(folder.path, 'script'));
    await expect(live.replace(script, wholeLoad, { tables: [], sequences: [] }, signal)).rejects.toMatchObject({
      code: 'RESTORE_FAILED',
      hint: expect.stringContaining('use the format custom or directory'),
    });
  });

  test('are on where the role may not switch them off, and that is told before', async () => {
    await server.createDatabase('plain', 'owner app');
    await server.sql('plain', `set role app; ${content}`);
    await server.sql('plain', off);
    const url = server.url('plain', { user: 'app', password: 'app' });
    await using holdfast = await installHoldfast({ url });
    const { id } = await holdfast.json<{ id: string }>('backup');
    const told = 'the foreign key whose of public.part was switched off, in part or in whole, and is on now';
    for (const words of [[], ['--in-place'], ['--into', 'plain_copy']]) {
      expect(await around(holdfast, id, ...words), words.join()).toEqual([expect.stringContaining(told)]);
      const { warnings } = await holdfast.json<Told>('restore', id, '--yes', ...words);
      expect(warnings, words.join()).toContainEqual(expect.stringContaining(told));
    }
  }, 300_000);
});

test('a template comes back as one, and what it was before goes', async () => {
  await server.createDatabase('mould', 'is_template true');
  await server.sql('mould', 'create table t (id int)');
  await using holdfast = await installHoldfast({ url: server.url('mould') });
  const { id } = await holdfast.json<{ id: string }>('backup');
  const restored = await holdfast.run('restore', id, '--yes', '--no-safety-backup');
  expect([restored.status, restored.stderr]).toEqual([0, expect.not.stringContaining('still there')]);
  const like = `select datname as name from pg_database where datname like 'mould%' and datistemplate`;
  expect(await server.sql('postgres', like)).toEqual([{ name: 'mould' }]);
  await server.sql('postgres', 'create database cast_of_it template mould');
}, 300_000);

test('what the role may not read of user mappings is told to be missing', async () => {
  await server.createDatabase('mapped', 'owner app');
  await server.sql(
    'mapped',
    `create extension postgres_fdw; create server "The ERP" foreign data wrapper postgres_fdw; create server own foreign data wrapper postgres_fdw;
     create user mapping for postgres server "The ERP" options (user 'erp', password 'secret'); create user mapping for public server "The ERP" options (user 'all');
     grant usage on foreign server own to app; create user mapping for app server own options (user 'me', password 'mine')`,
  );
  const told = async (login?: { user: string; password: string }) => {
    await using holdfast = await installHoldfast({ url: server.url('mapped', login) });
    return (await holdfast.json<Told>('backup')).warnings.filter((each) => each.includes('user mapping'));
  };
  expect(await told()).toEqual([]);
  expect(await told({ user: 'app', password: 'app' })).toEqual([
    'the options, such as a password, of the user mapping of public on "The ERP" are not stored: app may not read them',
    'the options, such as a password, of the user mapping of postgres on "The ERP" are not stored: app may not read them',
  ]);
}, 300_000);

test('an index that CREATE INDEX CONCURRENTLY has not finished is told to be missing, and no other', async () => {
  await server.createDatabase('indexed');
  await server.sql(
    'indexed',
    `create table t (x int); insert into t values (1), (1); create table "left" (x int); insert into "left" values (1), (1);
     create table parts (x int) partition by list (x); create table part partition of parts for values in (1);
     create index on t (x); create index halfway on only parts (x)`,
  );
  for (const table of ['t', '"left"'])
    await expect(server.sql('indexed', `create unique index concurrently on ${table} (x)`)).rejects.toThrow('unique');
  await using holdfast = await installHoldfast({
    url: server.url('indexed'),
    settings: { dump: { exclude: { tables: ['public.left'] } } },
  });
  expect((await holdfast.json<Told>('backup')).warnings).toEqual([
    expect.stringMatching(/^the index public\.t_x_idx1 is not stored: /),
  ]);
  await holdfast.json('restore', 'latest', '--into', 'indexed_copy', '--yes');
  const names = `select relname as name from pg_class where relkind in ('i', 'I') and oid >= 16384 and relname !~ '^pg_toast' order by 1`;
  expect(await server.sql('indexed_copy', names)).toEqual([{ name: 'halfway' }, { name: 't_x_idx' }]);
}, 300_000);

describe('a tablespace that is not on the server', () => {
  test('is no obstacle: all lies in that of the database, which is told before', async () => {
    await server.sql('postgres', 'set allow_in_place_tablespaces = on');
    await using client = await server.session('postgres');
    await client.query('set allow_in_place_tablespaces = on');
    await client.query(`create tablespace "fast ssd" location ''`);
    await server.createDatabase('placed');
    await server.sql(
      'placed',
      `create table t (id int primary key using index tablespace "fast ssd", n int) tablespace "fast ssd"; insert into t values (1, 2);
       create index i on t (n) tablespace "fast ssd"; create materialized view m tablespace "fast ssd" as select * from t;
       create table p (id int) partition by list (id) tablespace "fast ssd"; create table p1 partition of p for values in (1)`,
    );
    await using elsewhere = await startPostgres();
    for (const format of ['custom', 'directory', 'tar']) {
      await using holdfast = await installHoldfast({
        url: server.url('placed'),
        settings: { dump: { format }, drill: { target: 'temporary' } },
      });
      const { id } = await holdfast.json<{ id: string }>('backup');
      const told = 'the tablespace "fast ssd" is not on the server: everything lies in that of the database';
      const drilled = await holdfast.json<{ ok: boolean } & Told>('drill', id);
      expect(drilled).toMatchObject({ ok: true, warnings: [told] });
      const into = ['--into', elsewhere.url(`placed_${format}`), '--no-owner'];
      expect(await around(holdfast, id, ...into)).toEqual([expect.stringContaining(told)]);
      expect((await holdfast.json<Told>('restore', id, '--yes', ...into)).warnings).toContainEqual(told);
      expect(await elsewhere.sql(`placed_${format}`, 'select * from m')).toEqual([{ id: 1, n: 2 }]);

      // Where it is, everything lies in it.
      expect(await around(holdfast, id)).toEqual([]);
      await holdfast.json('restore', id, '--yes', '--no-safety-backup');
      const placed = await server.sql(
        'placed',
        `select count(*)::int from pg_class c join pg_tablespace s on s.oid = c.reltablespace where spcname = 'fast ssd'`,
      );
      expect(placed).toEqual([{ count: 6 }]);
    }
  }, 300_000);

  test('is named where a script wants it', async () => {
    await using holdfast = await installHoldfast({
      url: server.url('placed'),
      settings: { dump: { format: 'plain' }, drill: { target: 'temporary' } },
    });
    const { id } = await holdfast.json<{ id: string }>('backup');
    const { status, stderr } = await holdfast.run('drill', id);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/fast ssd.*\(TABLESPACE_MISSING\)/s)]);
  }, 300_000);
});

describe('settings of the database that the role may not make', () => {
  test.each([
    ['log', `alter database NAME set log_min_duration_statement = '1s'`, 'log_min_duration_statement'],
    ['own', `alter database NAME set app.token = 'x'`, 'app.token'],
    ['role', `alter role reader in database NAME set work_mem = '8MB'`, 'work_mem for reader'],
  ])(
    'stop a swap before it begins, and are told to be missing elsewhere (%s)',
    async (name, sql, title) => {
      await server.sql('postgres', 'drop role if exists reader');
      await server.sql('postgres', 'create role reader');
      const live = `settings_${name}`;
      await server.createDatabase(live, 'owner app');
      await server.sql(live, 'set role app; create table t (id int)');
      await server.sql('postgres', sql.replace('NAME', live));
      await server.sql('postgres', `alter database ${live} set timezone = 'Asia/Tokyo'`);
      const settings = (database: string) =>
        server.sql(
          'postgres',
          'select setrole, setconfig from pg_db_role_setting s join pg_database d on d.oid = setdatabase where datname = $1 order by 1, 2',
          [database],
        );
      const before = await settings(live);
      await using holdfast = await installHoldfast({ url: server.url(live, { user: 'app', password: 'app' }) });
      const { id } = await holdfast.json<{ id: string }>('backup');
      for (const how of ['--dry-run', '--yes']) {
        const { status, stderr, stdout } = await holdfast.run('restore', id, how);
        expect([status, stdout + stderr]).toEqual([
          4,
          expect.stringContaining(`the setting ${title}, which app may not make again`),
        ]);
        expect(stdout + stderr).toContain('--in-place');
      }
      await holdfast.json('restore', id, '--yes', '--in-place');
      expect(await settings(live)).toEqual(before);
      const { warnings } = await holdfast.json<Told>('restore', id, '--yes', '--into', `${live}_copy`);
      expect(warnings).toEqual([
        expect.stringMatching(new RegExp(`^the setting ${title} of ${live}_copy could not be made: permission denied`)),
      ]);
      expect(await settings(`${live}_copy`)).toEqual([{ setrole: 0, setconfig: ['TimeZone=Asia/Tokyo'] }]);
      // A database that is gone comes back as far as it may.
      await server.sql('postgres', `drop database ${live}`);
      expect((await holdfast.json<Told>('restore', id, '--yes')).warnings).toContainEqual(
        expect.stringContaining(`the setting ${title}`),
      );
      await server.sql('postgres', `drop database ${live}`);
      await server.sql('postgres', `drop database ${live}_copy`);
    },
    300_000,
  );
});
