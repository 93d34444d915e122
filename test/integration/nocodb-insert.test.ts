import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppTask, BasesRequest } from '../../src/apps/app.ts';
import { Client } from '../../src/apps/nocodb/client.ts';
import { createBases } from '../../src/apps/nocodb/restore/bases.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Secret } from '../../src/base/secret.ts';
import { startContractServer, type ContractServer } from '../support/nocodb-contract-server.ts';
import { base, column, table } from '../support/nocodb-contract-world.ts';
import { withWrites, type Faults } from '../support/nocodb-contract-writes.ts';
import { nocodbApp, saveAll, type SavedTree } from '../support/nocodb-saved.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

type Body = Record<string, unknown>;

/** NocoDB's bulk insertion is quick and has traps; its upsert is slow and has none. */
describe('the two ways in which records are written', () => {
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

  /** Three batches of jobs, with keys that have gaps. */
  async function jobs(valuesOf: (at: number) => Body): Promise<SavedTree> {
    const choices = { options: [{ id: 's1', title: 'to do', order: 1 }] };
    const all = table(
      'Jobs',
      [
        column('Name', 'SingleLineText', { pv: true }),
        column('Took', 'Duration', { meta: { duration: 0 } }),
        column('State', 'SingleSelect', { colOptions: choices }),
      ],
      Array.from({ length: 300 }, (_, at) => ({
        Id: at * 3 + 5,
        Name: `job ${at}`,
        Took: null,
        State: null,
        ...valuesOf(at),
      })),
    );
    await using server = await startContractServer([base('Work', [all])]);
    return await saveAll(nocodbApp({ url: server.url, token: server.token }, scratch));
  }

  const restore = (tree: SavedTree, more: Partial<BasesRequest> = {}) => {
    const connect = () =>
      new Client(
        { url: target.url, token: new Secret(target.token), concurrency: 4, timeoutMs: 10_000 },
        { logger: silentLogger, wait: () => Promise.resolve() },
      );
    const wanted: BasesRequest = {
      what: 'records',
      bases: [],
      tables: [],
      skipExisting: false,
      intoBase: null,
      withAttachments: false,
      ...more,
    };
    const task: AppTask = { signal: new AbortController().signal, report: () => undefined };
    return createBases({ connect, concurrency: 4 }).restore(tree, wanted, task);
  };
  const records = () => target.world.bases[0]?.tables[0]?.records as Body[];
  const values = (title: string) => records().map((record) => record[title]);
  const keys = Array.from({ length: 300 }, (_, at) => at * 3 + 5);
  /** Of which length each request for records was, by way. */
  const sent = () => {
    const ways = { inserted: [] as number[], upserted: [] as number[] };
    for (const { method, path, body } of target.asked) {
      if (method !== 'POST' || !path.includes('/data/bulk/')) continue;
      ways[path.endsWith('/upsert') ? 'upserted' : 'inserted'].push((JSON.parse(body.toString()) as Body[]).length);
    }
    return ways;
  };

  it.each([false, true])('a table that is made is filled by insertion (PostgreSQL: %s)', async (postgres) => {
    faults.postgres = postgres;
    const tree = await jobs((at) => ({ State: at % 2 === 0 ? 'to do' : null }));
    expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
    // On PostgreSQL with empty records where a number belongs to none.
    expect(sent()).toEqual({ inserted: postgres ? [...Array(9).fill(100), 2] : [100, 100, 100], upserted: [] });
    expect(values('Id')).toEqual(keys);
    expect(values('UpdatedAt')).toEqual(Array(300).fill(null));
  });

  it('N-d12 a duration, which the insertion takes for minutes, keeps its seconds', async () => {
    const took = (at: number) => (at === 150 ? 3723 : null);
    const tree = await jobs((at) => ({ Took: took(at) }));
    expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
    expect(values('Took')).toEqual(keys.map((_, at) => took(at)));
    expect(sent()).toEqual({ inserted: [100, 100], upserted: [100] });
  });

  it('a choice that was taken from the list since comes back with its record', async () => {
    const state = (at: number) => (at === 150 ? 'gone' : 'to do');
    const tree = await jobs((at) => ({ State: state(at) }));
    expect(await restore(tree)).toMatchObject({ ok: true, lost: [] });
    expect(values('State')).toEqual(keys.map((_, at) => state(at)));
    expect(sent()).toEqual({ inserted: [100, 100, 100], upserted: [100] });
  });

  it('a table of people’s own gets its missing records by upsert', async () => {
    const tree = await jobs(() => ({}));
    await restore(tree);
    const [own] = target.world.bases[0]?.tables ?? [];
    if (own) own.records = records().filter(({ Id }) => Number(Id) > 100);
    target.asked.length = 0;
    expect(await restore(tree, { skipExisting: true })).toMatchObject({ ok: true, created: 32 });
    expect(sent()).toEqual({ inserted: [], upserted: [32] });
    expect(values('Id')).toEqual(keys);
  });

  it('a NocoDB that gives records other keys is found out with the first of them', async () => {
    const tree = await jobs(() => ({}));
    faults.answersInsertion = (told) => told.map((_, at) => at + 1);
    await expect(restore(tree)).rejects.toMatchObject({ code: 'NOCODB_ANSWER' });
    expect(sent().inserted.length).toBeLessThanOrEqual(3);
  });
});
