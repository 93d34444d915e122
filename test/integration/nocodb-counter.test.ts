import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppTask, BasesRequest } from '../../src/apps/app.ts';
import { Client } from '../../src/apps/nocodb/client.ts';
import { createBases } from '../../src/apps/nocodb/restore/bases.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Secret } from '../../src/base/secret.ts';
import { startContractServer, type Asked, type ContractServer } from '../support/nocodb-contract-server.ts';
import { base, column, keyLink, table } from '../support/nocodb-contract-world.ts';
import { withWrites, type Faults } from '../support/nocodb-contract-writes.ts';
import { nocodbApp, saveAll, type SavedTree } from '../support/nocodb-saved.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

type Body = Record<string, unknown>;

const count = 250;
/** Every third number belongs to a record. */
const keys = Array.from({ length: count }, (_, at) => at * 3 + 50);
const last = keys.at(-1) ?? 0;
const ascending = (all: readonly number[]) => [...all];
/** As somebody has dragged them. */
const dragged = (all: readonly number[]) => [...all.slice(100), ...all.slice(0, 100)];
const orders = { 'in the order of their keys': ascending, 'in another order': dragged };

/** PostgreSQL numbers records by a counter that does not see the keys which come with them. */
describe('the counter of PostgreSQL', () => {
  let doors: AsyncDisposableStack;
  let target: ContractServer;
  let faults: Faults;
  let scratch: string;

  beforeEach(async () => {
    doors = new AsyncDisposableStack();
    scratch = doors.use(await temporaryFolder()).path;
    target = doors.use(await startContractServer());
    faults = withWrites(target);
    faults.postgres = true;
  });
  afterEach(() => doors.disposeAsync());

  async function jobs(order = ascending, valuesOf: (key: number) => Body = () => ({})): Promise<SavedTree> {
    const all = table(
      'Jobs',
      [column('Name', 'SingleLineText', { pv: true }), column('Took', 'Duration', { meta: { duration: 0 } })],
      order(keys).map((Id) => ({ Id, Name: `job ${Id}`, Took: null, ...valuesOf(Id) })),
    );
    await using server = await startContractServer([base('Work', [all])]);
    return await saveAll(nocodbApp({ url: server.url, token: server.token }, scratch));
  }

  const bases = () =>
    createBases({
      connect: () =>
        new Client(
          { url: target.url, token: new Secret(target.token), concurrency: 4, timeoutMs: 10_000 },
          { logger: silentLogger, wait: () => Promise.resolve() },
        ),
      concurrency: 4,
    });
  const task: AppTask = { signal: new AbortController().signal, report: () => undefined };
  const wanted: BasesRequest = {
    what: 'records',
    bases: [],
    tables: [],
    skipExisting: false,
    intoBase: null,
    withAttachments: false,
  };
  const restore = (tree: SavedTree) => bases().restore(tree, wanted, task);
  const jobsTable = () => {
    const found = target.world.bases[0]?.tables.find(({ title }) => title === 'Jobs');
    if (found === undefined) throw new Error('no table Jobs');
    return found;
  };
  const records = () => jobsTable().records as Body[];
  const isForRecords = ({ method, path }: Asked) => method === 'POST' && path.includes('/data/bulk/');
  const requests = () =>
    target.asked.filter(isForRecords).map(({ path, body }) => ({
      way: path.endsWith('/upsert') ? 'upsert' : 'insert',
      rows: JSON.parse(body.toString()) as Body[],
    }));
  const keyId = () => jobsTable().columns.find(({ uidt }) => uidt === 'ID')?.id ?? '';
  /** Without the key and only that. */
  const numbered = () => requests().filter(({ rows }) => rows.every((row) => row[keyId()] === undefined));

  function expectWhole(order = ascending): void {
    expect(records().map(({ Id, Name, Took }) => [Id, Name, Took])).toEqual(
      order(keys).map((Id) => [Id, `job ${Id}`, null]),
    );
    expect(JSON.stringify(jobsTable()['meta'] ?? {})).not.toContain('holdfast');
  }

  async function add(nc_order = '99999', rows = 1): Promise<Body[]> {
    const answer = await fetch(`${target.url}/api/v1/db/data/bulk/noco/x/${jobsTable().id}/upsert`, {
      method: 'POST',
      headers: { 'xc-token': target.token },
      body: JSON.stringify(Array.from({ length: rows }, () => ({ nc_order, Name: 'somebody' }))),
    });
    return (await answer.json()) as Body[];
  }

  /** As NocoDB does it; then the connection ends in the middle of the answer, or at once. */
  const lost = (asked: Asked, done: boolean) => {
    if (done) for (const route of target.routes) if (route(asked, target.world) !== null) break;
    return { body: 'x'.repeat(100), cutAfter: 3 };
  };

  it.each(Object.entries(orders))(
    'stands behind the keys of records %s, and no empty record stays',
    async (_, order) => {
      expect(await restore(await jobs(order))).toMatchObject({ ok: true, lost: [] });
      expectWhole(order);
      expect((await add())[0]?.['Id']).toBeGreaterThan(last);
    },
  );

  it('N-42 records are numbered by it where they come in the order of their keys, with empty ones in between', async () => {
    await restore(await jobs());
    expect(numbered()).toEqual(requests());
    expect(requests().map(({ rows }) => rows.length)).toEqual([...Array(Math.floor(last / 100)).fill(100), last % 100]);
    expect((await add())[0]?.['Id']).toBe(last + 1);
  });

  it('N-42 what has to go by upsert is numbered as well', async () => {
    const tree = await jobs(ascending, (key) => ({ Took: key === 350 ? 3723 : null }));
    expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
    expect(numbered()).toEqual(requests());
    expect(requests().map(({ way }) => way)).toEqual(
      Array.from({ length: Math.ceil(last / 100) }, (_, at) => (at === 3 ? 'upsert' : 'insert')),
    );
    expect(records().find(({ Id }) => Id === 350)?.['Took']).toBe(3723);
  });

  it.each([50, 350, last])(
    'a record that is refused (%i) uses numbers up; the rest comes with its keys',
    async (refused) => {
      faults.refuses = ({ Id, Name }) => (Id === refused || Name === `job ${refused}` ? 'no' : null);
      const report = await restore(await jobs());
      expect(report.lost.map(({ what }) => what)).toEqual([`record ${refused}`]);
      expect(records().map(({ Id }) => Id)).toEqual(keys.filter((key) => key !== refused));
      expect(Math.max(...requests().map(({ rows }) => rows.length))).toBe(100);
      expect((await add())[0]?.['Id']).toBeGreaterThan(last);
    },
  );

  it.each([0, 1, 4])(
    'numbers that somebody else has used after %i requests are found out, and nothing stays under a wrong one',
    async (after) => {
      const tree = await jobs();
      let seen = 0;
      target.intercept = (asked) => {
        if (!isForRecords(asked)) return null;
        seen += 1;
        if (seen !== after + 1) return null;
        const other = { ...asked, body: Buffer.from(JSON.stringify([{ nc_order: '5', Name: 'somebody' }])) };
        for (const route of target.routes) if (route(other, target.world) !== null) break;
        jobsTable().records = records().filter(({ Name }) => Name !== 'somebody');
        return null;
      };
      expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
      expectWhole();
      expect((await add())[0]?.['Id']).toBeGreaterThan(last);
    },
  );

  describe.each(Object.entries(orders))('with records %s', (_, order) => {
    it.each([
      [0, false],
      [0, true],
      [4, false],
      [4, true],
      [7, true],
    ])('an answer that was lost after %i requests, done: %s, ends nothing or is gone on with', async (after, done) => {
      const tree = await jobs(order);
      let seen = 0;
      target.intercept = (asked) => {
        if (!isForRecords(asked)) return null;
        seen += 1;
        return seen === after + 1 ? lost(asked, done) : null;
      };
      await restore(tree).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'NOCODB_UNREACHABLE' });
      });
      expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
      expectWhole(order);
      expect((await add())[0]?.['Id']).toBeGreaterThan(last);
    });

    async function endedAfter(tree: SavedTree, requestsDone: number, done: boolean): Promise<void> {
      let seen = 0;
      target.intercept = (asked) => {
        if (isForRecords(asked)) seen += 1;
        return seen > requestsDone ? lost(asked, done && seen === requestsDone + 1 && isForRecords(asked)) : null;
      };
      await expect(restore(tree)).rejects.toMatchObject({ code: 'NOCODB_UNREACHABLE' });
      target.intercept = () => null;
    }

    it.each([
      [0, false],
      [0, true],
      [4, false],
      [4, true],
      [7, true],
    ])(
      'ended after %i requests, the last done: %s; the empty records are nobody’s, and in nobody’s way',
      async (after, done) => {
        const tree = await jobs(order);
        await endedAfter(tree, after, done);
        expect((await bases().plan(tree, wanted, task)).blocks).toEqual([]);
        expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
        expectWhole(order);
        expect((await add())[0]?.['Id']).toBeGreaterThan(last);
      },
    );

    it('a second time too, when the counter is far beyond the keys', async () => {
      const tree = await jobs(order);
      await endedAfter(tree, 6, true);
      await endedAfter(tree, 0, true);
      expect(await restore(tree)).toMatchObject({ ok: true });
      expectWhole(order);
    });

    it('leaves the record that somebody added meanwhile', async () => {
      const tree = await jobs(order);
      await endedAfter(tree, 3, true);
      const [added] = await add('3000');
      const others = records().filter(({ Id }) => Id !== added?.['Id']);
      // Under a number that belongs to no record of the backup.
      if (added && others.every(({ Id }) => Id !== 999_999))
        Object.assign(records().find(({ Id }) => Id === added['Id']) ?? {}, { Id: 999_999 });
      expect(await restore(tree)).toMatchObject({ ok: true });
      expect(records().filter(({ Name }) => Name === 'somebody')).toHaveLength(1);
      expect(records()).toHaveLength(count + 1);
    });
  });

  it('is moved before any record where records are linked to such of their own table that come later', async () => {
    const all = table('Jobs', [column('Name', 'SingleLineText', { pv: true })]);
    const key = keyLink({ table: all, title: 'Parts' }, { table: all, title: 'Whole' });
    all.records = keys.map((Id, at) => ({ Id, Name: `job ${Id}`, [key]: keys[count - 1 - at] }));
    await using server = await startContractServer([base('Work', [all])]);
    const tree = await saveAll(nocodbApp({ url: server.url, token: server.token }, scratch));
    let refused = false;
    target.intercept = (asked) => {
      if (refused || !isForRecords(asked) || !asked.body.toString().includes('job 350')) return null;
      refused = true;
      return { status: 400, json: { msg: 'no' } };
    };
    expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
    const now = jobsTable().columns.find(({ uidt }) => uidt === 'ForeignKey')?.title ?? '';
    expect(records().map((record) => record[now])).toEqual(keys.toReversed());
    expect((await add())[0]?.['Id']).toBeGreaterThan(last);
  });
});
