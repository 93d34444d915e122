import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AppPart } from '../../src/apps/app.ts';
import { freePort } from '../support/loopback.ts';
import { base, column, junction, manyPeople, people, table } from '../support/nocodb-contract-world.ts';
import {
  startContractServer,
  type Answer,
  type Asked,
  type ContractServer,
  type ContractTable,
} from '../support/nocodb-contract-server.ts';
import { contentIn, contentOf, nameIn, nocodbApp, saveAll } from '../support/nocodb-saved.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

let doors: AsyncDisposableStack;
let server: ContractServer;
let scratch: string;
let orders: ContractTable;

beforeEach(async () => {
  doors = new AsyncDisposableStack();
  server = doors.use(await startContractServer());
  scratch = doors.use(await temporaryFolder()).path;
  orders = table('Orders', [column('Name', 'SingleLineText')], people(1000));
  server.world.bases = [base('Shop', [orders])];
});
afterEach(() => doors.disposeAsync());

const app = (more: Record<string, unknown> = {}) =>
  nocodbApp({ url: server.url, token: server.token, pageSize: 100, ...more }, scratch);
const signal = new AbortController().signal;
const isPage = ({ path, query }: Asked) => path.endsWith('/records') && Number(query.get('limit')) > 1;
const idsIn = (tree: Awaited<ReturnType<typeof saveAll>>) =>
  (contentIn(tree, nameIn(tree, 'Orders/records.json.gz')) as { Id: number }[]).map(({ Id }) => Id);
const allIds = people(1000).map(({ Id }) => Id as number);

/** Misbehaves once for the page that begins there. */
function once(offset: number, answer: (asked: Asked) => Answer): () => number {
  let times = 0;
  server.intercept = (asked) => {
    if (!isPage(asked) || Number(asked.query.get('offset')) !== offset || times > 0) return null;
    times += 1;
    return answer(asked);
  };
  return () => times;
}

describe('who is asked', () => {
  test('N-d2: a wrong token is an error, not an export of nothing', async () => {
    await expect(saveAll(app({ token: 'made-up-token' }))).rejects.toMatchObject({ code: 'NOCODB_TOKEN' });
  });

  test('N-d2: an address where nothing answers is an error', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const failing = saveAll(app({ url }));
    await expect(failing).rejects.toMatchObject({ code: 'NOCODB_UNREACHABLE', retryable: true });
  });

  test('N-d2: a user who is shown no base at all is an error', async () => {
    server.world.bases = [];
    server.world.user.roles = { 'org-level-viewer': true };
    await expect(saveAll(app())).rejects.toMatchObject({ code: 'NOCODB_NO_BASES' });
  });

  test('something else than NocoDB answers', async () => {
    server.intercept = () => ({ body: '<html>hello</html>' });
    await expect(saveAll(app())).rejects.toMatchObject({ code: 'NOCODB_ANSWER' });
  });
});

describe('an error in the middle of a table', () => {
  const faults: [string, () => Answer][] = [
    ['500', () => ({ status: 500, json: { msg: 'Something went wrong', innerError: { stack: 'secret stack' } } })],
    ['503 of a proxy', () => ({ status: 503, body: '<html>' })],
    ['a cut connection', () => ({ json: { list: people(50) }, cutAfter: 20 })],
  ];
  test.each(faults)('S8: %s is tried again, and the table is whole', async (_, answer) => {
    const times = once(500, answer);
    expect(idsIn(await saveAll(app()))).toEqual(allIds);
    expect(times()).toBe(1);
  });

  test('N-d3: what stays an error fails the part by name; the stream never ends as if it were whole', async () => {
    server.intercept = (asked) =>
      isPage(asked) && asked.query.get('offset') === '500' ? { status: 500, json: { msg: 'no' } } : null;
    const failing = saveAll(app());
    await expect(failing).rejects.toMatchObject({ code: 'NOCODB_FAILED' });
    await expect(failing).rejects.toThrow('table Orders of base Shop');
  });

  test('N-d3: a column that is renamed while the table is read fails the part', async () => {
    server.intercept = (asked) => {
      const name = orders.columns.find(({ title }) => title === 'Name');
      if (isPage(asked) && asked.query.get('offset') === '500' && name) name.title = 'Full name';
      return null;
    };
    await expect(saveAll(app())).rejects.toMatchObject({ code: 'NOCODB_TABLE_CHANGED' });
  });

  test('N-17: 429 is waited for as long as NocoDB asks, by everyone, and nothing is lost', async () => {
    let restUntil = 0;
    let early = 0;
    server.intercept = (asked) => {
      // What is on its way when the answer comes is not early.
      if (performance.now() < restUntil && performance.now() > restUntil - 700) early += 1;
      if (restUntil > 0 || !isPage(asked) || asked.query.get('offset') !== '500') return null;
      restUntil = performance.now() + 900;
      return { status: 429, headers: { 'retry-after': '1' }, json: { msg: 'Too many requests' } };
    };
    expect(idsIn(await saveAll(app()))).toEqual(allIds);
    expect(restUntil).toBeGreaterThan(0);
    expect(early).toBe(0);
  });
});

