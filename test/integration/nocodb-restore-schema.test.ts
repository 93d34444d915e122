import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppTask, BasesRequest } from '../../src/apps/app.ts';
import { Client } from '../../src/apps/nocodb/client.ts';
import { createBases } from '../../src/apps/nocodb/restore/bases.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Secret } from '../../src/base/secret.ts';
import { startContractServer, type ContractBase, type ContractServer } from '../support/nocodb-contract-server.ts';
import { base, column, junction, table } from '../support/nocodb-contract-world.ts';
import { withWrites, type Faults } from '../support/nocodb-contract-writes.ts';
import { nocodbApp, saveAll, type SavedTree } from '../support/nocodb-saved.ts';

let scratch: string;
/** What is saved, and where it is restored to. */
let source: ContractServer;
let target: ContractServer;
let faults: Faults;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'holdfast-nocodb-'));
  source = await startContractServer();
  target = await startContractServer();
  withWrites(source);
  faults = withWrites(target);
});
afterEach(async () => {
  await source[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
});

const save = (...bases: ContractBase[]): Promise<SavedTree> => {
  source.world.bases = bases;
  return saveAll(nocodbApp({ url: source.url, token: source.token }, scratch), { encrypted: true });
};
const connect = () =>
  new Client(
    { url: target.url, token: new Secret(target.token), concurrency: 4, timeoutMs: 10_000 },
    { logger: silentLogger, wait: () => Promise.resolve() },
  );
const bases = () => createBases({ connect, concurrency: 4 });
const task = (): AppTask => ({ signal: new AbortController().signal, report: () => undefined });
const request = (more: Partial<BasesRequest> = {}): BasesRequest => ({
  what: 'schema',
  bases: [],
  tables: [],
  skipExisting: false,
  intoBase: null,
  withAttachments: false,
  ...more,
});

describe('people of a base', () => {
  /** NocoDB lists everybody who has an account; who is no member has no role. */
  const person = (name: string, roles: string | null) => ({ id: `us${name}`, email: `${name}@example.test`, roles });
  const people = () => {
    const shop = base('Shop', [table('T', [column('Who', 'User')], [])]);
    shop['members'] = [person('editor', 'editor'), person('stranger', null), person('barred', 'no-access')];
    return shop;
  };
  const invited = () =>
    target.asked
      .filter(({ method, path }) => method === 'POST' && path.endsWith('/users'))
      .map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);

  it('whoever had no role in it gets none', async () => {
    const report = await bases().restore(await save(people()), request(), task());
    expect(report.ok).toBe(true);
    expect(invited()).toEqual([
      { email: 'editor@example.test', roles: 'editor' },
      // Elsewhere a role is inherited: who was kept out of this base stays out.
      { email: 'barred@example.test', roles: 'no-access' },
    ]);
  });

  it('who has been removed from a base that lives is not brought back with one of its tables, but is told', async () => {
    const tree = await save(people());
    const live = people();
    live['members'] = [person('editor', null), person('barred', 'no-access')];
    live.tables = [table('Other', [], [])];
    target.world.bases = [live];
    const report = await bases().restore(tree, request({ what: 'records', tables: ['T'] }), task());
    expect(invited()).toEqual([]);
    expect(report.warnings).toEqual(['editor@example.test was a member of Shop and is none now: not invited again']);
  });

  it('goes on inviting where it was interrupted', async () => {
    const tree = await save(people());
    target.intercept = ({ path, body }) =>
      path.endsWith('/users') && body.toString().includes('barred') ? { body: 'x', cutAfter: 0 } : null;
    await expect(bases().restore(tree, request(), task())).rejects.toMatchObject({ code: 'NOCODB_UNREACHABLE' });
    target.intercept = () => null;
    await bases().restore(tree, request(), task());
    expect(target.world.bases[0]?.['members']).toMatchObject([
      { email: 'editor@example.test', roles: 'editor' },
      { email: 'barred@example.test', roles: 'no-access' },
    ]);
  });

  it('a member who has an account here, and no role in the restored base, becomes one again', async () => {
    const tree = await save(people());
    target.intercept = ({ method, path, body }) => {
      if (method !== 'POST' || path !== '/api/v2/meta/bases') return null;
      const made = base((JSON.parse(body.toString()) as { title: string }).title, []);
      made['members'] = [person('editor', null), person('barred', 'no-access')];
      target.world.bases.push(made);
      const { tables: _, ...answer } = made;
      return { json: { ...answer, sources: [] } };
    };
    await bases().restore(tree, request(), task());
    expect(invited()).toEqual([{ email: 'editor@example.test', roles: 'editor' }]);
  });
});

