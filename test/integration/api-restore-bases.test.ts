import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/api/client.ts';
import { anyPort, serveHoldfast } from '../support/api.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startContractServer, type ContractServer } from '../support/nocodb-contract-server.ts';
import { base, column, table } from '../support/nocodb-contract-world.ts';
import { withWrites } from '../support/nocodb-contract-writes.ts';

const doors = new AsyncDisposableStack();
let noco: ContractServer;
let api: Client;
let id: string;

beforeAll(async () => {
  const records = Array.from({ length: 12 }, (_, at) => ({ Id: at + 1, Name: `Person ${at}` }));
  const people = table('People', [column('Name', 'SingleLineText', { pv: true })], records);
  noco = doors.use(await startContractServer([base('Shop', [people])]));
  withWrites(noco);
  const holdfast = doors.use(await installHoldfast({ url: 'postgres://nobody@127.0.0.1/none' }));
  await holdfast.configure({
    state: './state',
    sources: { notes: { app: { kind: 'nocodb', url: noco.url, token: noco.token } } },
    storages: { local: { type: 'local', path: './backups' } },
    server: anyPort,
  });
  ({ id } = await holdfast.json<{ id: string }>('backup'));
  const served = doors.use(await serveHoldfast(holdfast));
  api = served.client(await served.token('test', '--role', 'operator'));
}, 120_000);
afterAll(() => doors.disposeAsync());

const wait = { wait: '60s' };
const said = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

test('the plan of a base tells what is created, and what stands in the way', async () => {
  const there = await api.planRestore({ body: { id, what: 'schema' } });
  expect(there).toMatchObject({ id, what: 'bases', mode: null, confirm: 'yes', blocked: true });
  expect(there.blocks.join()).toContain('Shop');
  expect(there.target).toContain(noco.url);
  const beside = await api.planRestore({ body: { id, what: 'records', intoBase: 'Shop 2', bases: ['Shop'] } });
  expect(beside.target).toBe(there.target);
  const skipped = await api.planRestore({ body: { id, what: 'schema', skipExisting: true } });
  expect(skipped).toMatchObject({ blocked: false, blocks: [], creates: [] });
  expect(skipped.skips.join()).toContain('Shop');
});

test('what is in the way is refused, and so is what was not confirmed', async () => {
  const refused = await said(api.restore({ body: { id, what: 'schema', confirm: 'yes' }, query: wait }));
  expect(refused).toMatchObject({ status: 422, code: 'RESTORE_REFUSED' });
  const body = { id, what: 'schema' as const, intoBase: 'Shop 2' };
  expect(await said(api.restore({ body, query: wait }))).toMatchObject({ code: 'NOT_CONFIRMED' });
  expect(await api.runs({ query: { operation: 'restore' } })).toEqual([]);
});

test('a base is made beside the other, then filled', async () => {
  const schema = { id, what: 'schema' as const, intoBase: 'Shop 2', confirm: 'yes' };
  const made = await api.restore({ body: schema, query: wait });
  expect(made.run, JSON.stringify(made.run.error)).toMatchObject({ state: 'succeeded', source: 'notes', backup: id });
  const { run } = await api.restore({ body: { ...schema, what: 'records', baseTables: ['People'] }, query: wait });
  expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
  const told = run.result as { tables: unknown[] };
  expect(told.tables).toMatchObject([{ table: 'People', expected: 12, restored: 12 }]);
});
