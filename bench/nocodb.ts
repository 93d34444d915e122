import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ask } from '../test/nocodb/restore-rich-base.ts';
import { nocodbServers, noServer, type NocodbServer } from '../test/nocodb/servers.ts';
import { memoryFinding } from './backup-findings.ts';
import { measure, median } from './measure.ts';
import * as bases from './nocodb-bases.ts';
import type { Finding } from './report.ts';
import { rounds, say, type Taken } from './rounds.ts';

const mark = 'holdfast-benchmark-';

/** Records. */
interface Sizes {
  exported: number;
  restored: number;
}

interface Place extends Sizes {
  server: NocodbServer;
  folder: string;
  program: string;
  runs: number;
  signal: AbortSignal;
}

/** Export and restore through the API of the NocoDB servers that the environment names; they may be written to, and are left as they were. */
export async function benchmarkNocodb(
  program: string,
  runs: number,
  signal: AbortSignal,
  sizes: Sizes = { exported: 100_000, restored: 10_000 },
): Promise<Finding[]> {
  const servers = nocodbServers();
  if (servers.length === 0) say(`nocodb left out: ${noServer}`);
  const findings: Finding[] = [];
  for (const server of servers) {
    await using cleanup = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-nocodb-'));
    cleanup.defer(() => rm(folder, { recursive: true, force: true }));
    cleanup.defer(() => bases.dropBases(server, mark));
    await bases.dropBases(server, mark);
    const place = { server, folder, program, runs, signal, ...sizes };
    findings.push(...(await exportFindings(place)), ...(await restoreFindings(place)));
  }
  return findings;
}

async function exportFindings(place: Place): Promise<Finding[]> {
  const { server, runs, exported, signal } = place;
  const base = await bases.newBase(server, `${mark}export`);
  say(`NocoDB on ${server.name}: making ${exported} records ...`);
  const table = await bases.newTable(server, base, 'Orders');
  await bases.fill(server, base, table, exported, signal);
  const results = await rounds<'reader' | 'holdfast'>(
    runs,
    ['reader', 'holdfast'],
    (who) => (who === 'reader' ? readPages(place, table) : backUp(place, base)),
    signal,
  );
  const group = `NocoDB on ${server.name}, export of ${exported.toLocaleString('en')} records`;
  const [own = [], reader = []] = [results.get('holdfast'), results.get('reader')];
  const [seconds, limit] = [median(own.map((taken) => taken.seconds)), median(reader.map((taken) => taken.seconds))];
  const bytes = own.at(-1)?.bytes;
  return [
    { group, name: 'the same pages, read one after another and thrown away', seconds: limit },
    {
      group,
      name: 'holdfast backup, until sealed',
      seconds,
      ...(bytes === undefined ? {} : { bytes }),
      measured: `${(seconds / limit).toFixed(2)} x the reader`,
      bound: '<= 1.30 x',
      ok: seconds / limit <= 1.3,
    },
    memoryFinding(group, 'own memory', own),
  ];
}

/** A thousand records a page, which is the most that NocoDB gives, by the fields that a backup asks for. */
async function readPages({ server, exported, signal }: Place, table: bases.Table): Promise<Taken> {
  const startedAt = Date.now();
  const started = performance.now();
  const fields = table.columns
    .filter(({ uidt }) => !['Order', 'CreatedBy', 'LastModifiedBy'].includes(uidt))
    .map(({ id }) => id)
    .join(',');
  for (let offset = 0; offset < exported; offset += 1000) {
    const query = `limit=1000&offset=${offset}&fields=${fields}`;
    const answer = await fetch(`${server.url}/api/v2/tables/${table.id}/records?${query}`, {
      headers: { 'xc-token': server.token },
      signal,
    });
    if (!answer.ok) throw new Error(`a page was answered with ${answer.status}`);
    await answer.arrayBuffer();
  }
  return { startedAt, seconds: (performance.now() - started) / 1000, peakBytes: null, stdout: '' };
}

async function backUp(place: Place, base: string): Promise<Taken> {
  await configure(place, base);
  const measured = await holdfast(place, ['backup', '--json']);
  const { bytes, sealedAt } = JSON.parse(measured.stdout) as { bytes: number; sealedAt: string };
  return { ...measured, bytes, seconds: (Date.parse(sealedAt) - measured.startedAt) / 1000 };
}