describe('what is called now as something else was when it was saved', () => {
  const rows = (name: string) => [{ Id: 1, Name: name }];
  const named = (title: string, ...names: string[]) =>
    table(title, [column('Name', 'SingleLineText', { pv: true })], names.flatMap(rows));

  it('a table is not taken for the one whose title it has got since', async () => {
    const [orders, archive] = [named('Orders', 'of orders'), named('Archive')];
    const shop = base('Shop', [orders, archive]);
    const tree = await save(shop);
    target.world.bases = [{ ...shop, tables: [{ ...archive, title: 'Orders' }] }];
    const wanted = request({ what: 'records', tables: ['Orders'], skipExisting: true });
    expect((await bases().plan(tree, wanted, task())).blocks).toEqual([
      'table Shop/Orders: Archive of the backup is called so now',
    ]);
    await expect(bases().restore(tree, wanted, task())).rejects.toMatchObject({ code: 'NOCODB_IN_THE_WAY' });
    expect(target.world.bases[0]?.tables).toMatchObject([{ id: archive.id, records: [] }]);
  });

  it('nor a base, which is made anew', async () => {
    const [shop, archive] = [base('Shop', [named('Orders', 'of the shop')]), base('Archive', [named('Orders')])];
    const tree = await save(shop, archive);
    target.world.bases = [{ ...archive, title: 'Shop', tables: [] }];
    const report = await bases().restore(tree, request({ what: 'records', bases: ['Shop'] }), task());
    expect(report.ok).toBe(true);
    expect(target.world.bases).toMatchObject([
      { id: archive.id, tables: [] },
      { title: 'Shop', tables: [{ title: 'Orders', records: [{ Name: 'of the shop' }] }] },
    ]);
  });

  it('nor a field, whose values stay its own', async () => {
    const [first, second] = [column('First', 'SingleLineText'), column('Second', 'SingleLineText')];
    const people = table('People', [first, second], [{ Id: 1, First: 'one', Second: 'two' }]);
    const shop = base('Shop', [people]);
    const tree = await save(shop);
    const columns = people.columns.flatMap((each) =>
      each === second ? [] : [each === first ? { ...first, title: 'Second' } : each],
    );
    target.world.bases = [{ ...shop, tables: [{ ...people, columns, records: [] }] }];
    const report = await bases().restore(tree, request({ what: 'records' }), task());
    expect(target.world.bases[0]?.tables).toMatchObject([{ records: [{ Id: 1, Second: 'one' }] }]);
    expect(report.lost).toEqual([
      { where: 'Shop/People', what: 'values of Second (SingleLineText)', reason: 'the table has no such field' },
    ]);
  });
});

