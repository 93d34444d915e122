import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AppTask, BasesRequest } from '../../src/apps/app.ts';
import { Client } from '../../src/apps/nocodb/client.ts';
import { createBases } from '../../src/apps/nocodb/restore/bases.ts';
import { rehearsalTitle } from '../../src/apps/nocodb/rehearsal-title.ts';
import { rehearseBases } from '../../src/apps/nocodb/restore/rehearse.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Secret } from '../../src/base/secret.ts';
import {
  startContractServer,
  type Asked,
  type ContractServer,
  type ContractTable,
} from '../support/nocodb-contract-server.ts';
import { base, column, junction, table } from '../support/nocodb-contract-world.ts';
import { withWrites, type Faults } from '../support/nocodb-contract-writes.ts';
import { nocodbApp, saveAll, type SavedTree } from '../support/nocodb-saved.ts';

const count = 1234;
let scratch: string;
let tree: SavedTree;
let target: ContractServer;
let faults: Faults;

/** A shop: people with a file each tenth, orders that are linked to them, titles as hostile as they come. */
async function shop(): Promise<SavedTree> {
  const files = Array.from({ length: Math.ceil(count / 10) }, (_, at) => `noco/p/${at}.txt`);
  const people = table(
    'People, "all"',
    [
      column('Name', 'SingleLineText', { pv: true }),
      column('State', 'SingleSelect', {
        colOptions: { options: [{ id: 'sold0000000000001', title: 'to do', order: 1 }] },
      }),
      column('Files', 'Attachment'),
      column('Nick, (short)', 'SingleLineText'),
    ],
    Array.from({ length: count }, (_, at) => ({
      Id: at * 2 + 1,
      Name: `Person ${at}`,
      State: at % 2 === 0 ? 'to do' : null,
      'Nick, (short)': at % 3 === 0 ? `n${at}` : null,
      Files:
        at % 10 === 0
          ? [
              {
                id: `at${at}`,
                title: 'same name.txt',
                path: `download/${files[at / 10]}`,
                mimetype: 'text/plain',
                size: 5,
              },
            ]
          : null,
    })),
  );
  const tags = table(
    'Tags',
    [column('Label', 'SingleLineText', { pv: true })],
    Array.from({ length: 7 }, (_, at) => ({ Id: at + 1, Label: `tag ${at}` })),
  );
  const links = junction(
    { table: people, title: 'Their tags' },
    { table: tags, title: 'Their people' },
    Array.from({ length: count }, (_, at) => [at * 2 + 1, (at % 7) + 1]),
  );
  const name = people.columns.find(({ title }) => title === 'Name');
  people.columns.push(
    column('Loud', 'Formula', {
      colOptions: { formula: `UPPER({{${name?.id ?? ''}}})`, formula_raw: 'UPPER({Name})' },
    }),
  );
  people.comments.push({ id: 'com1', row_id: '1', comment: 'look' });
  people.hooks.push({
    id: 'hk1',
    title: 'on insert',
    event: 'after',
    version: 'v3',
    active: true,
    operation: '["insert"]',
    notification: '{}',
  });
  await using server = await startContractServer([base('Shop', [people, tags, links])]);
  for (const [at, name_] of files.entries())
    server.world.files.set(name_, Buffer.from(`f${String(at).padStart(4, '0')}`));
  return await saveAll(nocodbApp({ url: server.url, token: server.token }, scratch), { encrypted: true });
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'holdfast-nocodb-'));
  tree = await shop();
});

beforeEach(async () => {
  target = await startContractServer();
  faults = withWrites(target);
});

