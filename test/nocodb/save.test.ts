import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contentIn, contentOf, nameIn, nocodbApp, saveAll, type SavedTree } from '../support/nocodb-saved.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ask, richBase } from './restore-rich-base.ts';
import { nocodbServers, noServer, type NocodbServer } from './servers.ts';

const servers = nocodbServers();
const signal = new AbortController().signal;

test.skipIf(servers.length === 0)(`there is a server to test against (otherwise: ${noServer})`, () => {
  expect(servers.length).toBeGreaterThan(0);
});

interface Listed {
  list: Record<string, unknown>[];
  pageInfo: { totalRows: number };
}

describe.each(servers)('save from NocoDB on $name', (server: NocodbServer) => {
  let doors: AsyncDisposableStack;
  let scratch: string;
  let title: string;
  let base: string;

  beforeEach(async () => {
    doors = new AsyncDisposableStack();
    scratch = doors.use(await temporaryFolder()).path;
    title = `save ${Date.now()}`;
    base = await makeBase(server, title);
    doors.defer(async () => void (await ask(server, 'DELETE', `/api/v2/meta/bases/${base}`)));
  });
  afterEach(() => doors.disposeAsync());

  const app = (more: Record<string, unknown> = {}) =>
    nocodbApp({ url: server.url, token: server.token, bases: [base], ...more }, scratch);
  const tablesOf = async () =>
    (await ask<{ list: { id: string; title: string }[] }>(server, 'GET', `/api/v2/meta/bases/${base}/tables`)).list;

  test('N-11 N-17 N-19 N-d25: everything the API counts is in the tree, and it reads through', async () => {
    const tree = await saveAll(app());
    const metadata = contentIn(tree, nameIn(tree, 'metadata.json')) as {
      tables: {
        id: string;
        title: string;
        folder: string;
        records: number;
        views: number;
        attachments: { files: number };
      }[];
      links: { junction: string; pairs: number; file: string }[];
    };
    const live = await tablesOf();
    expect(metadata.tables.map(({ id }) => id).toSorted()).toEqual(live.map(({ id }) => id).toSorted());
    for (const saved of metadata.tables) {
      const all = await ask<{ count: number }>(server, 'GET', `/api/v2/tables/${saved.id}/records/count`);
      expect(saved.records, saved.title).toBe(all.count);
      expect(recordsOf(tree, saved.folder), saved.title).toHaveLength(all.count);
    }
    for (const { junction, pairs } of metadata.links) {
      const all = await ask<{ count: number }>(server, 'GET', `/api/v2/tables/${junction}/records/count`);
      expect(pairs).toBe(all.count);
    }
    expect(metadata.links.length).toBeGreaterThan(0);
    expect(tree.facts).toMatchObject({ totals: { bases: 1, tables: live.length, failed: 0 } });
    await app().readThrough(tree, signal);
  });

  test('N-17: each stored value is the one the API gives, in the order of the people', async () => {
    const tree = await saveAll(app({ pageSize: 10 }));
    for (const { id, title: name } of await tablesOf()) {
      const schema = contentIn(tree, nameIn(tree, `tables/${name}/schema.json`)) as {
        columns: { id: string; title: string }[];
        records: { columns: { id: string; title: string }[] };
      };
      const fields = schema.records.columns.map((column) => column.id).join(',');
      const live = await ask<Listed>(server, 'GET', `/api/v2/tables/${id}/records?limit=1000&fields=${fields}`);
      const clean = (record: unknown) =>
        JSON.parse(JSON.stringify(record), (key, value: unknown) =>
          ['signedPath', 'signedUrl', 'thumbnails'].includes(key) ? undefined : value,
        ) as unknown;
      expect(recordsOf(tree, name).slice(0, 1000), name).toEqual(live.list.map(clean));
      const columns = await ask<{ columns: unknown[] }>(server, 'GET', `/api/v2/meta/tables/${id}`);
      expect(schema.columns).toHaveLength(columns.columns.length);
    }
  });

  test('N-d2 N-d13: a made-up token is refused', async () => {
    await expect(saveAll(app({ token: 'made-up-token-0000000000' }))).rejects.toMatchObject({ code: 'NOCODB_TOKEN' });
    await expect(app().check(signal)).resolves.toMatchObject([{ result: 'ok' }, { result: 'ok' }, { result: 'ok' }]);
  });

  test('N-d3: records that are removed while a table is read cost none of the others', async () => {
    const [table] = await tablesOf();
    if (!table) throw new Error('there is no table');
    const tree = await saveAll(app({ pageSize: 10 }));
    const before = recordsOf(tree, table.title).map(({ Id }) => Id);
    const removed = before.slice(0, 3);
    await using saving = await app({ pageSize: 10 }).open({ encrypted: false, database: null }, signal);
    let read: unknown[] = [];
    for await (const part of saving.parts(signal)) {
      const content = contentOf(part, signal);
      if (part.name.endsWith(`tables/${table.title}/records.json.gz`)) {
        const body = removed.map((id) => ({ Id: id }));
        await ask(server, 'DELETE', `/api/v2/tables/${table.id}/records`, body);
        const files = new Map([[part.name, await content]]);
        read = (contentIn({ ...tree, files }, part.name) as { Id: number }[]).map(({ Id }) => Id);
        break;
      }
      await content;
    }
    expect(read).toEqual(expect.arrayContaining(before.filter((id) => !removed.includes(id))));
    expect(new Set(read).size).toBe(read.length);
  });
});

function recordsOf(tree: SavedTree, folder: string): Record<string, unknown>[] {
  return contentIn(tree, nameIn(tree, `tables/${folder}/records.json.gz`)) as Record<string, unknown>[];
}

/** A base with every kind of column, links and files; its id. */
async function makeBase(server: NocodbServer, title: string): Promise<string> {
  return richBase(server, { title, postgres: server.name === 'PostgreSQL', records: 60, files: 8 });
}
