import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppTask, BasesReport, BasesRequest } from '../../src/apps/app.ts';
import { Client } from '../../src/apps/nocodb/client.ts';
import { createBases } from '../../src/apps/nocodb/restore/bases.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Secret } from '../../src/base/secret.ts';
import { startContractServer, type ContractServer, type ContractTable } from '../support/nocodb-contract-server.ts';
import { base, column, keyLink, table } from '../support/nocodb-contract-world.ts';
import { withWrites, type Faults } from '../support/nocodb-contract-writes.ts';
import { nocodbApp, saveAll, type SavedTree } from '../support/nocodb-saved.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Links of the older kind: orders keep the key of their customer. */
describe('links that lie in the records themselves', () => {
  let doors: AsyncDisposableStack;
  let target: ContractServer;
  let faults: Faults;
  let scratch: string;

  beforeEach(async () => {
    doors = new AsyncDisposableStack();
    scratch = doors.use(await temporaryFolder()).path;
    target = doors.use(await startContractServer());
    faults = withWrites(target);
  });
  afterEach(() => doors.disposeAsync());

  async function shop(orders: number, customers: number): Promise<SavedTree> {
    const people = table(
      'Customers',
      [column('Name', 'SingleLineText', { pv: true })],
      Array.from({ length: customers }, (_, at) => ({ Id: at + 1, Name: `c${at + 1}` })),
    );
    const sold = table('Orders', [column('Name', 'SingleLineText', { pv: true })]);
    const key = keyLink({ table: people, title: 'Their orders' }, { table: sold, title: 'Customer' });
    sold.records = Array.from({ length: orders }, (_, at) => ({
      Id: at + 1,
      Name: `o${at + 1}`,
      [key]: at % 10 === 9 ? null : (at % customers) + 1,
    }));
    await using server = await startContractServer([base('Shop', [people, sold])]);
    return await saveAll(nocodbApp({ url: server.url, token: server.token }, scratch));
  }

  const task = (): AppTask => ({ signal: new AbortController().signal, report: () => undefined });
  const restore = (tree: SavedTree, more: Partial<BasesRequest> = {}): Promise<BasesReport> => {
    const connect = () =>
      new Client(
        { url: target.url, token: new Secret(target.token), concurrency: 4, timeoutMs: 10_000 },
        { logger: silentLogger, wait: () => Promise.resolve() },
      );
    const all: BasesRequest = {
      what: 'records',
      bases: [],
      tables: [],
      skipExisting: false,
      intoBase: null,
      withAttachments: false,
      ...more,
    };
    return createBases({ connect, concurrency: 4 }).restore(tree, all, task());
  };
  const tableIn = (title: string): ContractTable => {
    const found = target.world.bases.flatMap(({ tables }) => tables).find((each) => each.title === title);
    if (found === undefined) throw new Error(`no table ${title}`);
    return found;
  };
  const records = (title: string) => tableIn(title).records as Record<string, unknown>[];
  const customers = () => records('Orders').map((record) => record['Customers_id'] ?? null);
  const expected = (orders: number, parents: number) =>
    Array.from({ length: orders }, (_, at) => (at % 10 === 9 ? null : (at % parents) + 1));
  const writes = () =>
    target.asked
      .filter(({ method }) => method === 'POST' || method === 'PATCH')
      .map(({ method, path, body }) =>
        path.includes('/data/bulk/')
          ? method === 'PATCH'
            ? 'link'
            : 'records'
          : path.includes('/links/')
            ? 'link one by one'
            : /"childId"/.test(body.toString())
              ? 'field'
              : '',
      )
      .filter((kind) => kind !== '');

  it('N-42 are made when the records are there, where many records share one, each parent in one request', async () => {
    const tree = await shop(1000, 10);
    const report = await restore(tree);
    expect(report).toMatchObject({ ok: true, lost: [] });
    expect(report.tables.map(({ table: title, links }) => [title, links])).toEqual([
      ['Customers', 900],
      ['Orders', 900],
    ]);
    expect(customers()).toEqual(expected(1000, 10));
    const all = writes();
    expect(all.lastIndexOf('records')).toBeLessThan(all.indexOf('field'));
    expect(all.filter((kind) => kind === 'link')).toHaveLength(9);
  });

  it.each([
    ['SQLite, which has few records read back', false, 0],
    ['PostgreSQL, which has all of them read back', true, 18],
  ])('N-42 of twenty parents, on %s', async (_, postgres, requests) => {
    faults.postgres = postgres;
    const tree = await shop(1000, 20);
    const report = await restore(tree);
    expect(report).toMatchObject({ ok: true, lost: [] });
    expect(report.tables.map(({ links }) => links)).toEqual([900, 900]);
    expect(customers()).toEqual(expected(1000, 20));
    expect(writes().filter((kind) => kind === 'link')).toHaveLength(requests);
  });

  it.each([2, 5, 9])('N-42 come whole when a restore goes on that ended at write %i', async (last) => {
    const tree = await shop(1000, 20);
    let written = 0;
    target.intercept = ({ path }) => {
      if (path.includes('/data/bulk/')) written += 1;
      return written > last ? { status: 403, json: { msg: 'no' } } : null;
    };
    await expect(restore(tree)).rejects.toMatchObject({ code: 'NOCODB_FORBIDDEN' });
    target.intercept = () => null;
    expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
    expect(customers()).toEqual(expected(1000, 20));
  });

  it('N-42 come with the records where almost each has a parent of its own', async () => {
    const tree = await shop(200, 100);
    expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
    expect(customers()).toEqual(expected(200, 100));
    expect(writes()[0]).toBe('field');
    expect(writes()).not.toContain('link');
  });

  it('N-42 a field that NocoDB was still making for an interrupted restore is found, and not called lost', async () => {
    const tree = await shop(1000, 20);
    target.intercept = (asked) => {
      if (asked.method !== 'POST' || !asked.path.endsWith('/columns')) return null;
      for (const route of target.routes) if (route(asked, target.world) !== null) break;
      return { status: 400, json: { msg: 'Duplicate column alias' } };
    };
    expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
    expect(customers()).toEqual(expected(1000, 20));
    expect(tableIn('Customers').columns.filter(({ uidt }) => uidt === 'Links')).toHaveLength(1);
  });

  it('N-42 are made in NocoDB’s own way where it does not change all records of a parent at once', async () => {
    const tree = await shop(1000, 10);
    target.intercept = ({ method, path }) =>
      method === 'PATCH' && path.endsWith('/all') ? { status: 404, json: { msg: 'Cannot PATCH' } } : null;
    const report = await restore(tree);
    expect(report).toMatchObject({ ok: true, lost: [] });
    expect(report.tables.map(({ links }) => links)).toEqual([900, 900]);
    expect(customers()).toEqual(expected(1000, 10));
    expect(writes().filter((kind) => kind === 'link one by one')).toHaveLength(9);
  });

  it('N-42 are counted right when the answer was lost, and one that somebody made meanwhile stays, and is named', async () => {
    const tree = await shop(1000, 10);
    let cut = false;
    target.intercept = (asked) => {
      if (cut || asked.method !== 'PATCH' || !asked.path.endsWith('/all')) return null;
      cut = true;
      const [first] = records('Orders');
      if (first) first['Customers_id'] = 7;
      for (const route of target.routes) if (route(asked, target.world) !== null) break;
      return { body: 'x'.repeat(100), cutAfter: 3 };
    };
    const report = await restore(tree);
    expect(report.lost.map(({ what }) => what)).toEqual(['link from record 1 to record 1']);
    expect(report.tables.map(({ links }) => links)).toEqual([899, 899]);
    expect(customers()).toEqual(expected(1000, 10).with(0, 7));
  });

  it('N-42 are made when a restore goes on that was interrupted before them', async () => {
    const tree = await shop(1000, 10);
    target.intercept = ({ method, path }) =>
      method === 'PATCH' && path.endsWith('/all') ? { status: 403, json: { msg: 'no' } } : null;
    await expect(restore(tree)).rejects.toMatchObject({ code: 'NOCODB_FORBIDDEN' });
    target.intercept = () => null;
    expect(await restore(tree)).toMatchObject({ ok: true, created: 0, lost: [] });
    expect(customers()).toEqual(expected(1000, 10));
  });

  it('N-41 N-42 that led to records which were removed are made again with these, and others are left as they are', async () => {
    const tree = await shop(1000, 20);
    await restore(tree);
    tableIn('Customers').records = records('Customers').filter(({ Id }) => Id !== 3 && Id !== 4);
    for (const record of records('Orders'))
      if (record['Customers_id'] === 3 || record['Customers_id'] === 4) record['Customers_id'] = null;
    const moved = records('Orders').find(({ Id }) => Id === 3);
    if (moved) moved['Customers_id'] = 20;
    const report = await restore(tree, { tables: ['Customers'], skipExisting: true });
    expect(report).toMatchObject({ ok: true, created: 2, lost: [] });
    expect(customers()).toEqual(expected(1000, 20).with(2, 20));
  });

  it('N-42 that lead to a record which is gone for good are named, and not written', async () => {
    const tree = await shop(1000, 20);
    await restore(tree);
    tableIn('Customers').records = records('Customers').filter(({ Id }) => Id !== 3);
    tableIn('Orders').records = records('Orders').filter(({ Id }) => Id !== 3);
    for (const record of records('Orders')) if (record['Customers_id'] === 3) record['Customers_id'] = null;
    const report = await restore(tree, { tables: ['Orders'], skipExisting: true });
    expect(report).toMatchObject({ ok: false, created: 1 });
    expect(report.lost.map(({ what }) => what)).toEqual(['link from record 3 to record 3']);
    expect(records('Orders').find(({ Id }) => Id === 3)?.['Customers_id']).toBeNull();
  });
});
