import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { freePort } from '../support/s3-server.ts';
import { until } from '../support/until.ts';

const icu = `template template0 encoding 'UTF8' locale 'C' locale_provider icu icu_locale 'de'`;

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

describe('wait-for-database', () => {
  test('N-46, J-21: waits while nothing listens, says so once, and ends when the database can be asked', async () => {
    await server.createDatabase('later');
    const port = await freePort();
    await using holdfast = await installHoldfast({
      url: server.url('later').replace(`:${server.port}/`, `:${port}/`),
    });
    const { child, ended } = holdfast.start({}, 'wait-for-database', '--timeout', '60s');
    let told = '';
    child.stderr?.on('data', (text: string) => (told += text));
    await until(() => told.includes('waiting for'), 'it waits');
    await using _ = await forwardTo(server.port, port);
    const { status, stdout, stderr } = await ended;
    expect(status).toBe(0);
    expect(stdout).toBe(`later on 127.0.0.1:${port} as ${server.user} is ready\n`);
    expect(stderr.match(/waiting for/g)).toHaveLength(1);
    expect(stderr).toContain('nothing listens there');
  });

  test('N-46: after the time it ends with 1, the last reason and what to do', async () => {
    await using holdfast = await installHoldfast({ url: `postgres://shop:x@127.0.0.1:${await freePort()}/shop` });
    const { status, stdout, stderr } = await holdfast.run('wait-for-database', '--timeout', '1s');
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('was not ready within 1.0 s');
    expect(stderr).toContain('nothing listens there');
    expect(stderr).toContain('WAIT_TIMEOUT');
    expect(stderr).toContain('hint');
  });

  test('a wrong password ends it at once', async () => {
    await server.sql('postgres', `create role guest login password 'right'`);
    const url = server.url('postgres', { user: 'guest', password: 'wrong-4713' });
    await using holdfast = await installHoldfast({ url });
    const started = performance.now();
    const { status, stderr } = await holdfast.run('wait-for-database', '--timeout', '10m');
    expect(status).toBe(1);
    expect(stderr).toContain('DATABASE_LOGIN_FAILED');
    expect(performance.now() - started).toBeLessThan(60_000);
  });

  test('--server-only is content with a server on which the database is still missing', async () => {
    await using holdfast = await installHoldfast({ url: server.url('not-yet') });
    expect(await holdfast.json('wait-for-database', '--server-only')).toMatchObject([
      { source: 'shop', ready: true, attempts: 1 },
    ]);
    const { status, stderr } = await holdfast.run('wait-for-database', '--timeout', '1s');
    expect(status).toBe(1);
    expect(stderr).toContain('does not exist');
  });

  test('Ctrl-C ends it', async () => {
    await using holdfast = await installHoldfast({ url: `postgres://shop:x@127.0.0.1:${await freePort()}/shop` });
    const { child, ended } = holdfast.start({}, 'wait-for-database');
    let told = '';
    child.stderr?.on('data', (text: string) => (told += text));
    await until(() => told.includes('waiting for'), 'it waits');
    child.kill('SIGINT');
    expect((await ended).status).toBe(130);
  });
});

