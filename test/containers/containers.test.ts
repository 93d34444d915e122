import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docker, engineMissing, openStack, type RunningStack } from '../support/engine.ts';
import { deployFolder } from '../support/stacks.ts';
import { until } from '../support/until.ts';

/**
 * The image is really built, the stacks really run. Where base images cannot be had, others stand in:
 *   HOLDFAST_TEST_BUILD_ARGS="NODE_IMAGE=node:24-bookworm-slim PGDG=" POSTGRES_VERSION=15 npm run test:containers
 */
const missing = await engineMissing();
if (missing !== null) process.stderr.write(`the container tests are skipped: ${missing}\n`);

const image = `holdfast-test:${randomBytes(4).toString('hex')}`;
const server = process.env['POSTGRES_VERSION'];
const common = server === undefined ? {} : { POSTGRES_VERSION: server };
const rows = 50_000;
const report = (text: string) => process.stdout.write(`  ${text}\n`);

beforeAll(async () => {
  if (missing !== null) return;
  const own = (process.env['HOLDFAST_TEST_BUILD_ARGS'] ?? '').split(' ').filter((word) => word !== '');
  const started = Date.now();
  const args = own.flatMap((word) => ['--build-arg', word]);
  const context = join(deployFolder, '..');
  const { status, stderr } = await docker([
    'build',
    '-f',
    join(deployFolder, 'Dockerfile'),
    '-t',
    image,
    ...args,
    context,
  ]);
  if (status !== 0) throw new Error(`docker build ended with ${status}: ${stderr.slice(-3000)}`);
  const size = Number((await docker(['image', 'inspect', '--format', '{{.Size}}', image])).stdout);
  report(
    `built in ${Math.round((Date.now() - started) / 1000)} s, ${Math.round(size / 1e6)} MB with the base images of this machine`,
  );
});
afterAll(async () => {
  if (missing === null) await docker(['image', 'rm', '--force', image]);
});

describe.skipIf(missing !== null)('the image', () => {
  const run = (...args: string[]) => docker(['run', '--rm', ...args]);
  const bound = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];

  test('N-05 runs any command, without any right and with nothing but /tmp to write', async () => {
    const { version } = JSON.parse(readFileSync(join(deployFolder, '../package.json'), 'utf8')) as { version: string };
    expect(await run(...bound, image, '--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(await run(...bound, image, 'cli', 'list', '--help')).toMatchObject({ status: 0 });
    expect(await run(...bound, image, 'backup')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('CONFIG_MISSING'),
    });
  });

  test('N-03 is user 1000, who may write its two volumes and nothing of the program', async () => {
    const script =
      'id -u; touch /backups/x /var/lib/holdfast/x && echo yes; touch /opt/holdfast/x /usr/local/bin/x 2>/dev/null || echo no';
    expect((await run('--entrypoint', 'sh', image, '-c', script)).stdout).toBe('1000\nyes\nno\n');
  });

  test('has the tools, and none that only build', async () => {
    const script =
      'for tool in mariadb mariadb-dump age zstd bzip2 xz lz4 tini; do command -v $tool || echo "no $tool"; done; ls /opt/holdfast/node_modules';
    const { stdout } = await run('--entrypoint', 'sh', image, '-c', script);
    expect(stdout).not.toMatch(/^no /m);
    expect(stdout).not.toMatch(/^(typescript|vitest|pg-server-\d+|node-.*)$/m);
  });
});

