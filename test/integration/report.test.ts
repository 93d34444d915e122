import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/care/report/report.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
let holdfast: Installation;
let bytes: number[];
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table item as select generate_series(1, 1000) as id');
  holdfast = await install();
  bytes = [];
  for (let n = 0; n < 2; n += 1) bytes.push((await holdfast.json<{ bytes: number }>('backup')).bytes);
  await holdfast.json('drill');
});
afterAll(async () => {
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

function install(top: object = {}): Promise<Installation> {
  const storages = { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } };
  return installHoldfast({
    url: server.url('shop'),
    settings: { storages: ['local', 'offsite'], retention: { last: 30 } },
    top: { timezone: 'Europe/Berlin', instance: 'web-1', storages, ...top },
  });
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

describe('what it says', () => {
  test('J-14, J-d7: counts, sizes and times, all sums exact', async () => {
    const report = await holdfast.json<Report>('report');
    expect(report).toMatchObject({
      instance: 'web-1',
      timezone: 'Europe/Berlin',
      status: 'ok',
      findings: [],
      total: { backups: 2, bytes: 2 * sum(bytes) },
      storages: [
        { storage: 'local', answers: true, backups: 2, bytes: sum(bytes) },
        { storage: 'offsite', answers: true, backups: 2, bytes: sum(bytes) },
      ],
    });
    const [shop] = report.sources;
    expect(shop).toMatchObject({
      source: 'shop',
      backups: 2,
      damaged: 0,
      bytes: 2 * sum(bytes),
      nextDue: null,
      newest: { bytes: bytes[1] },
      last30Days: { runs: 2, good: 2 },
      verified: { ok: true },
      drilled: { ok: true },
    });
    expect(shop?.sizes.map((size) => size.bytes)).toEqual(bytes);
    expect(shop?.settings).toContainEqual({ name: 'retention', value: 'last 30; never fewer than 1' });
    expect(report.runs.map(({ operation }) => operation)).toEqual(['drill', 'backup', 'backup']);
    expect(report.storages[0]?.free).toBeGreaterThan(0);
  });

  test('as a text, and of one source', async () => {
    const { status, stdout, stderr } = await holdfast.run('report', '--source', 'shop');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(
      /^Backup report of web-1\n\d{4}-\d\d-\d\d \d\d:\d\d \(Europe\/Berlin\)\n\nOK: nothing is the matter\n/,
    );
    expect(stdout).toContain('  last 30 days   2 of 2 backups succeeded (100%)\n');
    expect(stdout).toContain(`in all: 2 good backups, `);
  });

  test('as a page in a file that is nobody else to read', async () => {
    const { status, stdout } = await holdfast.run('report', '--html', '--out', 'report.html');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    const file = join(holdfast.folder, 'report.html');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const page = await readFile(file, 'utf8');
    expect(page).toContain('<svg');
    expect(page).not.toContain('<script');
  });

  test('J-d4: what check finds stands on top', async () => {
    await using other = await install();
    const { status, stdout } = await other.run('report');
    expect(status).toBe(0);
    expect(stdout).toContain('CRITICAL: 3 critical\n  ✗ there is no backup of shop (NO_BACKUP)\n');
    expect(stdout).toContain('  newest good    none\n');
  });
});

describe('sending', () => {
  test('without a channel it says so', async () => {
    const { status, stderr } = await holdfast.run('report', '--send');
    expect(status).toBe(2);
    expect(stderr).toContain('ALERT_NO_CHANNEL');
  });

  test('J-14: through the channels', async () => {
    const received: { kind?: string; severity?: string; title?: string }[] = [];
    const receiver: Server = createServer((request, response) => {
      void text(request).then((body) => {
        received.push(JSON.parse(body) as { kind: string });
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    try {
      const { port } = receiver.address() as AddressInfo;
      const channels = [{ type: 'webhook', url: `http://127.0.0.1:${port}/hook` }];
      await using other = await install({ alerts: { channels } });
      const { status, stderr } = await other.run('report', '--send');
      expect(status, stderr).toBe(0);
      await until(
        () => received.some((message) => JSON.stringify(message).includes('backup report of web-1')),
        'the report',
      );
    } finally {
      receiver.close();
    }
  });
});
