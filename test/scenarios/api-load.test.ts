import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { anyPort, serveHoldfast } from '../support/api.ts';
import { fillHistory } from '../support/history.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const sources = 50;
const readers = 50;
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
  { timeout: 180_000 },
  async () => {
    const database = { url: server.url('shop') };
    const named = Object.fromEntries(
      Array.from({ length: sources }, (_, number) => [
        `source-${number}`,
        { database, storages: ['local', 'offsite'] },
      ]),
    );
    await using holdfast = await installHoldfast({
      url: server.url('shop'),
      top: {
        sources: named,
        storages: { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } },
        server: anyPort,
      },
    });
    {
      using catalog = openCatalog(holdfast.state, systemClock);
      fillHistory(catalog, { sources, runs: 10_000, backups: 10_000 });
    }
    await using served = await serveHoldfast(holdfast);
    const api = served.client(await served.token('reader', '--role', 'operator'));
    expect((await api.sources()).reduce((sum, source) => sum + source.backups, 0)).toBe(10_000);
    const all = async () => {
      let pages = 0;
      for (let cursor: string | null | undefined; cursor !== null; pages += 1) {
        ({ next: cursor } = await api.backups({ query: { ...(cursor ? { cursor } : {}), limit: 500 } }));
      }
      return pages;
    };
    expect(await all()).toBe(20);

    const times: number[] = [];
    let working = true;
    const read = async (reader: number) => {
      for (let turn = reader; working; turn += 1) {
        const started = performance.now();
        if (turn % 3 === 0) await api.sources();
        else if (turn % 3 === 1) await api.backups();
        else await api.backups({ query: { source: `source-${turn % sources}` } });
        times.push(performance.now() - started);
        // As a console that looks every second.
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    };
    const peak = { bytes: 0 };
    const watch = (async () => {
      while (working) {
        const status = await readFile(`/proc/${served.pid}/status`, 'utf8');
        peak.bytes = Math.max(peak.bytes, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    const all50 = Promise.all(Array.from({ length: readers }, (_, reader) => read(reader)));
    for (let round = 0; round < 5; round += 1) {
      const { run } = await api.createBackup({ body: { source: `source-${round}` }, query: { wait: '60s' } });
      expect(run.state).toBe('succeeded');
    }
    working = false;
    await Promise.all([all50, watch]);
    const sorted = times.toSorted((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0;
    console.info(
      `${sorted.length} answers: median ${at(0.5).toFixed(0)} ms, p99 ${at(0.99).toFixed(0)} ms, memory ${(peak.bytes / mb).toFixed(0)} MB`,
    );
    expect(sorted.length).toBeGreaterThan(100);
    expect(at(0.5)).toBeLessThanOrEqual(100);
    expect(at(0.99)).toBeLessThanOrEqual(300);
    expect(peak.bytes).toBeLessThanOrEqual(250 * mb);
  },
);
