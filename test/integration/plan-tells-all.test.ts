import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { hasMysql, productName, startMysql } from '../support/mysql-server.ts';
import { startPostgres } from '../support/postgres.ts';
import { runIn } from '../support/sqlite.ts';

interface Planned {
  guards: { code: string; result: string; detail: string; override: string | null }[];
}

describe('a dry run says what the restore would stop at', () => {
  test('S26: a wrong passphrase and a missing key; and the restore takes no safety backup first', async () => {
    await using holdfast = await installHoldfast({ url: 'sqlite:./shop.sqlite' });
    runIn(join(holdfast.folder, 'shop.sqlite'), 'create table item (id integer primary key)');
    const encrypted = (passphrase: string) =>
      holdfast.configure({
        state: './state',
        encryption: { passphrase },
        sources: { shop: { database: { path: './shop.sqlite' } } },
        storages: { local: { type: 'local', path: './backups' } },
      });
    await encrypted('eine lange passphrase');
    const { id } = await holdfast.json<{ id: string }>('backup');
    const [key] = await holdfast.json<{ file: string }[]>('key', 'list');
    expect((await holdfast.run('restore', id, '--dry-run')).status).toBe(0);

    await encrypted('eine ganz andere passphrase');
    for (const words of [['--dry-run'], ['--yes']]) {
      const { status, stdout, stderr } = await holdfast.run('restore', id, ...words);
      expect([status, stdout], words[0]).toEqual([1, '']);
      expect(stderr).toContain('(PASSPHRASE_WRONG)');
      expect(stderr).not.toContain('--no-safety-backup');
    }
    await encrypted('eine lange passphrase');
    const file = join(holdfast.storage, 'shop', key?.file ?? '');
    await rename(file, `${file}.away`);
    const missing = await holdfast.run('restore', id, '--dry-run');
    expect([missing.status, missing.stdout]).toEqual([6, '']);
    expect(missing.stderr).toContain('(KEY_MISSING)');
    expect(await holdfast.stored()).toEqual([id]);
    await rm(file, { force: true });
  }, 300_000);

  test('SQLite: a single table is nothing that a new file is made of', async () => {
    await using holdfast = await installHoldfast({ url: 'sqlite:./shop.sqlite' });
    runIn(join(holdfast.folder, 'shop.sqlite'), 'create table item (id integer primary key)');
    await holdfast.configure({
      state: './state',
      sources: { shop: { database: { path: './shop.sqlite' } } },
      storages: { local: { type: 'local', path: './backups' } },
    });
    const { id } = await holdfast.json<{ id: string }>('backup');
    for (const last of ['--dry-run', '--yes']) {
      const { status, stdout, stderr } = await holdfast.run(
        'restore',
        id,
        '--table',
        'item',
        '--into',
        'new.sqlite',
        last,
      );
      expect([status, stdout], last).toEqual([2, '']);
      expect(stderr).toContain('(WHOLE_ONLY)');
    }
    expect(await readdir(holdfast.folder)).not.toContain('new.sqlite');
  });

  test('PostgreSQL: a script that is not ours and tools with known holes; a slot that ties the database to its name', async () => {
    await using server = await startPostgres({ settings: { wal_level: 'logical' } });
    await server.createDatabase('shop');
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const url = new URL(server.url('shop'));
    await holdfast.configure({
      state: './state',
      sources: { shop: { database: { url: url.href, tools: '/usr/lib/postgresql/15/bin' } } },
      storages: { local: { type: 'local', path: './backups' } },
    });
    const script = join(holdfast.folder, 'theirs.sql');
    await writeFile(
      script,
      '-- PostgreSQL database dump\n\ncreate table item (id int);\n\n-- PostgreSQL database dump complete\n',
    );
    const planned = await holdfast.run('restore', script, '--allow', 'script', '--dry-run', '--json');
    expect((JSON.parse(planned.stdout) as Planned).guards, planned.stderr).toContainEqual(
      expect.objectContaining({ code: 'tools', result: 'block', override: '--allow unpatched' }),
    );
    const refused = await holdfast.run('restore', script, '--allow', 'script', '--yes');
    expect([refused.status, refused.stderr]).toEqual([4, expect.stringContaining('--allow unpatched')]);

    const { id } = await holdfast.json<{ id: string }>('backup');
    await server.sql('shop', `select pg_create_logical_replication_slot('feed', 'pgoutput')`);
    const tied = await holdfast.run('restore', id, '--dry-run', '--json');
    expect((JSON.parse(tied.stdout) as Planned).guards, tied.stderr).toContainEqual(
      expect.objectContaining({
        code: 'swap',
        result: 'block',
        override: '--in-place',
        detail: expect.stringContaining('feed'),
      }),
    );
    const before = await server.databases();
    expect((await holdfast.run('restore', id, '--yes')).status).toBe(4);
    expect(await server.databases()).toEqual(before);
    await server.sql('shop', `select pg_drop_replication_slot('feed')`);

    // What comes up later, here by a hook, keeps the database that was loaded and compared, and says under which name.
    const hook = join(holdfast.folder, 'tie.sh');
    const call = `psql -h ${server.host} -p ${server.port} -U ${server.user} -d shop`;
    await writeFile(hook, `${call} -c "select pg_create_logical_replication_slot('late', 'pgoutput')"\n`);
    await holdfast.configure({
      state: './state',
      sources: {
        shop: {
          database: { url: url.href },
          hooks: { restore: { before: { run: ['sh', hook], env: { PGPASSWORD: server.password } } } },
        },
      },
      storages: { local: { type: 'local', path: './backups' } },
    });
    const late = await holdfast.run('restore', id, '--yes', '--no-safety-backup');
    expect([late.status, late.stderr]).toEqual([4, expect.stringContaining('(SWAP_BLOCKED)')]);
    const kept = (await server.databases()).find((name) => name.startsWith('shop_restoring_'));
    expect(kept).toBeDefined();
    expect(late.stderr).toContain(`kept as ${kept}`);
    await server.sql('shop', `select pg_drop_replication_slot('late')`);
  }, 300_000);

  test('PostgreSQL: what is lost around restored parts, and what would be lost with them', async () => {
    await using server = await startPostgres({ settings: { wal_level: 'logical' } });
    await server.createDatabase('shop');
    await server.sql('shop', 'create table a (id int); create schema core; create table core.c (id int)');
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const { id } = await holdfast.json<{ id: string }>('backup');
    await server.createDatabase('from', 'template shop');
    await server.sql('from', 'create publication p for all tables');
    await server.sql('from', `select pg_create_logical_replication_slot('f', 'pgoutput')`);
    const url = `host=${server.host} port=${server.port} user=${server.user} password=${server.password} dbname=from`;
    await server.sql(
      'shop',
      `create subscription feed connection '${url}' publication p with (create_slot = false, slot_name = f, copy_data = false)`,
    );
    await server.sql('shop', 'create publication "our news" for table a');
    const around = async (...words: string[]) => {
      const { stdout, stderr } = await holdfast.run('restore', id, ...words, '--dry-run', '--json');
      const { guards } = JSON.parse(stdout || stderr) as Planned;
      return guards.filter(({ code }) => code === 'around');
    };
    const told = (text: string) => [
      { code: 'around', result: 'warn', override: null, detail: expect.stringContaining(text) },
    ];
    expect(await around('--in-place')).toEqual(
      told('subscription feed does not write into core.c and public.a any more'),
    );
    expect(await around('--in-place')).toEqual(told('the publication "our news" is not in the backup, and gone'));
    expect(await around('--schema', 'core')).toEqual(told('subscription feed does not write into core.c any more'));
    expect(await around('--table', 'public.a')).toEqual(told('subscription feed goes on to write into public.a'));
    expect((await holdfast.run('restore', id, '--table', 'public.a')).stderr).toContain(
      'goes on to write into public.a',
    );
    await server.sql('shop', 'alter subscription feed disable; create view later as select * from core.c');
    await server.sql('shop', 'alter table a add more int');
    for (const words of [['--dry-run'], ['--yes']]) {
      const schema = await holdfast.run('restore', id, '--schema', 'core', ...words);
      expect([schema.status, schema.stderr]).toEqual([4, expect.stringContaining('(DEPENDENTS_OUTSIDE)')]);
      const table = await holdfast.run('restore', id, '--table', 'public.a', ...words);
      expect([table.status, table.stderr]).toEqual([4, expect.stringContaining('(TABLE_DIFFERS)')]);
    }
    expect(await holdfast.stored(), 'a safety backup').toEqual([id]);
    await server.sql('shop', 'drop view later; alter table a drop more');
    await holdfast.json('restore', id, '--schema', 'core', '--yes');
    expect(await around('--table', 'core.c')).toEqual([]);
    await server.sql('shop', 'drop subscription feed');
  }, 300_000);

  test('PostgreSQL: what no script can do', async () => {
    await using server = await startPostgres();
    await server.createDatabase('shop');
    await server.sql('shop', `create table a (id int); select lo_from_bytea(0, 'x')`);
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const config = {
      state: './state',
      sources: { shop: { database: { url: server.url('shop') }, dump: { format: 'plain' } } },
      storages: { local: { type: 'local', path: './backups' } },
    };
    await holdfast.configure(config);
    const { id } = await holdfast.json<{ id: string }>('backup');
    await server.createDatabase('empty');
    const before = await server.databases();
    for (const [words, code] of [
      [['--table', 'public.a'], 'SCOPE_IN_SCRIPT'],
      [['--table', 'public.a', '--into', 'beside'], 'SCOPE_IN_SCRIPT'],
      [['--no-owner'], 'OWNERS_IN_SCRIPT'],
      [['--in-place'], 'SCRIPT_COMMITS'],
      [['--into', 'empty'], 'SCRIPT_COMMITS'],
    ] as const) {
      for (const how of ['--dry-run', '--yes']) {
        const { status, stderr } = await holdfast.run('restore', id, ...words, how);
        expect([status, stderr], `${words.join(' ')} ${how}`).toEqual([4, expect.stringContaining(`(${code})`)]);
      }
    }
    expect(await server.databases()).toEqual(before);
    expect(await holdfast.stored(), 'a safety backup').toEqual([id]);
    expect((await holdfast.run('restore', id, '--dry-run')).status).toBe(0);
  }, 300_000);

  test.skipIf(!hasMysql())(
    `${productName}: a view of another definer that this user could not make again`,
    async () => {
      await using server = await startMysql();
      await server.sql(
        null,
        'CREATE DATABASE shop',
        "CREATE USER app@'%' IDENTIFIED BY 'pw'",
        'CREATE USER other@localhost',
      );
      await server.sql(null, "GRANT ALL ON `shop%`.* TO app@'%'", "GRANT RELOAD, PROCESS ON *.* TO app@'%'");
      await server.sql('shop', 'CREATE TABLE item (id INT)');
      await using holdfast = await installHoldfast({ url: server.url('shop', { user: 'app', password: 'pw' }) });
      const { id } = await holdfast.json<{ id: string }>('backup');
      await server.sql('shop', 'CREATE DEFINER = other@localhost VIEW names AS SELECT 1 AS one');
      const planned = await holdfast.run('restore', id, '--dry-run', '--json');
      expect((JSON.parse(planned.stdout) as Planned).guards, planned.stderr).toContainEqual(
        expect.objectContaining({
          code: 'swap',
          result: 'block',
          override: null,
          detail: expect.stringContaining('names'),
        }),
      );
      const before = await server.databases();
      const refused = await holdfast.run('restore', id, '--yes', '--no-safety-backup');
      expect([refused.status, refused.stderr]).toEqual([4, expect.stringContaining('other@localhost')]);
      expect(refused.stderr).not.toContain('--in-place');
      expect(await server.databases()).toEqual(before);
    },
    300_000,
  );
});