describe('pages', () => {
  test('a server that gives fewer than it is asked for', async () => {
    server.world.longestPage = 37;
    expect(idsIn(await saveAll(app()))).toEqual(allIds);
  });

  test('a server that never says that it was the last page', async () => {
    server.intercept = ({ path, query }) => {
      if (!path.endsWith('/records')) return null;
      const list = people(Number(query.get('limit')));
      return { json: { list, pageInfo: { totalRows: 1000, isLastPage: false } } };
    };
    await expect(saveAll(app())).rejects.toMatchObject({ code: 'NOCODB_ANSWER' });
  });

  const nothingMore: Answer = { json: { list: [], pageInfo: { totalRows: 1000, isLastPage: true } } };

  test('N-d3: what a last page that comes too early leaves out is fetched by its keys', async () => {
    server.intercept = (asked) => (isPage(asked) && Number(asked.query.get('offset')) > 0 ? nothingMore : null);
    const ids = idsIn(await saveAll(app()));
    expect(ids.toSorted((one, two) => one - two)).toEqual(allIds);
  });

  test('N-d3: a table of which not everything can be read is never called whole', async () => {
    server.intercept = (asked) => (isPage(asked) && asked.query.get('offset') !== '0' ? nothingMore : null);
    await expect(saveAll(app())).rejects.toMatchObject({ code: 'NOCODB_RECORDS_MISSING' });
  });

  test('rows too long for a page are asked for in smaller pages', async () => {
    const long = 'x'.repeat(600 * 1024);
    orders.records = people(100).map((person) => ({ ...person, Name: long }));
    expect(idsIn(await saveAll(app()))).toEqual(allIds.slice(0, 100));
    const limits = server.asked.filter(isPage).map(({ query }) => Number(query.get('limit')));
    expect(Math.min(...limits)).toBeLessThan(26);
  });

  test('S29 N-d7: only a few pages are read ahead of what is stored', async () => {
    orders.records = manyPeople(100_000);
    await using saving = await app({ pageSize: 1000 }).open({ encrypted: false, database: null }, signal);
    let records: AppPart | null = null;
    for await (const part of saving.parts(signal)) {
      if (part.name.endsWith('records.json.gz')) {
        records = part;
        break;
      }
      await contentOf(part, signal);
    }
    const stream = records?.open(signal);
    stream?.read(0);
    let before = 0;
    let quietSince = performance.now();
    await until(() => {
      const asked = server.asked.filter(isPage).length;
      if (asked !== before) quietSince = performance.now();
      before = asked;
      return asked > 0 && performance.now() - quietSince > 500;
    }, 'nothing more is asked for');
    expect(before).toBeLessThan(20);
    stream?.destroy();
  });
});

