import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { roles } from '../../src/access/roles.ts';
import type { Client } from '../../src/api/client.ts';
import { routes as ownRoutes, type Route } from '../../src/api/contract.ts';
import { opsRoutes } from '../../src/api/ops-center/contract.ts';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { freePort } from '../support/loopback.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

// Two sources in one installation, and tokens that were given the first alone: every route there is, by its description, is asked for
// what belongs to the second, and must answer as if there were none.

const routes: Readonly<Record<string, Route>> = { ...ownRoutes, ...opsRoutes };
let server: TestPostgres;
let holdfast: Installation;
let served: Served;
let admin: Client;
let theirs: Owned;
/** What none of their answers may hold. */
let marks: string[];

interface Owned {
  source: string;
  storage: string;
  channel: string;
  backup: string;
  run: string;
  file: string;
}

/** Of the same form, and nobody's. */
const nobodys: Owned = {
  source: 'absent',
  storage: 'absent-vault',
  channel: 'absent-hook',
  backup: '2026-01-01_00-00-00',
  run: '20260101-000000-abcdef',
  file: 'backup_absent_20260101_000000.sql.gz',
};

beforeAll(async () => {
  server = await startPostgres();
  for (const name of ['mine', 'stripes']) {
    await server.createDatabase(name);
    await server.sql(name, 'create table orders (id int); insert into orders select generate_series(1, 10)');
  }
  holdfast = await installHoldfast({
    url: server.url('mine'),
    top: {
      server: anyPort,
      // What is owed would be copied in between.
      scheduler: { enabled: false },
      sources: {
        mine: { database: { url: server.url('mine') }, storages: ['local'] },
        zebra: {
          database: { url: server.url('stripes') },
          storages: ['zebra-vault', 'zebra-barn'],
          schedule: { cron: '0 0 1 1 *' },
        },
      },
      storages: {
        local: { type: 'local', path: './backups' },
        'zebra-vault': { type: 'local', path: './vault' },
        'zebra-barn': { type: 'webdav', url: `http://127.0.0.1:${await freePort()}/dav`, retries: 0 },
      },
      alerts: {
        channels: [{ type: 'webhook', name: 'zebra-hook', url: 'http://127.0.0.1:9/hook', sources: ['zebra'] }],
      },
    },
  });
  served = await serveHoldfast(holdfast);
  admin = served.client(await served.token('admin', '--role', 'admin'));
  await admin.createBackup({ body: { source: 'mine' }, query: { wait: '60s' } });
  const second = new Date().getSeconds();
  await until(() => new Date().getSeconds() !== second, 'backups of the two are told apart by their ids');
  const { run } = await admin.createBackup({
    body: { source: 'zebra', description: 'of zebra' },
    query: { wait: '60s' },
  });
  const backup = run.backup ?? '';
  await admin.verifyBackup({ params: { source: 'zebra', id: backup }, body: {}, query: { wait: '60s' } });
  await admin.changeBackup({ params: { source: 'zebra', id: backup }, body: { held: true } });
  await server.sql('postgres', 'alter database stripes with allow_connections false');
  await admin.createBackup({ body: { source: 'zebra' }, query: { wait: '60s' } });
  await server.sql('postgres', 'alter database stripes with allow_connections true');
  const known = async () => (await standing()).incidents;
  await until(
    async () => (await known()).filter((key) => /^(backup|copy)-failed/.test(key)).length === 2,
    'it is news',
  );
  const found = await admin.check({ query: { fresh: 'true' } });
  // Of the storage, not of the source.
  if (!found.findings.some(({ source, storage }) => source === null && storage === 'zebra-barn'))
    throw new Error('nothing was found of their storage');
  theirs = {
    source: 'zebra',
    storage: 'zebra-vault',
    channel: 'zebra-hook',
    backup,
    run: run.id,
    file: `backup_zebra_${backup.slice(0, 15).replace('-', '_')}.sql.gz`,
  };
  const runs = await admin.runs({ query: { source: 'zebra' } });
  marks = ['zebra', 'stripes', backup, ...runs.map(({ id }) => id)];
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** What of theirs could be changed. */
async function standing() {
  const { incidents } = (await admin.alerts()) as {
    incidents: { key: string; title: string; source: string | null }[];
  };
  return {
    backups: (await admin.backups({ query: { source: 'zebra' } })).items,
    runs: (await admin.runs({ query: { source: 'zebra' } })).map(({ id, state }) => [id, state]),
    incidents: incidents.filter(({ key }) => key.includes('zebra')).map(({ key }) => key),
    users: await admin.users(),
    tokens: (await admin.tokens()).map(({ id }) => id),
    settings: (await admin.settings()).settings,
  };
}

/** What stands for whom or what in a request, by the name of its field. */
function valueOf(field: string, path: string, { source, storage, channel, backup, run, file }: Owned): unknown {
  const known: Record<string, unknown> = {
    id: path.includes('/runs') ? run : backup,
    before: run,
    cursor: `2999-01-01T00:00:00.000Z|${source}|${backup}`,
    storage,
    to: storage,
    channel,
    filename: file,
    backup_filename: file,
    confirm: source,
    path: 'manifest.json',
    who: 'admin',
    held: true,
    wait: '30s',
    cron: '0 0 * * *',
    timezone: 'UTC',
    max_backups: 1,
  };
  return known[field];
}

/** Of whom nothing is asked in this test: these are not about sources, and refused to whoever was given some of them. */
const aboutAll = new Set(['settings', 'access', 'alert']);

interface Wrapped {
  def?: { innerType?: Wrapped };
  shape?: object;
}

function shapeOf(schema: z.ZodType | undefined): string[] {
  let inner = schema as Wrapped | undefined;
  while (inner && !inner.shape && inner.def?.innerType) inner = inner.def.innerType;
  return Object.keys(inner?.shape ?? {});
}

interface Asked {
  source: string | null;
  owned: Owned;
}

async function ask(token: string, name: string, route: Route, { source, owned }: Asked) {
  const { method, path } = route;
  const fill = (fields: string[]): [string, unknown][] =>
    fields.map((field): [string, unknown] => [field, field === 'source' ? source : valueOf(field, path, owned)]);
  const given = (fields: string[]) => fill(fields).filter(([, value]) => value !== undefined && value !== null);
  const values = Object.fromEntries(fill(shapeOf(route.params))) as Record<string, string | null>;
  const address = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => values[key] ?? 'mine');
  const query = new URLSearchParams(given(shapeOf(route.query)).map(([key, value]) => [key, String(value)]));
  if (name === 'importFile') query.set('name', 'x.dump');
  const bare = route.body === undefined && !route.upload;
  const body = route.upload ? 'PGDMP no dump' : JSON.stringify(Object.fromEntries(given(shapeOf(route.body))));
  const base = name in opsRoutes ? '/api/backups' : '/api/v1';
  return fetch(`${served.base}${base}${address}?${query.toString()}`, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${token}`,
      ...(bare ? {} : { 'content-type': route.upload ? 'application/octet-stream' : 'application/json' }),
    },
    ...(bare ? {} : { body }),
  });
}

/** Without what was sent, and what no two answers share: times, room on the disk, which of its own backups are nearest. */
function normal(text: string, owned: Owned): string {
  const sent = Object.values(owned as unknown as Record<string, string>).toSorted((a, b) => b.length - a.length);
  return sent
    .reduce((left, each) => left.replaceAll(each, '*'), text)
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'at')
    .replaceAll(/"(?:free|total)":\d+/g, 'room')
    .replaceAll(/There are [^;"]*;/g, 'There are others;');
}

describe('S24: a token of another source', () => {
  const asked = Object.entries(routes)
    .filter(([name, { action }]) => action !== null && action !== 'signed-in' && name !== 'events')
    // What changes nothing first, as long as both find the same.
    .toSorted(([, one], [, other]) => Number(one.method !== 'GET') - Number(other.method !== 'GET'));

  test.each(roles)('as %s it is told nothing of them, and told so as of what is not there', async (role) => {
    const token = await served.token(`of-mine-${role}`, '--role', role, '--only-source', 'mine');
    const before = await standing();
    const told: string[] = [];
    for (const [name, route] of asked) {
      for (const own of [false, true, null] as const) {
        const of = async (owned: Owned) => {
          const source = own === null ? null : own ? 'mine' : owned.source;
          const response = await ask(token, name, route, { source, owned });
          const text = await response.text();
          return { status: response.status, text: normal(text, owned), headers: [...response.headers.values()].join() };
        };
        const found = await of(theirs);
        const twin = await of(nobodys);
        const where = `${route.method} ${route.path} ${own === null ? 'without a source' : own ? 'of its own' : 'of theirs'}`;
        const leaked = marks.filter((mark) => found.text.includes(mark) || found.headers.includes(mark));
        if (leaked.length > 0) told.push(`${where}: ${leaked.join()} in ${found.text.slice(0, 300)}`);
        const same =
          found.status === twin.status &&
          (found.status < 400 && route.method !== 'GET' ? true : found.text === twin.text);
        if (!same)
          told.push(`${where}: ${found.status} ${found.text.slice(0, 300)} instead of ${twin.text.slice(0, 300)}`);
        if (route.action !== null && aboutAll.has(route.action)) expect(found.status, where).toBe(403);
        else if (
          own === false &&
          /source/.test(JSON.stringify([shapeOf(route.params), shapeOf(route.query), shapeOf(route.body)]))
        )
          expect([403, 404], `${where}: ${found.text}`).toContain(found.status);
      }
    }
    expect(told).toEqual([]);
    expect(await standing()).toEqual(before);
  });

  test('a restore beside the live database stops at theirs, and does not say whose it is', async () => {
    const token = await served.token('restores-mine', '--role', 'operator', '--only-source', 'mine');
    const body = { source: 'mine', into: 'stripes' };
    const refused = await served
      .client(token)
      .planRestore({ body })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'TARGET_IS_LIVE' });
    expect(JSON.stringify([refused, (refused as Error).message])).not.toContain('zebra');
    await expect(admin.planRestore({ body })).rejects.toThrow(/live database of zebra/);
  });

  test('one that is made anew under the name of another is not given the run that the other began', async () => {
    const restoreBy = async (source: string) => {
      const token = await served.token('once-more', '--role', 'operator', '--only-source', source);
      const api = served.client(token, { 'idempotency-key': 'once' });
      const begun = await api
        .restore({ body: { into: 'elsewhere', confirm: 'elsewhere' }, query: { wait: '60s' } })
        .catch((error: unknown) => error);
      const { id = '' } = (await admin.tokens()).find(({ name }) => name === 'once-more') ?? {};
      await admin.revokeToken({ params: { id } });
      return begun;
    };
    const first = (await restoreBy('zebra')) as { run: { id: string; state: string } };
    expect(first.run.state).toBe('succeeded');
    await server.sql('postgres', 'drop database elsewhere');
    const second = await restoreBy('mine');
    expect(JSON.stringify(second)).not.toContain(first.run.id);
    expect(second).toMatchObject({ code: 'KEY_REUSED' });
  });

  test('events tell what happens to its own alone', async () => {
    const token = await served.token('watches-mine', '--only-source', 'mine');
    const ended = new AbortController();
    const response = await fetch(`${served.base}/api/v1/events`, {
      headers: { authorization: `Bearer ${token}` },
      signal: ended.signal,
    });
    let text = '';
    const reading = (async () => {
      for await (const part of response.body ?? []) text += Buffer.from(part as Uint8Array).toString();
    })().catch(() => undefined);
    const { run } = await admin.createBackup({ body: { source: 'zebra' }, query: { wait: '60s' } });
    const own = await admin.createBackup({ body: { source: 'mine' }, query: { wait: '60s' } });
    await until(() => text.includes(own.run.id) && text.includes('changed'), 'its own backup is told');
    ended.abort();
    await reading;
    expect([...marks, run.id].filter((mark) => text.includes(mark))).toEqual([]);
  });
});
