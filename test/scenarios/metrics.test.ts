import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { startHttpServer } from '../support/http-server.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { fillHistory } from '../support/history.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql(
    'shop',
    `create table orders as select id, repeat(md5(id::text), 20) as note from generate_series(1, 100000) as id`,
  );
});
afterAll(() => server[Symbol.asyncDispose]());

async function serve(holdfast: Installation) {
  const { child, ended } = holdfast.start({}, 'serve');
  let address = '';
  child.stderr?.on('data', (text: string) => {
    address = /HTTP at (http:\S+)/.exec(text)?.[1] ?? address;
  });
  await until(() => address !== '', 'the server says where it is');
  return {
    address,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

type Samples = Map<string, number>;

async function scrape(address: string): Promise<Samples> {
  const response = await fetch(`${address}/metrics`);
  expect(response.status).toBe(200);
  return parse(await response.text());
}

/** As Prometheus reads it: one sample a line, nothing twice. */
function parse(text: string): Samples {
  const samples: Samples = new Map();
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const found = /^([a-z_]+(?:\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)*\})?) (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(line);
    expect(found, line).not.toBeNull();
    expect(samples.has(found?.[1] ?? ''), line).toBe(false);
    samples.set(found?.[1] ?? '', Number(found?.[2]));
  }
  return samples;
}

test('N-d15, S28: what /metrics tells of a backup, a verification, a drill and a failure is what happened', async () => {
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    // Compressed by us, so that the size before is known.
    settings: { dump: { format: 'plain', compression: 'zstd:1' } },
    top: { server: { listen: '127.0.0.1:0' } },
  });
  await using daemon = await serve(holdfast);
  expect((await scrape(daemon.address)).get('holdfast_backups{source="shop",storage="local"}')).toBe(0);

  const made = await holdfast.json<{ id: string; bytes: number; rawBytes: number }>('backup');
  await holdfast.json('verify', made.id);
  await holdfast.json('drill', made.id);
  const [listed] =
    await holdfast.json<{ bytes: number; createdAt: string; drilled: { at: string; seconds: number } }[]>('list');
  await server.sql('postgres', 'alter database shop with allow_connections false');
  expect((await holdfast.run('backup')).status).toBe(1);
  await server.sql('postgres', 'alter database shop with allow_connections true');

  const of = '{source="shop",operation="backup"}';
  let samples: Samples = new Map();
  await until(async () => {
    samples = await scrape(daemon.address);
    return samples.get(`holdfast_last_run_ok${of}`) === 0;
  }, 'the failure is told');
  const value = (name: string) => samples.get(name);
  expect(value('holdfast_up')).toBe(1);
  expect(value('holdfast_backups{source="shop",storage="local"}')).toBe(1);
  expect(value('holdfast_stored_bytes{source="shop",storage="local"}')).toBe(listed?.bytes);
  expect(value('holdfast_newest_backup_stored_bytes{source="shop"}')).toBe(made.bytes);
  expect(made.rawBytes).toBeGreaterThan(made.bytes);
  expect(value('holdfast_newest_backup_raw_bytes{source="shop"}')).toBe(made.rawBytes);
  expect(value('holdfast_newest_backup_timestamp_seconds{source="shop"}')).toBe(
    Date.parse(listed?.createdAt ?? '') / 1000,
  );
  expect(value('holdfast_last_drill_timestamp_seconds{source="shop"}')).toBe(
    Date.parse(listed?.drilled.at ?? '') / 1000,
  );
  expect(value('holdfast_last_drill_ok{source="shop"}')).toBe(1);
  expect(value('holdfast_last_drill_duration_seconds{source="shop"}')).toBe(listed?.drilled.seconds);
  expect(value('holdfast_last_verify_ok{source="shop"}')).toBe(1);
  expect(value('holdfast_runs_total{operation="backup",state="succeeded"}')).toBe(1);
  expect(value('holdfast_runs_total{operation="backup",state="failed"}')).toBe(1);
  expect(value('holdfast_runs_total{operation="drill",state="succeeded"}')).toBe(1);
  const [attempt, success] = ['attempt', 'success'].map(
    (what) => value(`holdfast_last_${what}_timestamp_seconds${of}`) ?? 0,
  );
  expect(attempt).toBeGreaterThan(success ?? 0);
  expect(Date.now() / 1000 - (success ?? 0)).toBeLessThan(120);
});

test('S28: with 1,000 sources, 10,000 runs and 10,000 backups /metrics is quick, and complete', async () => {
  const sources = Array.from({ length: 1000 }, (_, at) => ({
    name: `source-${at}`,
    storages: [{ name: 'local' }, { name: 'offsite' }],
  }));
  await using served = await startHttpServer({ sources });
  fillHistory(served.catalog, { sources: 1000, runs: 10_000, backups: 10_000 });
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const used = process.cpuUsage();
    const samples = await (await fetch(`${served.url}/metrics`)).text();
    const { user, system } = process.cpuUsage(used);
    times.push((user + system) / 1000);
    expect(samples.includes('holdfast_last_run_ok{source="source-998",operation="backup"}')).toBe(true);
    // Beyond the second for which an answer is told again.
    const until1s = performance.now() + 1_050;
    await until(() => performance.now() > until1s, 'an answer is made anew');
  }
  // Processor time, because others use this machine, and with what reading the answer takes: 60 ms where it was measured.
  expect(Math.min(...times)).toBeLessThan(200);
}, 240_000);

test('S28: 100 readers of /metrics at once, during a backup, with 200 sources and 10,000 backups: quick, and in bounded memory', async () => {
  const names = Array.from({ length: 200 }, (_, at) => `source-${at}`);
  const databases = Object.fromEntries(names.map((name) => [name, { database: { url: server.url('shop') } }]));
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    source: 'shop',
    top: {
      sources: { shop: { database: { url: server.url('shop') } }, ...databases },
      server: { listen: '127.0.0.1:0' },
    },
  });
  {
    using catalog = openCatalog(holdfast.state, systemClock);
    fillHistory(catalog, { sources: 200, runs: 10_000, backups: 10_000 });
  }
  await using daemon = await serve(holdfast);
  const backup = holdfast.start({}, 'backup', 'shop', '--json');
  let busy = true;
  void backup.ended.then(() => (busy = false));
  const times: number[] = [];
  const readers = Array.from({ length: 100 }, async () => {
    do {
      const asked = performance.now();
      const response = await fetch(`${daemon.address}/metrics`);
      expect(response.status).toBe(200);
      await response.arrayBuffer();
      times.push(performance.now() - asked);
    } while (busy);
  });
  await Promise.all(readers);
  const { status, stderr } = await backup.ended;
  expect(status, stderr).toBe(0);
  expect(times.length).toBeGreaterThanOrEqual(100);
  times.sort((one, other) => one - other);
  expect(times[Math.floor(times.length / 2)]).toBeLessThan(2_000);
  expect(times.at(-1)).toBeLessThan(8_000);
  const resident = (await scrape(daemon.address)).get('process_resident_memory_bytes') ?? Infinity;
  expect(resident).toBeLessThan(300 * 2 ** 20);
}, 120_000);