async function restoreFindings(place: Place): Promise<Finding[]> {
  const { server, restored, signal } = place;
  const parents = Math.ceil(restored / 20);
  say(`NocoDB on ${server.name}: making ${restored} records with links ...`);
  const made = await bases.emptyShop(server, `${mark}shop`);
  await bases.fill(server, made.base, made.customers, parents, signal);
  await bases.fill(server, made.base, made.products, parents, signal);
  await bases.fill(server, made.base, made.orders, restored, signal);
  const shop = await bases.addLinks(server, made);
  await bases.linkOrders(server, shop, restored, parents);
  await bases.pair(server, shop, restored, parents);
  await backUp(place, shop.base);
  const results = await rounds<'batches' | 'holdfast'>(
    place.runs,
    ['batches', 'holdfast'],
    async (who) => {
      for (const each of ['batches', 'copy']) await bases.dropBases(server, `${mark}${each}`);
      return who === 'batches' ? inBatches(place, parents) : restore(place);
    },
    signal,
  );
  const [own = [], batches = []] = [results.get('holdfast'), results.get('batches')];
  const [seconds, limit] = [median(own.map((taken) => taken.seconds)), median(batches.map((taken) => taken.seconds))];
  const group = `NocoDB on ${server.name}, restore of ${restored.toLocaleString('en')} records with links`;
  return [
    { group, name: 'records and links in batches of 100, one after another', seconds: limit },
    {
      group,
      name: 'holdfast restore records, tables, links and views included',
      seconds,
      measured: `${(limit / seconds).toFixed(1)} x as fast`,
      bound: '>= 5.0 x',
      ok: limit / seconds >= 5,
    },
    memoryFinding(group, 'own memory', own),
  ];
}

async function restore(place: Place): Promise<Taken> {
  const title = `${mark}copy`;
  const args = ['restore', 'records', 'latest', '--base', `${mark}shop`, '--into-base', title, '--yes', '--json'];
  const measured = await holdfast(place, args);
  const { tables, lost } = JSON.parse(measured.stdout) as {
    tables: { expected: number; restored: number }[];
    lost: unknown[];
  };
  if (lost.length > 0 || tables.some((table) => table.expected !== table.restored))
    throw new Error(`the restore is not whole: ${measured.stdout.slice(0, 2000)}`);
  return measured;
}

/** As a script does it: the tables with their fields first (not timed), then a hundred records a request, and the links likewise. */
async function inBatches({ server, restored, signal }: Place, parents: number): Promise<Taken> {
  const shop = await bases.addLinks(server, await bases.emptyShop(server, `${mark}batches`));
  const startedAt = Date.now();
  const started = performance.now();
  const key = bases.customerKey(shop);
  const insert = async (table: bases.Table, count: number, more: (at: number) => Record<string, unknown>) => {
    for (let from = 0; from < count; from += 100) {
      signal.throwIfAborted();
      const rows = Array.from({ length: Math.min(100, count - from) }, (_, at) => ({
        ...bases.rowOf(table, from + at),
        ...more(from + at),
      }));
      await ask(server, 'POST', `/api/v2/tables/${table.id}/records`, rows);
    }
  };
  await insert(shop.customers, parents, () => ({}));
  await insert(shop.products, parents, () => ({}));
  await insert(shop.orders, restored, (at) => ({ [key]: bases.customerOf(at, parents) }));
  await bases.pair(server, shop, restored, parents);
  return { startedAt, seconds: (performance.now() - started) / 1000, peakBytes: null, stdout: '' };
}

function holdfast({ folder, program, signal }: Place, args: string[]): Promise<Taken> {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
  return measure(program, [...args, '--config', join(folder, 'holdfast.yaml')], env, signal);
}

async function configure({ folder, server: { url, token } }: Place, base: string): Promise<void> {
  const app = { kind: 'nocodb', url, token, bases: [base] };
  const config = {
    state: './state',
    sources: { nocodb: { app, retention: { last: 1 } } },
    storages: { local: { type: 'local', path: './backups' } },
  };
  await writeFile(join(folder, 'holdfast.yaml'), stringify(config), { mode: 0o600 });
}