describe('a table that changes while it is read', () => {
  const rows = () => orders.records as Record<string, unknown>[];
  function meanwhile(change: () => void): void {
    let done = false;
    server.intercept = (asked) => {
      if (!done && isPage(asked) && asked.query.get('offset') === '300') {
        done = true;
        change();
      }
      return null;
    };
  }

  test('N-d3: records that are removed shift the others; none of those that stay is lost', async () => {
    meanwhile(() => void rows().splice(0, 50));
    const tree = await saveAll(app());
    const ids = idsIn(tree);
    expect(ids.toSorted((one, two) => one - two)).toEqual(allIds);
    expect(new Set(ids).size).toBe(ids.length);
    expect(tree.warnings).toEqual([
      'table Orders of base Shop changed: it had 1,000 records when it was begun, and 950 at the end',
    ]);
    await app().readThrough(tree, signal);
  });

  test('records that are added are taken along, each once', async () => {
    meanwhile(() => rows().unshift({ Id: 1001, Name: 'new', CreatedAt: null, UpdatedAt: null }));
    const tree = await saveAll(app());
    const ids = idsIn(tree);
    expect(ids.toSorted((one, two) => one - two)).toEqual([...allIds, 1001]);
    expect(tree.warnings[0]).toContain('1,000 records when it was begun, and 1,001 at the end');
  });

  test('records that are moved are found where they are', async () => {
    meanwhile(() => rows().unshift(...rows().splice(900, 1)));
    const ids = idsIn(await saveAll(app()));
    expect(ids.toSorted((one, two) => one - two)).toEqual(allIds);
  });

  test('values that are changed are noted', async () => {
    meanwhile(() => Object.assign(rows()[0] ?? {}, { Name: 'other', UpdatedAt: '2026-11-21 10:00:00+00:00' }));
    const tree = await saveAll(app());
    expect(tree.warnings).toEqual(['table Orders of base Shop changed: records were changed while it was read']);
    expect(contentIn(tree, 'bases/Shop/metadata.json')).toMatchObject({
      tables: [{ changed: ['records were changed while it was read'] }],
    });
  });

  test('a table, or a base, that is removed before its turn is told, and the others are saved', async () => {
    const tags = table('Tags', [column('Name', 'SingleLineText')], people(3));
    server.world.bases = [
      base('Shop', [orders, tags]),
      base('Attic', [table('Old', [])]),
      base('Zoo', [table('Cage', [])]),
    ];
    meanwhile(() => {
      server.world.bases[0]?.tables.pop();
      server.world.bases.splice(1, 1);
    });
    const tree = await saveAll(app());
    expect(idsIn(tree)).toEqual(allIds);
    expect(tree.warnings).toEqual([
      'base Shop changed while it was read: table Tags was removed',
      'base Attic was removed before it was read: it is not in this backup',
    ]);
    expect(tree.facts).toMatchObject({ bases: [{ title: 'Shop', tables: [{ title: 'Orders' }] }, { title: 'Zoo' }] });
    await app().readThrough(tree, signal);
  });

  test('a table that is listed, and not to be found, ends it', async () => {
    server.intercept = ({ path }) =>
      path === `/api/v2/meta/tables/${orders.id}`
        ? { status: 404, json: { error: 'ERR_TABLE_NOT_FOUND', message: 'Table not found' } }
        : null;
    await expect(saveAll(app())).rejects.toMatchObject({ code: 'NOCODB_NOT_FOUND' });
  });

  test('the base of a drill that runs beside it is none of its business', async () => {
    const drilled = 'holdfast-rehearsal-0a1b2c3d4e5f';
    server.world.bases.push(base(drilled, [table('Orders', [])]));
    const tree = await saveAll(app());
    expect(tree.facts).toMatchObject({ bases: [{ title: 'Shop' }] });
    expect([...tree.files.keys()].filter((name) => name.includes('rehearsal'))).toEqual([]);
    expect(tree.warnings).toEqual([`base ${drilled} is that of a drill, and is not saved`]);
    const asked = await saveAll(app({ bases: [drilled] }));
    expect(asked.facts).toMatchObject({ bases: [{ title: drilled }] });
  });

  test('pairs of links that come and go shift nothing', async () => {
    const pairs = Array.from({ length: 350 }, (_, at): [number, number] => [1 + Math.floor(at / 7), 1 + (at % 7)]);
    const links = junction({ table: orders, title: 'L' }, { table: table('Tags', []), title: 'O' }, pairs);
    server.world.bases[0]?.tables.push(links);
    server.intercept = ({ path, query }) => {
      if (path.includes(links.id) && query.has('where')) (links.records as unknown[]).splice(0, 5);
      return null;
    };
    const tree = await saveAll(app());
    expect(contentIn(tree, nameIn(tree, 'links/Orders.L.json.gz'))).toEqual(pairs);
  });
});

test('S22: a signal ends it, and nothing is left in the scratch folder', async () => {
  const stop = new AbortController();
  server.intercept = (asked) => {
    if (isPage(asked) && asked.query.get('offset') === '500') stop.abort();
    return null;
  };
  await expect(saveAll(app(), { signal: stop.signal })).rejects.toMatchObject({ kind: 'interrupted' });
  expect(await readdir(scratch)).toEqual([]);
});
