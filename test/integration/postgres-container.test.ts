import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interrupted } from '../../src/base/errors.ts';
import { runProcess } from '../../src/base/run-process.ts';
import { refuseGuess } from '../../src/engines/shared/container.ts';
import { openSnapshot } from '../../src/engines/postgres/dump/dump.ts';
import { checkDatabase } from '../../src/engines/postgres/check.ts';
import { create } from '../../src/engines/postgres/load/create.ts';
import { load } from '../../src/engines/postgres/load/load.ts';
import { replace } from '../../src/engines/postgres/replace/replace.ts';
import { targetFacts } from '../../src/engines/postgres/load/target.ts';
import { storedDump, temporaryFolder } from '../support/databases.ts';
import { fakeDocker } from '../support/fake-docker.ts';
import { accessTo } from '../support/postgres-access.ts';
import { startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { wholeLoad } from '../support/whole-load.ts';

const { signal } = new AbortController();
/** `podman`: all of it with that one. */
const engine = process.env['HOLDFAST_TEST_CONTAINER_ENGINE'] === 'podman' ? 'podman' : 'docker';
const image = 'postgres:15';
const password = 'container-secret-1';
const name = `holdfast-test-${randomBytes(4).toString('hex')}`;

async function inEngine(...args: string[]): Promise<string> {
  return (await runProcess({ program: engine, args }, { signal })).stdout.trim();
}

/** Needs a container engine that has the image already: nothing is pulled. */
const possible = await inEngine('image', 'inspect', image).then(
  () => true,
  () => false,
);

/** The server listens inside the container only; `localhost` means the container's own. */
function access(container: string, dump: Record<string, unknown> = {}) {
  return accessTo(`postgres://postgres:${password}@localhost:5432/postgres`, {
    container,
    containerEngine: engine,
    dump,
    database: { ssl: 'disable' },
  });
}

describe.skipIf(!possible)('a database in a container without a published port', () => {
  beforeAll(async () => {
    await inEngine('run', '--detach', '--rm', '--name', name, '--env', `POSTGRES_PASSWORD=${password}`, image);
    await until(
      () =>
        sql('select 1').then(
          (answer) => answer === '1',
          () => false,
        ),
      'the server in the container',
    );
    await sql('create table big as select n, repeat(md5(n::text), 20) as body from generate_series(1, 150000) n');
  });
  afterAll(async () => {
    await inEngine('rm', '--force', name);
  });

  async function sql(text: string): Promise<string> {
    return await inEngine(
      'exec',
      '--env',
      `PGPASSWORD=${password}`,
      name,
      'psql',
      '-h',
      '127.0.0.1',
      '-U',
      'postgres',
      '-XAtc',
      text,
    );
  }

  test('T-08 T-d10 is dumped by the tools inside, its password in no argument', async () => {
    await using snapshot = await openSnapshot(access(name, { compression: 'none' }), { folders: true }, signal);
    expect(snapshot.facts).toMatchObject({ name: 'postgres', via: `container:${name}` });
    for await (const part of snapshot.parts(signal)) {
      if (part.kind !== 'stream') throw new Error('a stream was expected');
      const stream = part.open(signal);
      const arguments_ = (await runProcess({ program: 'ps', args: ['-eo', 'args'] }, { signal })).stdout;
      expect(arguments_).toMatch(new RegExp(`${engine} .*exec --interactive`));
      expect(arguments_).not.toContain(password);
      const bytes = await buffer(stream);
      if (part.role === 'database') {
        expect(part.format).toBe('custom');
        expect(bytes.subarray(0, 5).toString()).toBe('PGDMP');
        expect(bytes.length).toBeGreaterThan(90_000_000);
      } else expect(bytes.toString()).toContain('CREATE ROLE postgres');
    }
    expect((await snapshot.count(signal)).tables).toEqual([
      { schema: 'public', name: 'big', rows: 150_000, fingerprint: null },
    ]);
  });

  test('cancelling ends the tool inside and all sessions', async () => {
    const controller = new AbortController();
    const snapshot = await openSnapshot(access(name, { format: 'plain' }), { folders: true }, controller.signal);
    for await (const part of snapshot.parts(controller.signal)) {
      if (part.kind !== 'stream') continue;
      const stream = part.open(controller.signal);
      if (part.role === 'globals') await buffer(stream);
      else {
        await new Promise((resolve) => stream.once('readable', resolve));
        controller.abort(interrupted());
        await expect(buffer(stream)).rejects.toMatchObject({ code: 'INTERRUPTED' });
      }
    }
    await snapshot[Symbol.asyncDispose]();
    expect(await sql(`select application_name from pg_stat_activity where application_name like 'holdfast%'`)).toBe('');
    // Podman has no ps of its own, and this one runs none inside.
    const columns = engine === 'podman' ? ['pid', 'args'] : ['-eo', 'pid,args'];
    await expect.poll(() => inEngine('top', name, ...columns)).not.toContain('pg_dump');
  });

  test('an aborted statement ends inside', async () => {
    const controller = new AbortController();
    const connection = await access(name).connect(controller.signal, { application: 'holdfast asleep' });
    const outcome = connection.rows('select pg_sleep(600)').catch((error: unknown) => error);
    await expect
      .poll(() => sql(`select state from pg_stat_activity where application_name = 'holdfast asleep'`))
      .toBe('active');
    controller.abort(interrupted());
    expect(await outcome).toMatchObject({ code: 'INTERRUPTED' });
    expect(await sql(`select count(*) from pg_stat_activity where application_name = 'holdfast asleep'`)).toBe('0');
  });

  test('T-d3 found by its image it may be read, with a warning, and never restored into', async () => {
    const others = (await inEngine('ps', '--format', '{{.Names}} {{.Image}}'))
      .split('\n')
      .filter((line) => line.includes('postgres') && !line.startsWith(name));
    const found = await access('auto').container(signal);
    if (others.length > 0) return expect(found).toBeNull();
    expect(found).toMatchObject({ name, foundBy: 'image' });
    expect(() => refuseGuess(found)).toThrow(expect.objectContaining({ code: 'CONTAINER_GUESSED', kind: 'refused' }));
    await using snapshot = await openSnapshot(access('auto'), { folders: true }, signal);
    expect(snapshot.warnings).toEqual([expect.stringContaining('only guessed by its image')]);
  });

  test('T-08 a named container that does not run is refused; a directory cannot be written from inside', async () => {
    await expect(access('no-such-container').connect(signal)).rejects.toMatchObject({
      code: 'CONTAINER_NOT_RUNNING',
      hint: expect.stringContaining(name),
    });
    await expect(openSnapshot(access(name, { format: 'directory' }), { folders: true }, signal)).rejects.toMatchObject({
      code: 'FORMAT_IMPOSSIBLE',
    });
  });

  test('doctor tells the way and the tools', async () => {
    const checks = await checkDatabase(access(name), signal);
    expect(checks.filter((check) => check.result === 'failed')).toEqual([]);
    expect(checks[0]?.detail).toContain(`through the container ${name}`);
    expect(checks[1]?.detail).toContain(`in the container ${name}`);
  });
});

test('T-d1 without a container engine auto means this machine', async () => {
  const before = process.env['PATH'];
  process.env['PATH'] = '/nonexistent';
  try {
    expect(await access('auto').container(signal)).toBeNull();
    await expect(access('shop-db').container(signal)).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  } finally {
    process.env['PATH'] = before;
  }
});

test('T-d3 a container that was only guessed is never restored into, nor is a database made there', async () => {
  await using server = await startPostgres();
  await using folder = await temporaryFolder();
  using standIn = await fakeDocker(folder.path);
  await standIn.run({ id: 'c0ffee'.repeat(10), name: 'shop-db', image: 'docker.io/library/postgres:15' });
  const like = await targetFacts(accessTo(server.url('postgres')), signal);
  if (like === null) throw new Error('there is no database postgres');
  // No port is published, so that only the image speaks for it.
  const guessed = accessTo(server.url('copy'), { container: 'auto', database: { ssl: 'disable' } });
  const refused = { code: 'CONTAINER_GUESSED', kind: 'refused' };
  await expect(create(guessed, like.facts, 'test', signal)).rejects.toMatchObject(refused);
  expect(await server.databases()).toEqual(['postgres']);
  const dump = storedDump('never read', 'custom');
  await expect(load(guessed, dump, wholeLoad, signal)).rejects.toMatchObject(refused);
  const replacing = { options: wholeLoad, expected: { tables: [], sequences: [] }, beforeCommit: undefined };
  await expect(replace(guessed, dump, replacing, signal)).rejects.toMatchObject(refused);
});