describe.skipIf(missing !== null)('a database with its backup', () => {
  let stack: RunningStack;
  const count = () => stack.sql('select count(*) from item');
  const health = () => stack.inspect('backup', '{{.State.Health.Status}}');
  const state = (template: string) => stack.inspect('backup', `{{.State.${template}}}`);
  const json = async (...args: string[]) => {
    const { status, stdout, stderr } = await stack.holdfast(...args, '--json');
    expect(status, `${args.join(' ')}: ${stderr}`).toBe(0);
    return JSON.parse(stdout) as unknown;
  };

  beforeAll(async () => {
    stack = await openStack('postgres', {
      image,
      env: { ...common, DATABASE_NAME: 'app', DATABASE_USER: 'app' },
      database: { service: 'database', user: 'app', name: 'app' },
    });
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  test('N-06 N-d15 is healthy soon, and says why', async () => {
    const started = Date.now();
    const { status, stderr } = await stack.compose('up', '--detach', '--wait');
    expect(status, stderr).toBe(0);
    report(`healthy ${Math.round((Date.now() - started) / 1000)} s after up, with the first start of the database`);
    expect(await health()).toBe('healthy');
    expect(await stack.inspect('backup', '{{(index .State.Health.Log 0).Output}}')).toMatch(/^healthy: /);
    expect(
      await stack.inspect('backup', '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.Config.User}}'),
    ).toBe('true [ALL] 1000:1000');
  });

  test('N-04 a backup, its proof, the list', async () => {
    await stack.sql(`create table item as select n as id, md5(n::text) as name from generate_series(1, ${rows}) n`);
    expect(await json('backup')).toMatchObject({ state: 'succeeded', rows });
    expect(await json('verify', 'latest')).toMatchObject({ ok: true });
    expect(await json('drill', 'latest')).toMatchObject({ ok: true });
    expect(await json('list')).toHaveLength(1);
  });

  test('beside the running daemon, from a container of its own: the same backups', async () => {
    const { status, stdout } = await stack.once('list', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(1);
  });

  test('kill -9 in the middle of a backup: restarted, healthy, marked, swept, and the next one works', async () => {
    // The dump waits for a table that somebody holds.
    const held = stack
      .sql('begin; lock table item in access exclusive mode; select pg_sleep(600)')
      .catch(() => undefined);
    await until(
      async () =>
        (await stack.sql(
          "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and relation = 'item'::regclass",
        )) === '1',
      'the lock',
    );
    const killed = stack.holdfast('backup');
    await until(
      async () =>
        Number(
          await stack.sql(
            "select count(*) from pg_stat_activity where application_name like 'holdfast%' or application_name = 'pg_dump'",
          ),
        ) > 0,
      'the dump',
    );
    const before = await state('Pid');
    const { daemon } = (await json('health')) as { daemon: { pid: number } };
    await stack.compose('exec', '-T', 'backup', 'sh', '-c', `kill -9 ${daemon.pid}`);
    expect((await killed).status).not.toBe(0);
    await stack.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and state is not null and application_name = 'psql'",
    );
    await held;
    const back = async () => (await state('Pid')) !== before && (await health()) === 'healthy';
    await until(back, 'the daemon is back', 150_000);
    expect(Number(await stack.inspect('backup', '{{.RestartCount}}'))).toBeGreaterThan(0);
    expect(await json('backup')).toMatchObject({ state: 'succeeded', rows });
    const runs = (await json('runs')) as { operation: string; state: string; error: { code: string } | null }[];
    expect(runs.filter((run) => run.state === 'running')).toEqual([]);
    const cut = runs.filter(({ error }) => error?.code === 'INTERRUPTED');
    expect(cut).toMatchObject([{ operation: 'backup', state: 'failed' }]);
    const { stdout } = await stack.compose('exec', '-T', 'backup', 'sh', '-c', 'ls -A /backups /backups/app');
    expect(stdout).not.toMatch(/part|stage|incoming|tmp/i);
  });

  test('N-d17 stop: at once, with nothing left behind, and started again it is healthy', async () => {
    const started = Date.now();
    expect(await stack.compose('stop', 'backup')).toMatchObject({ status: 0 });
    const seconds = (Date.now() - started) / 1000;
    report(`stopped in ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan(30);
    expect([0, 130, 143]).toContain(Number(await state('ExitCode')));
    expect(await state('OOMKilled')).toBe('false');
    expect(await stack.compose('up', '--detach', '--wait')).toMatchObject({ status: 0 });
    expect(await health()).toBe('healthy');
  });

  test('N-44 N-d5 disaster recovery as documented: the database is gone, and comes back', async () => {
    expect(await stack.compose('down')).toMatchObject({ status: 0 });
    expect(await docker(['volume', 'rm', `${stack.project}_database`])).toMatchObject({ status: 0 });
    const started = Date.now();
    expect(await stack.compose('up', '--detach', '--wait', 'database')).toMatchObject({ status: 0 });
    expect(await stack.once('list')).toMatchObject({ status: 0 });
    const { status, stderr } = await stack.once('restore', 'latest', '--yes');
    expect(status, stderr).toBe(0);
    report(`recovered in ${Math.round((Date.now() - started) / 1000)} s`);
    expect(await count()).toBe(String(rows));
    expect((await stack.compose('ps', '--services')).stdout.trim()).toBe('database');
  });
});

describe.skipIf(missing !== null)('NocoDB', () => {
  let stack: RunningStack;
  beforeAll(async () => {
    stack = await openStack('nocodb', {
      image,
      env: {
        ...common,
        NOCODB_JWT_SECRET: 'not-used-here',
        DATABASE_PASSWORD: 'onlyfortests',
        NOCODB_BACKUP_RETENTION_COUNT: '2',
      },
      database: { service: 'database', user: 'nocodb', name: 'nocodb' },
    });
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  test('N-46 N-47 the steps before its start end well on an empty database', async () => {
    const { status, stdout, stderr } = await stack.compose('up', '--exit-code-from', 'before-start', 'before-start');
    expect(status, `${stdout}${stderr}`).toBe(0);
  });

  test('N-01 N-d1 N-d5 the backup is up and healthy, and knows its next time, without NocoDB', async () => {
    const { status, stderr } = await stack.compose('up', '--detach', '--wait', 'backup');
    expect(status, stderr).toBe(0);
    expect((await stack.compose('ps', '--services')).stdout.trim().split('\n').toSorted()).toEqual([
      'backup',
      'database',
    ]);
    expect((await stack.compose('logs', 'backup')).stdout).toMatch(/15 5 \* \* \*/);
    expect(await stack.inspect('backup', '{{.Name}}')).toMatch(/_BACKUP$/);
  });

  test('N-04 N-05 the old command lines, and what they end with', async () => {
    await stack.sql('create table nc_one as select 1 as id');
    expect(await stack.holdfast('--now')).toMatchObject({ status: 0 });
    expect(await stack.holdfast('--now', '--db-only')).toMatchObject({ status: 0 });
    expect(await stack.holdfast('cli', 'list')).toMatchObject({ status: 0 });
  });
  test('N-d16 without a schedule it stays, healthy, and takes commands', async () => {
    stack.set({ NOCODB_BACKUP_SCHEDULE_ENABLED: 'false' });
    expect(await stack.compose('up', '--detach', '--wait', 'backup')).toMatchObject({ status: 0 });
    expect(await stack.inspect('backup', '{{.State.Health.Status}} {{.RestartCount}}')).toBe('healthy 0');
    expect(await stack.holdfast('backup')).toMatchObject({ status: 0 });
  });
});
