import { expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { clientTools, hasServer, startPostgres, type Major, type TestPostgres } from '../support/postgres.ts';

async function installed(server: TestPostgres) {
  const tools = clientTools(server.major);
  const url = server.url('shop');
  return installHoldfast({
    url,
    settings: { database: { url, ...(tools === null ? {} : { tools }) }, drill: { target: 'same' } },
  });
}

const settingsOf = (server: TestPostgres) =>
  server.sql('postgres', `select s.setconfig from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase`);

test.skipIf(!hasServer(17) || clientTools(17) === null)(
  'a table that notes every login comes back as it was, and goes on noting',
  async () => {
    await using server = await startPostgres({ version: 17 });
    await server.createDatabase('shop');
    await server.sql(
      'shop',
      `create table logins (id serial primary key, who text); create table t as select 1 as n;
       create function note() returns event_trigger language plpgsql as 'begin insert into public.logins (who) values (session_user); end';
       create event trigger noting on login execute function note(); alter event trigger noting enable always;
       alter database shop set work_mem to '7MB'`,
    );
    await using holdfast = await installed(server);
    const { id } = await holdfast.json<{ id: string }>('backup');
    expect(await holdfast.json('drill', id)).toMatchObject({ ok: true });
    await holdfast.json('restore', id, '--yes', '--into', 'copy');
    await holdfast.json('restore', id, '--yes', '--no-safety-backup');
    for (const name of ['copy', 'shop']) {
      const before = await count(server, name);
      expect(await count(server, name)).toBe(before + 1);
    }
    expect(await settingsOf(server)).toEqual([{ setconfig: ['work_mem=7MB'] }, { setconfig: ['work_mem=7MB'] }]);
  },
);

async function count(server: TestPostgres, database: string): Promise<number> {
  const [row] = await server.sql<{ n: number }>(database, 'select count(*)::int as n from logins');
  return row?.n ?? 0;
}

test.each([15, 17] as const)(
  'a database of %i that lets nobody define anything is restored with its keys switched off as they were',
  async (version: Major) => {
    if (!hasServer(version) || (version > 15 && clientTools(version) === null)) return;
    await using server = await startPostgres({ version });
    await server.createDatabase('shop');
    await server.sql(
      'shop',
      `create table a (id int primary key); create table b (a int references a); alter table b disable trigger all;
       create function never() returns event_trigger language plpgsql as $$ begin raise exception 'nothing is defined here'; end $$;
       create event trigger never on ddl_command_start execute function never()`,
    );
    await using holdfast = await installed(server);
    const { id } = await holdfast.json<{ id: string }>('backup');
    expect(await holdfast.json('drill', id)).toMatchObject({ ok: true });
    await holdfast.json('restore', id, '--yes', '--no-safety-backup');
    await holdfast.json('restore', id, '--yes', '--no-safety-backup', '--in-place');
    await server.sql('shop', 'insert into b values (7)');
    await expect(server.sql('shop', 'create table c ()')).rejects.toThrow('nothing is defined here');
  },
);
