import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { anyPort, serveHoldfast } from '../support/api.ts';
import { fillHistory } from '../support/history.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const mb = 1024 * 1024;
let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql(
    'shop',
    'create table orders (id int, note text); insert into orders select n, md5(n::text) from generate_series(1, 200000) n',
  );
});
afterAll(() => server[Symbol.asyncDispose]());

test(
  'S28: with 50 sources, 10,000 backups and 50 readers at once, answers stay quick and memory small while a backup runs',
  { timeout: 600_000 },
  async () => {
    const { answers, plain, peak } = await underLoad({ sources: 50, readers: 50 });
    expect(answers.count).toBeGreaterThan(100);
    // What a server that does nothing takes here at the same time is the machine's.
    expect(answers.at(0.5)).toBeLessThanOrEqual(100 + 2 * plain.at(0.5));
    expect(answers.at(0.99)).toBeLessThanOrEqual(300 + 2 * plain.at(0.99));
    expect(peak).toBeLessThanOrEqual(250 * mb);
  },
);

test(
  'S28: with 200 sources, 10,000 backups and 100 readers at once, memory and latency stay bounded while a backup runs',
  { timeout: 600_000 },
  async () => {
    const { answers, plain, peak } = await underLoad({ sources: 200, readers: 100 });
    expect(answers.count).toBeGreaterThan(200);
    expect(answers.at(0.95)).toBeLessThanOrEqual(400 + 3 * plain.at(0.95));
    expect(peak).toBeLessThanOrEqual(300 * mb);
  },
);

/** Readers that look every second, as a console does, while one backup after the other is taken. */
async function underLoad({ sources, readers }: { sources: number; readers: number }) {
  const named = Object.fromEntries(
    Array.from({ length: sources }, (_, number) => [
      `source-${number}`,
      // Each its own: what is shared would be written as an alias.
      { database: { url: server.url('shop') }, storages: ['local', 'offsite'] },
    ]),
  );
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    top: {
      sources: named,
      storages: { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } },
      server: anyPort,
      // A check would find that none of these backups is stored.
      monitor: { every: 'off' },
    },
  });
  // Where backups were, a folder that is missing would be a disk that is not mounted.
  for (const folder of ['backups', 'offsite']) await mkdir(join(holdfast.folder, folder), { mode: 0o700 });
  {
    using catalog = openCatalog(holdfast.state, systemClock);
    fillHistory(catalog, { sources, runs: 10_000, backups: 10_000 });
  }
  await using served = await serveHoldfast(holdfast);
  await using yardstick = await startYardstick();
  const api = served.client(await served.token('reader', '--role', 'operator'));
  expect((await api.sources()).reduce((sum, source) => sum + source.backups, 0)).toBe(10_000);
  let pages = 0;
  for (let cursor: string | null | undefined; cursor !== null; pages += 1) {
    ({ next: cursor } = await api.backups({ query: { ...(cursor ? { cursor } : {}), limit: 500 } }));
  }
  expect(pages).toBe(20);

  const times: number[] = [];
  const plainTimes: number[] = [];
  let working = true;
  const timed = async (into: number[], work: () => Promise<unknown>) => {
    const started = performance.now();
    // As browsers do: on a machine that stood still for long, the connection that was kept may have been given up meanwhile.
    await work().catch(work);
    into.push(performance.now() - started);
  };
  const pause = () => new Promise((resolve) => setTimeout(resolve, 1000));
  const read = async (reader: number) => {
    for (let turn = reader; working; turn += 1) {
      const source = `source-${turn % sources}`;
      if (turn % 3 === 0) await timed(times, () => api.sources());
      else await timed(times, () => api.backups(turn % 3 === 1 ? {} : { query: { source } }));
      await pause();
    }
  };
  const measure = async () => {
    while (working) {
      await timed(plainTimes, async () => (await fetch(yardstick.url)).text());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  let peak = 0;
  const watch = async () => {
    while (working) {
      const status = await readFile(`/proc/${served.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const all = [...Array.from({ length: readers }, (_, reader) => read(reader)), measure(), watch()];
  for (const each of all) each.catch(() => undefined);
  try {
    for (let round = 0; round < 5; round += 1) {
      const { run } = await api.createBackup({ body: { source: `source-${round}` }, query: { wait: '3m' } });
      expect(run.state, JSON.stringify(run.error)).toBe('succeeded');
    }
  } finally {
    working = false;
    await Promise.allSettled(all);
  }
  // Whatever went wrong for a reader.
  await Promise.all(all);
  const [answers, plain] = [spread(times), spread(plainTimes)];
  const ms = (part: number) => `${answers.at(part).toFixed(0)} (${plain.at(part).toFixed(0)})`;
  console.info(
    `${answers.count} answers to ${readers} readers, ms (of a bare server): median ${ms(0.5)}, p95 ${ms(0.95)}, p99 ${ms(0.99)}; memory ${(peak / mb).toFixed(0)} MB`,
  );
  return { answers, plain, peak };
}

function spread(times: readonly number[]) {
  const sorted = times.toSorted((a, b) => a - b);
  return { count: sorted.length, at: (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0 };
}

/** A server that does nothing, in a process of its own: what it takes to answer is what this machine takes. */
async function startYardstick(): Promise<AsyncDisposable & { url: string }> {
  const script = `const server = require('node:http').createServer((_, answer) => answer.end('x'.repeat(50000)));
    server.listen(0, '127.0.0.1', () => console.log(server.address().port))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return {
    url: `http://127.0.0.1:${port.trim()}`,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