describe('a link whose records are chosen from a view', () => {
  const shop = () => {
    const [orders, customers] = [table('Orders', [], []), table('Customers', [], [])];
    const open = { id: 'vwopen0000000001', title: 'Open', type: 3, columns: [], sorts: [], filters: [] };
    customers.views.push(open);
    const links = junction({ table: orders, title: 'By' }, { table: customers, title: 'Their orders' }, []);
    for (const { title, colOptions } of orders.columns)
      if (title === 'By' && colOptions) colOptions['fk_target_view_id'] = open.id;
    return base('Shop', [orders, customers, links]);
  };
  const chosen = () =>
    target.asked
      .filter(({ method, path }) => method === 'PATCH' && path.startsWith('/api/v2/meta/columns/'))
      .map(({ path, body }) => [path, JSON.parse(body.toString()) as Record<string, unknown>] as const)
      .filter(([, { childViewId }]) => childViewId !== undefined)
      .map(([path, { title, childViewId }]) => [path.split('/').at(-1), title, childViewId]);
  const live = (title: string) => target.world.bases[0]?.tables.find((each) => each.title === title);

  it('is told that view again once it is there', async () => {
    const report = await bases().restore(await save(shop()), request(), task());
    const link = live('Orders')?.columns.find(({ title }) => title === 'By');
    const view = live('Customers')?.views.find(({ title }) => title === 'Open');
    expect(report.ok).toBe(true);
    expect(chosen()).toEqual([[link?.id, 'By', view?.id]]);
  });

  it('also where only the table of the link was gone, and the view still is what it was', async () => {
    const tree = await save(shop());
    const before = shop();
    const [, customers] = source.world.bases[0]?.tables ?? [];
    if (customers === undefined) throw new Error('no customers');
    const left = { ...customers, columns: customers.columns.filter(({ title }) => title !== 'Their orders') };
    target.world.bases = [{ ...before, tables: [left] }];
    await bases().restore(tree, request({ tables: ['Orders'], skipExisting: true }), task());
    expect(chosen().map(([, ...rest]) => rest)).toEqual([['By', 'vwopen0000000001']]);
  });

  it('or it is told what is lost', async () => {
    const tree = await save(shop());
    target.intercept = ({ method, path, body }) =>
      method === 'POST' && path.endsWith('/grids') && body.toString().includes('Open')
        ? { status: 400, json: { msg: 'no such views' } }
        : null;
    const report = await bases().restore(tree, request(), task());
    expect(report.lost.map(({ where, what }) => [where, what])).toEqual([
      ['Shop/Customers', 'view Open (grid)'],
      ['Shop/Orders', 'link By: the view its records are chosen from'],
    ]);
  });
});

describe('webhooks, where the restore was interrupted before they had their filters', () => {
  const filter = { id: 'fl1', fk_column_id: 'cname000000000001', comparison_op: 'eq', value: 'x', logical_op: 'and' };
  const hook = (id: string, event: string) => ({
    id,
    title: 'Tell',
    event,
    version: 'v3',
    active: true,
    operation: '["insert"]',
    notification: '{}',
  });
  const isFilter = ({ path }: { path: string }) => /\/hooks\/[^/]+\/filters$/.test(path);

  it('they get them, once, and two of the same title stay two', async () => {
    const orders = table('Orders', [{ ...column('Name', 'SingleLineText'), id: filter.fk_column_id }], []);
    orders.hooks.push(hook('hk1', 'after'), hook('hk2', 'before'));
    source.intercept = (asked) => (isFilter(asked) ? { json: { list: [filter] } } : null);
    const tree = await save(base('Shop', [orders]));
    const filters = new Map<string, Record<string, unknown>[]>();
    let dies = 2;
    target.intercept = (asked) => {
      const { method, path, body } = asked;
      const removed = /^\/api\/v2\/meta\/filters\/(.*)$/.exec(path)?.[1];
      if (method === 'DELETE' && removed !== undefined) {
        for (const [of, list] of filters)
          filters.set(
            of,
            list.filter(({ id }) => id !== removed),
          );
        return { json: true };
      }
      if (!isFilter(asked)) return null;
      const list = filters.get(path) ?? [];
      if (method === 'GET') return { json: { list } };
      dies -= 1;
      if (dies === 0) return { body: 'x', cutAfter: 0 };
      const made = { ...(JSON.parse(body.toString()) as Record<string, unknown>), id: `made${dies}` };
      filters.set(path, [...list, made]);
      return { json: made };
    };
    await expect(bases().restore(tree, request(), task())).rejects.toMatchObject({ code: 'NOCODB_UNREACHABLE' });
    expect(await bases().restore(tree, request(), task())).toMatchObject({ ok: true });
    const [made] = target.world.bases[0]?.tables ?? [];
    expect(made?.hooks.map(({ event }) => event)).toEqual(['after', 'before']);
    expect([...filters.values()].map((list) => list.map(({ value }) => value))).toEqual([['x'], ['x']]);
  });
});