describe('collation', () => {
  const age = (name: string) =>
    server.sql('postgres', `update pg_database set datcollversion = '0.1' where datname = $1`, [name]);
  const node = async (name: string, index: string) =>
    (
      await server.sql<{ node: string }>(name, `select relfilenode::text as node from pg_class where relname = $1`, [
        index,
      ])
    )[0]?.node;

  test('N-47, N-48, N-d6: check 1, fix, check 0; fix asks, is a run of its own, and really rebuilds', async () => {
    await server.createDatabase('nocodb', icu);
    await server.sql('nocodb', 'create table t (name text); create index t_name on t (name)');
    await using holdfast = await installHoldfast({ url: server.url('nocodb') });
    expect((await holdfast.run('collation', 'check')).status).toBe(0);
    expect((await holdfast.run('doctor')).stdout).not.toContain('sort order');
    await age('nocodb');
    const checked = await holdfast.run('collation', 'check');
    expect(checked.status).toBe(1);
    expect(checked.stdout).toMatch(/default \(icu de\) {2}indexes were built with 0\.1, the system has [\d.]+/);
    expect(checked.stdout).toContain('public.t_name');
    expect((await holdfast.run('doctor')).stdout).toContain('holdfast collation check');
    const asJson = await holdfast.run('collation', 'check', '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      ok: false,
      databases: [{ database: 'nocodb', ok: false, problem: null, report: { indexes: [{ name: 't_name' }] } }],
    });

    const before = await node('nocodb', 't_name');
    const asked = await holdfast.run('collation', 'fix');
    expect(asked.status).toBe(4);
    expect(await node('nocodb', 't_name')).toBe(before);
    const { run } = await holdfast.json<{ run: string }>('collation', 'fix', '--yes');
    expect(await node('nocodb', 't_name')).not.toBe(before);
    expect((await holdfast.run('collation', 'check')).status).toBe(0);
    expect(await holdfast.json('runs', '--operation', 'maintenance')).toMatchObject([
      { id: run, source: 'shop', state: 'succeeded' },
    ]);
    const again = await holdfast.run('collation', 'fix');
    expect(again).toMatchObject({ status: 0, stdout: 'nothing differs, and nothing was touched\n' });
  });

  test('N-d6: contradicting rows are named, exit code 6, the run failed', async () => {
    await server.createDatabase('twice', icu);
    await server.sql(
      'twice',
      `create table users (name text); create unique index users_name on users (name); insert into users values ('anna');
       update pg_index set indisready = false, indisvalid = false where indexrelid = 'users_name'::regclass`,
    );
    await server.sql('twice', `insert into users values ('anna')`);
    await server.sql(
      'twice',
      `update pg_index set indisready = true, indisvalid = true where indexrelid = 'users_name'::regclass`,
    );
    await age('twice');
    await using holdfast = await installHoldfast({ url: server.url('twice') });
    const { status, stdout, stderr } = await holdfast.run('collation', 'fix', '--yes');
    expect(status).toBe(6);
    expect(stdout).toContain('public.users_name: Key (name)=(anna) is duplicated.');
    expect(stderr).toContain('Key (name)=(anna) is duplicated.');
    expect((await holdfast.run('collation', 'check')).status).toBe(1);
    expect(await holdfast.json('runs', '--operation', 'maintenance')).toMatchObject([{ state: 'failed' }]);
  });

  test('N-47: --all-databases looks at each, and mends only those that differ', async () => {
    await server.createDatabase('one', icu);
    await server.createDatabase('two', icu);
    for (const name of ['one', 'two'])
      await server.sql(name, 'create table t (name text); create index t_name on t (name)');
    await age('two');
    await using holdfast = await installHoldfast({ url: server.url('one') });
    expect((await holdfast.run('collation', 'check')).status).toBe(0);
    const { status, stdout } = await holdfast.run('collation', 'check', '--all-databases', '--json');
    expect(status).toBe(1);
    const { databases } = JSON.parse(stdout) as { databases: { database: string; ok: boolean }[] };
    expect(databases.map(({ database }) => database)).toEqual(expect.arrayContaining(['one', 'postgres', 'two']));
    expect(databases.find(({ database }) => database === 'two')?.ok).toBe(false);
    const before = [await node('one', 't_name'), await node('two', 't_name')];
    await holdfast.run('collation', 'fix', '--all-databases', '--yes');
    expect(await node('one', 't_name')).toBe(before[0]);
    expect(await node('two', 't_name')).not.toBe(before[1]);
  });

  test('a backup of the source and fix keep out of each other’s way', async () => {
    await server.createDatabase('locked', icu);
    await server.sql('locked', 'create table t (name text); create index t_name on t (name)');
    await age('locked');
    await using holdfast = await installHoldfast({
      url: server.url('locked'),
      settings: { hooks: { before: { shell: 'echo > started; while [ ! -e go ]; do sleep 0.05; done' } } },
    });
    const backup = holdfast.start({}, 'backup');
    await until(() => existsSync(join(holdfast.folder, 'started')), 'its hook runs');
    expect((await holdfast.run('collation', 'fix', '--yes')).status).toBe(5);
    writeFileSync(join(holdfast.folder, 'go'), '');
    expect((await backup.ended).status).toBe(0);
  });
});

/** A port that leads to another one, from now on. */
async function forwardTo(target: number, port: number): Promise<AsyncDisposable> {
  const relay = createServer((incoming) => {
    const outgoing = connect(target, '127.0.0.1');
    incoming.on('error', () => outgoing.destroy()).pipe(outgoing);
    outgoing.on('error', () => incoming.destroy()).pipe(incoming);
  });
  await new Promise<void>((resolve) => relay.listen(port, '127.0.0.1', resolve));
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => relay.close(() => resolve())) };
}