afterEach(async () => {
  await target[Symbol.asyncDispose]();
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

const connect = () =>
  new Client(
    { url: target.url, token: new Secret(target.token), concurrency: 4, timeoutMs: 10_000 },
    { logger: silentLogger, wait: () => Promise.resolve() },
  );
/** The connection ends in the middle of the answer. */
const lost = { body: 'x'.repeat(100), cutAfter: 3 };
const bases = () => createBases({ connect, concurrency: 4 });
const task = (signal = new AbortController().signal): AppTask => ({ signal, report: () => undefined });
const request = (more: Partial<BasesRequest> = {}): BasesRequest => ({
  what: 'records',
  bases: [],
  tables: [],
  skipExisting: false,
  intoBase: null,
  withAttachments: false,
  ...more,
});

function tableIn(title: string): ContractTable {
  const found = target.world.bases.flatMap(({ tables }) => tables).find((each) => each.title === title);
  if (found === undefined) throw new Error(`no table ${title}`);
  return found;
}

function records(title: string): Record<string, unknown>[] {
  const { records: all } = tableIn(title);
  if (!Array.isArray(all)) throw new Error('records are made when asked for');
  return all;
}

function pairs(): string[] {
  const links = target.world.bases.flatMap(({ tables }) => tables).find(({ mm }) => mm === true);
  return ((links?.records ?? []) as Record<string, unknown>[]).map((pair) => Object.values(pair).join('-')).toSorted();
}

/** How records are written; not pairs of links, nor empty records that move a counter. */
function wayOf({ method, path, body }: Asked): 'inserted' | 'upserted' | null {
  const [, id, upsert] = /\/data\/bulk\/noco\/[^/]+\/([^/]+)(\/upsert)?$/.exec(path) ?? [];
  const isPairs = target.world.bases.some(({ tables }) => tables.some((each) => each.id === id && each.mm === true));
  if (method !== 'POST' || id === undefined || isPairs) return null;
  const [first = {}] = JSON.parse(body.toString()) as object[];
  if (Object.keys(first).length <= 1) return null;
  return upsert === undefined ? 'inserted' : 'upserted';
}

function expectWhole(): void {
  expect(records('People, "all"').map(({ Id, Name }) => [Id, Name])).toEqual(
    Array.from({ length: count }, (_, at) => [at * 2 + 1, `Person ${at}`]),
  );
  expect(records('Tags')).toHaveLength(7);
  expect(pairs()).toEqual(Array.from({ length: count }, (_, at) => `${at * 2 + 1}-${(at % 7) + 1}`).toSorted());
}

describe('restoring a base of NocoDB', () => {
  it('N-41 N-42 N-d25 brings back tables, records under their keys, links, files, formulas, comments, and webhooks switched off', async () => {
    const report = await bases().restore(tree, request({ withAttachments: true }), task());
    expect(report.lost).toEqual([]);
    expect(report.ok).toBe(true);
    expectWhole();
    const people = tableIn('People, "all"');
    expect(people.columns.map(({ title }) => title)).toContain('Their tags');
    expect(people.columns.find(({ title }) => title === 'Loud')?.colOptions).toMatchObject({
      formula_raw: 'UPPER({Name})',
    });
    expect(people.comments.map(({ row_id, comment }) => [row_id, comment])).toEqual([['1', 'look']]);
    expect(people.hooks).toMatchObject([{ title: 'on insert', active: false, operation: ['insert'] }]);
    expect(report.warnings.join()).toContain('switched off');
    expect(people['meta']).toEqual({});
    expect(report.tables[0]).toMatchObject({ expected: count, restored: count, links: count, attachments: 124 });
  });

  it('N-d11 gives each record its own file, also where all files have the same name', async () => {
    await bases().restore(tree, request({ withAttachments: true }), task());
    const wrong = records('People, "all"').filter((record, at) => {
      const [file] = (record['Files'] ?? []) as { path: string }[];
      const content =
        file === undefined ? null : target.world.files.get(file.path.replace('download/', ''))?.toString();
      return content !== (at % 10 === 0 ? `f${String(at / 10).padStart(4, '0')}` : null);
    });
    expect(wrong).toEqual([]);
  });

  it('N-d12 writes by id of the field, and never to one that was called so before', async () => {
    await bases().restore(tree, request(), task());
    const bodies = target.asked
      .filter((asked) => wayOf(asked) !== null)
      .map(({ body }) => JSON.parse(body.toString()) as object[]);
    expect(bodies.flat()).toHaveLength(count + 7);
    const keys = new Set(bodies.flat().flatMap((row) => Object.keys(row)));
    expect([...keys].filter((key) => !/^c\d{14}$/.test(key))).toEqual([]);
  });

  it.each([3, 11, 17, 23])('goes on after the connection died at write %i, and doubles nothing', async (dies) => {
    let writes = 0;
    target.intercept = (asked) => {
      if (asked.method === 'GET') return null;
      writes += 1;
      return writes >= dies ? lost : null;
    };
    await expect(bases().restore(tree, request({ withAttachments: true }), task())).rejects.toMatchObject({
      code: 'NOCODB_UNREACHABLE',
    });
    target.intercept = () => null;
    const report = await bases().restore(tree, request({ withAttachments: true }), task());
    expect(report.ok).toBe(true);
    expectWhole();
    expect(tableIn('People, "all"').comments).toHaveLength(1);
    expect(target.world.bases).toHaveLength(1);
  });

  it.each([
    ['inserted', false],
    ['upserted', true],
  ])('takes records that were %s, and for which the answer was lost, for done', async (way, withAttachments) => {
    let cut = 0;
    target.intercept = (asked) => {
      if (wayOf(asked) !== way || cut >= 2) return null;
      cut += 1;
      return target.routes.reduce<ReturnType<ContractServer['intercept']>>(
        (answer, route) => answer ?? route(asked, target.world),
        null,
      ) === null
        ? null
        : lost;
    };
    expect((await bases().restore(tree, request({ withAttachments }), task())).ok).toBe(true);
    expect(cut).toBe(2);
    expectWhole();
  });

  it('waits when NocoDB asks for it', async () => {
    let refused = 0;
    target.intercept = ({ method }) => {
      refused += 1;
      return method !== 'GET' && refused % 5 === 0
        ? { status: 429, headers: { 'retry-after': '0' }, json: { msg: 'slow' } }
        : null;
    };
    expect((await bases().restore(tree, request(), task())).ok).toBe(true);
    expectWhole();
  });

  it('names the one value that NocoDB does not take, and restores everything else', async () => {
    faults.refuses = (record) => (record['Name'] === 'Person 777' ? 'Invalid value for Name' : null);
    const report = await bases().restore(tree, request(), task());
    expect(report.ok).toBe(false);
    expect(report.lost).toEqual([
      {
        where: 'Shop/People, "all"',
        what: 'record 1555, Name',
        reason: expect.stringContaining('Invalid value') as string,
      },
    ]);
    expect(records('People, "all"')).toHaveLength(count);
    expect(records('People, "all"').find(({ Id }) => Id === 1555)?.['Name']).toBeNull();
  });

  it('sends in parts what is too large at once for what stands before NocoDB', async () => {
    const most = 4000;
    target.intercept = (asked) =>
      wayOf(asked) !== null && asked.body.length > most ? { status: 413, json: {} } : null;
    const report = await bases().restore(tree, request(), task());
    expect(report.tables.find(({ table: name }) => name === 'People, "all"')).toMatchObject({ restored: count });
    expect(report.lost.filter(({ what }) => what.startsWith('record'))).toEqual([]);
  });

  it('names a record that NocoDB does not take at all, with the link that leads to it', async () => {
    faults.refuses = (record) => (record['Id'] === 9 ? 'no' : null);
    const report = await bases().restore(tree, request(), task());
    expect(report.lost.map(({ what }) => what)).toEqual(['record 9', 'link from record 9 to record 5']);
    expect(records('People, "all"')).toHaveLength(count - 1);
    expect(pairs()).toHaveLength(count - 1);
  });

  it('leaves out a field of a type that NocoDB does not make, says so, and leaves no half table behind', async () => {
    faults.unknownTypes.add('SingleSelect');
    const report = await bases().restore(tree, request(), task());
    expect(report.lost.map(({ what }) => what)).toEqual([
      'field State (SingleSelect)',
      'values of State (SingleSelect)',
    ]);
    expect(target.world.bases[0]?.tables.filter(({ title }) => title === 'People, "all"')).toHaveLength(1);
    expectWhole();
  });

  it('finds the fields that NocoDB was still making for an interrupted restore', async () => {
    target.intercept = (asked) => {
      if (asked.method !== 'POST' || !asked.path.endsWith('/columns')) return null;
      for (const route of target.routes) if (route(asked, target.world) !== null) break;
      return { status: 400, json: { msg: 'Duplicate column alias' } };
    };
    const report = await bases().restore(tree, request(), task());
    expect(report.lost).toEqual([]);
    expectWhole();
    expect(tableIn('People, "all"').columns.filter(({ title }) => title === 'Loud')).toHaveLength(1);
  });

  it('leaves alone a table that somebody made meanwhile under the same title', async () => {
    target.intercept = ({ method, path }) => {
      const [made] = target.world.bases;
      if (method === 'POST' && path.endsWith('/tables') && made?.tables.length === 0)
        made.tables.push(
          table('People, "all"', [column('Own', 'SingleLineText', { pv: true })], [{ Id: 1, Own: 'x' }]),
        );
      return null;
    };
    await expect(bases().restore(tree, request(), task())).rejects.toMatchObject({ code: 'NOCODB_TABLE_NOT_MADE' });
    expect(records('People, "all"')).toMatchObject([{ Own: 'x' }]);
  });
});

describe('what is there already', () => {
  it('N-41 a table that exists is in the way of its schema, and left alone with --skip-existing', async () => {
    await bases().restore(tree, request({ what: 'schema' }), task());
    await expect(bases().restore(tree, request({ what: 'schema' }), task())).rejects.toMatchObject({
      code: 'NOCODB_IN_THE_WAY',
      kind: 'refused',
    });
    const before = target.asked.length;
    const report = await bases().restore(tree, request({ what: 'schema', skipExisting: true }), task());
    expect(report).toMatchObject({ created: 0, skipped: 2 });
    expect(target.asked.slice(before).filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('N-42 restores only the records that are missing', async () => {
    await bases().restore(tree, request(), task());
    const people = tableIn('People, "all"');
    people.records = records('People, "all"').filter(({ Id }) => Number(Id) % 100 !== 1);
    const report = await bases().restore(tree, request(), task());
    expect(report).toMatchObject({ ok: true, created: 25 });
    expectWhole();
  });

  it('a plan tells of records and files that come back, and of nothing where none do', async () => {
    const wanted = request({ withAttachments: true });
    const of = async (name: string) =>
      (await bases().plan(tree, wanted, task())).creates.filter(
        (line) => line.endsWith(name) || line.includes(`${name},`),
      );
    expect(await of('records in Shop/People, "all"')).toEqual(['1234 records in Shop/People, "all", 124 files']);
    await bases().restore(tree, wanted, task());
    expect((await bases().plan(tree, wanted, task())).creates).toEqual([]);
    // The eleventh has a file, as each tenth after it.
    tableIn('People, "all"').records = records('People, "all"').filter((_, at) => at !== 10 && at !== 11);
    expect(await of('records in Shop/People, "all"')).toEqual(['2 records in Shop/People, "all", with their files']);
    expect(await bases().restore(tree, wanted, task())).toMatchObject({ ok: true, created: 2 });
  });

  it('a field that was removed since is told before, as it is afterwards', async () => {
    await bases().restore(tree, request(), task());
    const people = tableIn('People, "all"');
    people.columns = people.columns.filter(({ title }) => title !== 'State');
    const again = request({ skipExisting: true });
    const told = { where: 'Shop/People, "all"', what: 'values of State (SingleSelect)' };
    expect((await bases().plan(tree, again, task())).cannot).toContain(
      `${told.what} of ${told.where}: the table has no such field`,
    );
    expect((await bases().restore(tree, again, task())).lost).toEqual([expect.objectContaining(told)]);
  });

  it('a record that people have changed is in the way, and left alone with --skip-existing', async () => {
    await bases().restore(tree, request(), task());
    const changed = records('People, "all"')[3];
    if (changed) changed['Name'] = 'somebody else';
    const plan = await bases().plan(tree, request(), task());
    expect(plan.blocks).toEqual(['1 records of Shop/People, "all" are other than in the backup, under the same Id']);
    await expect(bases().restore(tree, request(), task())).rejects.toMatchObject({ code: 'NOCODB_IN_THE_WAY' });
    await bases().restore(tree, request({ skipExisting: true }), task());
    expect(records('People, "all"')[3]?.['Name']).toBe('somebody else');
  });

  it('a webhook that is on, and would be called for what comes back, is in the way', async () => {
    await bases().restore(tree, request(), task());
    const people = tableIn('People, "all"');
    const on = (title: string, operation: string, more: object = {}) =>
      people.hooks.push({ id: title, title, event: 'after', version: 'v3', active: true, operation, ...more });
    on('mail', '["insert"]');
    on('sync', '["update"]');
    on('off', '["insert"]', { active: false });
    on('by hand', '["trigger"]', { event: 'manual' });
    const inTheWay = (title: string, what: string) =>
      `the webhook ${title} of Shop/People, "all" is on, and NocoDB would call it for the ${what} that come back: switch it off until then`;
    expect((await bases().plan(tree, request(), task())).blocks).toEqual([]);

    people.records = records('People, "all"').slice(1);
    const sent = target.asked.length;
    const plan = await bases().plan(tree, request(), task());
    expect(plan.blocks).toEqual([inTheWay('mail', 'records'), inTheWay('sync', 'records')]);
    await expect(bases().restore(tree, request(), task())).rejects.toMatchObject({ code: 'NOCODB_IN_THE_WAY' });
    await expect(bases().restore(tree, request({ what: 'attachments' }), task())).rejects.toMatchObject({
      message: expect.stringContaining(inTheWay('sync', 'files')),
    });
    expect(target.asked.slice(sent).filter(({ method }) => method !== 'GET')).toEqual([]);

    target.world.forbidden.add('hookList');
    const unseen = await bases().plan(tree, request(), task());
    expect(unseen.blocks).toEqual([]);
    expect(unseen.cannot).toContain(
      'a look at the webhooks of Shop/People, "all": the token may not read them, and NocoDB calls those that are on',
    );
  });

  it('tables of a connected database are named: in the backup, and before they are made elsewhere', async () => {
    const outside = Array.from({ length: 6 }, (_, at) => ({ ...table(`T${at}`, []), source_id: 'outside' }));
    const mixed = base('Mixed', [{ ...table('Own', []), source_id: 'own' }, ...outside]);
    await using server = await startContractServer([mixed]);
    const sources = [
      { id: 'own', type: 'pg', alias: null, is_meta: false, is_local: true },
      { id: 'outside', type: 'pg', alias: 'warehouse', is_meta: null, is_local: false },
    ];
    server.intercept = ({ path }) =>
      path === `/api/v2/meta/bases/${mixed.id}` ? { json: { ...mixed, tables: undefined, sources } } : null;
    const saved = await saveAll(nocodbApp({ url: server.url, token: server.token }, scratch));
    expect(saved.warnings).toEqual([
      'the tables T0, T1, T2, T3, T4 and 1 more of base Mixed lie in the connected database warehouse: give it a source of its own, since NocoDB does not take back records of tables that it has not made',
    ]);
    const { cannot } = await bases().plan(saved, request(), task());
    const told = cannot.filter((line) => line.includes('warehouse'));
    expect(told).toHaveLength(6);
    expect(told[0]).toBe("the place of table Mixed/T0 in the connected database warehouse: it is made in NocoDB's own");
  });

  it('two bases with the title that is meant are in the way', async () => {
    target.world.bases.push(base('Shop', []), base('Shop', []));
    const plan = await bases().plan(tree, request(), task());
    expect(plan.blocks).toEqual(['there are 2 bases called Shop, and nothing tells which one is meant']);
  });
});

describe('scopes', () => {
  it('N-41 restores one table, and says which link it cannot make', async () => {
    const report = await bases().restore(tree, request({ tables: ['Tags'] }), task());
    expect(target.world.bases[0]?.tables.map(({ title }) => title)).toEqual(['Tags']);
    expect(report.lost.map(({ what }) => what)).toContain('link Their tags');
  });

  it('restores into a base of another name', async () => {
    target.world.bases.push(base('Shop', []));
    await bases().restore(tree, request({ intoBase: 'Shop 2', bases: ['Shop'] }), task());
    expect(target.world.bases.map(({ title, tables }) => [title, tables.length])).toEqual([
      ['Shop', 0],
      ['Shop 2', 3],
    ]);
  });

  it.each([
    [{ bases: ['Nowhere'] }, 'the backup has no base Nowhere'],
    [{ tables: ['Nothing'] }, 'the backup has no table Nothing'],
  ])('refuses %o', async (more, message) => {
    await expect(bases().plan(tree, request(more), task())).rejects.toMatchObject({
      code: 'NOCODB_SCOPE',
      kind: 'usage',
      message,
    });
  });

  it('a dry run touches nothing', async () => {
    const plan = await bases().plan(tree, request({ withAttachments: true }), task());
    expect(plan.blocks).toEqual([]);
    expect(plan.creates).toEqual([
      'base Shop',
      expect.stringContaining('table Shop/People, "all"') as string,
      `${count} records in Shop/People, "all", 124 files`,
      expect.stringContaining('table Shop/Tags') as string,
      '7 records in Shop/Tags, 0 files',
    ]);
    expect(plan.cannot.join()).toContain('author and time of 1 comments');
    expect(target.asked.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});

describe('restoring attachments', () => {
  it('N-43 puts back what cells lack, by the keys of their records, and nothing twice', async () => {
    await bases().restore(tree, request(), task());
    const first = await bases().restore(tree, request({ what: 'attachments' }), task());
    expect(first).toMatchObject({ ok: true, created: 124 });
    const second = await bases().restore(tree, request({ what: 'attachments' }), task());
    expect(second).toMatchObject({ ok: true, created: 0 });
    // After the database was restored and the files were not: the cells name files that are not there.
    target.world.files.clear();
    const third = await bases().restore(tree, request({ what: 'attachments' }), task());
    expect(third).toMatchObject({ ok: true, created: 124 });
    expect(records('People, "all"').filter(({ Files }) => Array.isArray(Files) && Files.length !== 1)).toEqual([]);
  });

  const attachments = () => bases().restore(tree, request({ what: 'attachments' }), task());
  const filesOf = (id: number) =>
    (records('People, "all"').find(({ Id }) => Id === id)?.['Files'] ?? []) as { title: string; path: string }[];

  it('N-43 puts back a file that is shorter than it was', async () => {
    await bases().restore(tree, request({ withAttachments: true }), task());
    const [file] = filesOf(21);
    target.world.files.set(file?.path.replace('download/', '') ?? '', Buffer.from('f0'));
    expect(await attachments()).toMatchObject({ ok: true, created: 1, skipped: 123 });
    const [now] = filesOf(21);
    expect(target.world.files.get(now?.path.replace('download/', '') ?? '')?.toString()).toBe('f0001');
  });

  it('N-43 leaves in the cell what people put there, also while the files were on their way', async () => {
    await bases().restore(tree, request(), task());
    const record = records('People, "all"')[0];
    const own = { title: 'mine.txt', path: 'download/mine', size: 1 };
    if (record) record['Files'] = [own];
    target.intercept = ({ path }) => {
      if (path.endsWith('/upload') && record && filesOf(1).length === 1)
        record['Files'] = [own, { title: 'later.txt', path: 'download/later', size: 1 }];
      return null;
    };
    expect(await attachments()).toMatchObject({ ok: true, created: 124 });
    expect(filesOf(1).map(({ title }) => title)).toEqual(['same name.txt', 'mine.txt', 'later.txt']);
  });

  it('N-43 takes no sign-in page for a file that NocoDB can still give, also where its length is not said', async () => {
    await bases().restore(tree, request({ withAttachments: true }), task());
    const headers = { 'content-type': 'text/html', 'content-encoding': 'identity' };
    target.intercept = ({ path }) =>
      path.startsWith('/dltemp/') || path.startsWith('/download/') ? { headers, body: '<html>Sign in</html>' } : null;
    const report = await attachments();
    expect(report).toMatchObject({ ok: false, created: 0, skipped: 0, lostCount: 124 });
    expect(report.lost[0]?.reason).toBe('NocoDB took it, and cannot give it');
  });

  it('N-43 names a file that NocoDB took and does not keep, and one whose cell it did not take', async () => {
    await bases().restore(tree, request(), task());
    faults.keeps = (content) => (content.toString() === 'f0003' ? content.subarray(0, 2) : content);
    faults.forgets = ({ Id }) => Id === 101;
    const report = await attachments();
    expect(report).toMatchObject({ ok: false, created: 122, lostCount: 2 });
    expect(new Map(report.lost.map(({ what, reason }) => [what, reason]))).toEqual(
      new Map([
        ['record 61, Files, file same name.txt', 'NocoDB took it, and has 2 of its 5 bytes'],
        ['record 101, file same name.txt', 'NocoDB took it, and it is not in the cell'],
      ]),
    );
    expect(filesOf(61)).toEqual([]);
  });
});

describe('the rehearsal', () => {
  const rehearse = (signal?: AbortSignal) => rehearseBases({ connect, concurrency: 4 }, tree, task(signal));

  it('restores into a base of its own, compares, and removes it', async () => {
    expect(await rehearse()).toMatchObject({
      ok: true,
      detail: '1 base, 2 tables, 1,241 records, 1,234 links equal, 124 files read',
      differences: [],
    });
    expect(target.world.bases).toEqual([]);
    expect(target.world.files.size).toBe(0);
  });

  it('says what differs', async () => {
    faults.refuses = (record) => (record['Name'] === 'Person 5' ? 'no' : null);
    const rehearsal = await rehearse();
    expect(rehearsal.ok).toBe(false);
    expect(rehearsal.differences.join('\n')).toContain('1 records have other values');
    expect(target.world.bases).toEqual([]);
  });

  it('removes its base also after a failure and when it is cancelled', async () => {
    const stop = new AbortController();
    let writes = 0;
    target.intercept = (asked) => {
      if (wayOf(asked) !== null) writes += 1;
      if (writes === 3) stop.abort();
      return null;
    };
    await expect(rehearse(stop.signal)).rejects.toMatchObject({ kind: 'interrupted' });
    expect(target.world.bases).toEqual([]);
  });

  it('names what an earlier one has left', async () => {
    const title = rehearsalTitle();
    target.world.bases.push(base(title, []));
    const { warnings } = await rehearse();
    expect(warnings.join()).toContain(title);
    expect(target.world.bases).toHaveLength(1);
  });
});