describe('comments', () => {
  const said = () => target.world.bases[0]?.tables.flatMap(({ comments }) => comments.map(({ comment }) => comment));

  it('are not hung on records that did not come back', async () => {
    const orders = table('Orders', [column('Name', 'SingleLineText', { pv: true })], [{ Id: 1 }, { Id: 2 }]);
    orders.comments.push(
      { id: 'com1', row_id: '1', comment: 'one' },
      { id: 'com2', row_id: '2', comment: 'two' },
      { id: 'com3', row_id: '2', comment: 'three' },
    );
    const tree = await save(base('Shop', [orders]));
    faults.refuses = ({ Id }) => (Id === 2 ? 'no' : null);
    const report = await bases().restore(tree, request({ what: 'records' }), task());
    expect(said()).toEqual(['one']);
    expect(report.lost.filter(({ what }) => what.includes('comment'))).toEqual([
      { where: 'Shop/Orders', what: 'record 2, a comment', reason: 'the record does not exist' },
      { where: 'Shop/Orders', what: 'record 2, a comment', reason: 'the record does not exist' },
    ]);
  });

  it('nor in a table made anew whose records cannot be written', async () => {
    const pairs = {
      ...table('Pairs', [], [{ a: 'x', b: 1 }]),
      columns: [column('a', 'SingleLineText', { pk: true }), column('b', 'Number', { pk: true })],
    };
    pairs.comments.push({ id: 'com1', row_id: 'x___1', comment: 'one' });
    const report = await bases().restore(await save(base('Shop', [pairs])), request({ what: 'records' }), task());
    expect(said()).toEqual([]);
    expect(report.lost.map(({ what }) => what)).toEqual(['1 records', '1 comments']);
  });
});

describe('links between records that are told by a text', () => {
  const shop = () => {
    const countries = table('Countries', [], []);
    countries.columns = [column('Code', 'SingleLineText', { pk: true })];
    countries.records = [{ Code: 'de' }, { Code: 'fr' }];
    const tags = table('Tags', [], [{ Id: 1 }]);
    const links = junction({ table: countries, title: 'Tags' }, { table: tags, title: 'Countries' }, []);
    const [left, right] = links.columns.map(({ title }) => title);
    links.records = [
      { [left ?? '']: 'de', [right ?? '']: 1 },
      { [left ?? '']: 'fr', [right ?? '']: 1 },
    ];
    return base('Shop', [countries, tags, links]);
  };
  const pairs = () => target.world.bases[0]?.tables.find(({ mm }) => mm === true)?.records;

  it('are not made of nothing in a copy, and are told', async () => {
    const report = await bases().restore(await save(shop()), request({ what: 'records' }), task());
    expect(pairs()).toEqual([]);
    expect(report.lost.map(({ where, what }) => [where, what])).toContainEqual(['Shop/Countries', '2 links']);
  });

  it('nor where the tables live', async () => {
    const before = shop();
    const tree = await save(before);
    const tables = before.tables.map((each) =>
      each.mm === true ? { ...each, records: [...(each.records as object[])].slice(0, 1) } : each,
    ) as typeof before.tables;
    target.world.bases = [{ ...before, tables }];
    const report = await bases().restore(tree, request({ what: 'records', skipExisting: true }), task());
    expect(pairs()).toHaveLength(1);
    expect(report.lost.map(({ where, what }) => [where, what])).toContainEqual(['Shop/Countries', '1 links']);
  });
});

it('a link whose record did not come back is told once', async () => {
  const [orders, tags] = [table('Orders', [], [{ Id: 1 }, { Id: 2 }]), table('Tags', [], [{ Id: 1 }])];
  const links = junction({ table: orders, title: 'Tags' }, { table: tags, title: 'Orders' }, [
    [1, 1],
    [2, 1],
  ]);
  const tree = await save(base('Shop', [orders, tags, links]));
  faults.refuses = ({ Id }, { title }) => (title === 'Orders' && Id === 2 ? 'no' : null);
  // The pairs are not taken all at once, and then one by one.
  target.intercept = ({ method, path }) => {
    const made = target.world.bases[0]?.tables.find(({ mm }) => mm === true)?.id;
    return method === 'POST' && made !== undefined && path.endsWith(`/${made}`) ? { status: 500, json: {} } : null;
  };
  const report = await bases().restore(tree, request({ what: 'records' }), task());
  expect(report.lost.filter(({ what }) => what.startsWith('link')).map(({ what }) => what)).toEqual([
    'link from record 2 to record 1',
  ]);
  expect(target.world.bases[0]?.tables.find(({ mm }) => mm === true)?.records).toHaveLength(1);
});

describe('what NocoDB here does not make as it was', () => {
  it('a field that stands for its record and cannot be made costs neither the table nor the others', async () => {
    const tree = await save(
      base('Shop', [
        table(
          'Devices',
          [column('Code', 'UUID', { pv: true }), column('Shape', 'Geometry'), column('Name', 'SingleLineText')],
          [{ Id: 1, Code: 'c', Shape: 's', Name: 'one' }],
        ),
        table('Others', [column('Name', 'SingleLineText')], [{ Id: 1, Name: 'other' }]),
      ]),
    );
    for (const each of ['UUID', 'Geometry']) faults.unknownTypes.add(each);
    const report = await bases().restore(tree, request({ what: 'records' }), task());
    expect(target.world.bases[0]?.tables).toMatchObject([
      { title: 'Devices', records: [{ Id: 1, Name: 'one' }] },
      { title: 'Others', records: [{ Id: 1, Name: 'other' }] },
    ]);
    expect(report.lost.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['field Code (UUID)', 'field Shape (Geometry)', 'values of Code (UUID)']),
    );
  });

  it('what a field asked of its values, and does not ask here, is told', async () => {
    const validate = (name: string) => JSON.stringify({ func: [name], args: [''], msg: ['no'] });
    const tree = await save(
      base('Shop', [
        table('Orders', [
          column('Name', 'SingleLineText', { rqd: 1 }),
          column('Mail', 'Email', { validate: validate('isEmail') }),
          column('State', 'SingleLineText', { readonly: true, rqd: false, validate: null }),
        ]),
      ]),
    );
    const report = await bases().restore(tree, request({ what: 'records' }), task());
    expect(report.warnings).toEqual([
      'Shop/Orders/Name was required in the original: set that again in NocoDB',
      'Shop/Orders/State was read-only in the original: set that again in NocoDB',
      'Shop/Orders/Mail had other validations in the original: set that again in NocoDB',
    ]);
    expect(report.ok).toBe(true);
  });

  it('computed fields and links that it calls otherwise are told', async () => {
    const [orders, tags] = [table('Orders', [column('Name', 'SingleLineText')], []), table('Tags', [], [])];
    orders.columns.push(column('Loud ', 'Formula', { colOptions: { formula: '1', formula_raw: '1' } }));
    const links = junction({ table: orders, title: 'Tags ' }, { table: tags, title: 'Orders' }, []);
    const tree = await save(base('Shop', [orders, tags, links]));
    target.intercept = (asked) => {
      if (asked.method === 'POST' && asked.path.endsWith('/columns'))
        asked.body = Buffer.from(asked.body.toString().replaceAll(' "', '"'));
      return null;
    };
    const report = await bases().restore(tree, request(), task());
    expect(report.lost.map(({ what, reason }) => [what, reason])).toEqual([
      ['link Tags ', 'NocoDB made it under another title'],
      ['field Loud  (Formula)', 'NocoDB made it under another title'],
    ]);
  });
});
