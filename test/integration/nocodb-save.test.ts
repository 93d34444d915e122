import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyProblem } from '../../src/storage/keys.ts';
import { base, column, junction, people, table } from '../support/nocodb-contract-world.ts';
import { startContractServer, type ContractServer } from '../support/nocodb-contract-server.ts';
import { contentIn, nameIn, nocodbApp, saveAll, type SavedTree } from '../support/nocodb-saved.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let doors: AsyncDisposableStack;
let server: ContractServer;
let scratch: string;

beforeEach(async () => {
  doors = new AsyncDisposableStack();
  server = doors.use(await startContractServer());
  scratch = doors.use(await temporaryFolder()).path;
});
afterEach(() => doors.disposeAsync());

const app = (more: Record<string, unknown> = {}) =>
  nocodbApp({ url: server.url, token: server.token, ...more }, scratch);
const signal = new AbortController().signal;

function shop() {
  const customers = table('Customers', [column('Name', 'SingleLineText')], people(230));
  const tags = table('Tags', [column('Name', 'SingleLineText')], people(3));
  const links = junction({ table: customers, title: 'Labels' }, { table: tags, title: 'People' }, [
    [1, 1],
    [1, 2],
    [7, 3],
  ]);
  customers.columns.push(
    column('Shout', 'Formula', { colOptions: { formula: 'UPPER({{x}})', formula_raw: 'UPPER({Name})' } }),
  );
  return base('Shop', [customers, tags, links]);
}

describe('the tree', () => {
  test('N-11 N-17 N-18: metadata, schema, records of every table lie where they are documented', async () => {
    server.world.bases = [shop()];
    const tree = await saveAll(app({ pageSize: 100 }));
    expect([...tree.files.keys()].toSorted()).toEqual([
      'bases/Shop/links/Customers.Labels.json.gz',
      'bases/Shop/metadata.json',
      'bases/Shop/tables/Customers/records.json.gz',
      'bases/Shop/tables/Customers/schema.json',
      'bases/Shop/tables/Customers/views.json',
      'bases/Shop/tables/Tags/records.json.gz',
      'bases/Shop/tables/Tags/schema.json',
      'bases/Shop/tables/Tags/views.json',
    ]);
    const records = contentIn(tree, 'bases/Shop/tables/Customers/records.json.gz') as Record<string, unknown>[];
    expect(records.map(({ Id }) => Id)).toEqual(people(230).map(({ Id }) => Id));
    expect(records[0]).toEqual(people(1)[0]);
    const schema = contentIn(tree, 'bases/Shop/tables/Customers/schema.json') as { columns: { title: string }[] };
    expect(schema.columns.map(({ title }) => title)).toEqual(
      expect.arrayContaining(['Id', 'nc_order', 'Name', 'Labels', 'Shout']),
    );
    expect(tree.facts).toMatchObject({ totals: { bases: 1, tables: 2, records: 233, links: 3, failed: 0 } });
    await expect(app().readThrough(tree, signal)).resolves.toEqual({
      detail: '1 base, 2 tables, 233 records, 0 attachments',
    });
  });

  test('a number that NocoDB can only give rounded is told', async () => {
    const columns = [column('Name', 'SingleLineText'), column('Count', 'Number')];
    const counts = table('Counts', columns, [
      { Id: 1, Name: 'exact', Count: 9007199254740991 },
      { Id: 2, Name: 'rounded', Count: 9007199254740992 },
    ]);
    server.world.bases = [base('Shop', [counts])];
    const tree = await saveAll(app());
    expect(tree.warnings).toEqual([
      expect.stringMatching(/^table Counts of base Shop: 1 value of Count \(record 2\) may be rounded/),
    ]);
  });

  test('N-d25: links, views, people and settings of the base are saved too', async () => {
    server.world.bases = [shop()];
    const [customers] = server.world.bases[0]?.tables ?? [];
    customers?.views.push({
      id: 'vwopen',
      title: 'Open',
      type: 3,
      columns: [{ id: 'vc1', fk_column_id: 'c1', show: 1, order: 2 }],
      sorts: [{ id: 's1', fk_column_id: 'c1', direction: 'desc' }],
      filters: [
        { id: 'f1', is_group: 1 },
        { id: 'f2', fk_parent_id: 'f1', comparison_op: 'eq', value: 'x' },
      ],
    });
    const tree = await saveAll(app());
    expect(contentIn(tree, 'bases/Shop/links/Customers.Labels.json.gz')).toEqual([
      [1, 1],
      [1, 2],
      [7, 3],
    ]);
    expect(contentIn(tree, 'bases/Shop/tables/Customers/views.json')).toMatchObject({
      views: [
        { view: { title: 'Customers' } },
        {
          view: { title: 'Open', type: 3 },
          columns: [{ show: true, order: 2 }],
          sorts: [{ direction: 'desc' }],
          filters: [{ is_group: true }, { fk_parent_id: 'f1', comparison_op: 'eq', value: 'x' }],
        },
      ],
    });
    const metadata = contentIn(tree, 'bases/Shop/metadata.json') as Record<string, never>;
    expect(metadata).toMatchObject({
      base: { title: 'Shop', meta: { iconColor: '#123456' } },
      users: [{ email: 'admin@example.test', roles: 'owner' }],
      links: [{ pairs: 3, file: 'links/Customers.Labels.json.gz', left: { table: customers?.id } }],
    });
    expect(JSON.stringify(metadata)).not.toMatch(/a password|invite_token/);
  });

  test('N-13 N-d12 N-d19 S18: titles of any kind become names that are safe, unique, and lead back', async () => {
    const titles = [
      'Shop',
      'shop',
      'Shop',
      '../../etc',
      '.hidden',
      'a/b\\c:d<e>f"g|h?i*j',
      'CON',
      ' ',
      'ünï 📦',
      '‮abc',
      'x'.repeat(300),
    ];
    const long = '日本'.repeat(100);
    server.world.bases = titles.map((title) =>
      base(title, [table('T', [column('Name', 'SingleLineText')], people(2)), table('t', [], []), table(long, [], [])]),
    );
    const tree = await saveAll(app());
    const names = [...tree.files.keys()];
    expect(names.filter((name) => keyProblem(`source/2026-11-20_05-15-00/${name}.zst.age`) !== null)).toEqual([]);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
    const said = names.filter((name) => name.endsWith('metadata.json')).map((name) => contentIn(tree, name));
    expect(said.map((file) => (file as { base: { title: string } }).base.title)).toEqual(titles);
    expect(said[0]).toMatchObject({ tables: [{ title: 'T' }, { title: 't', folder: 't-2' }, { title: long }] });
    await app().readThrough(tree, signal);
  });

  test('N-18: without records, only what they are kept in', async () => {
    server.world.bases = [shop()];
    const tree = await saveAll(app({ records: 'false' }));
    expect([...tree.files.keys()].filter((name) => name.endsWith('.gz'))).toEqual([]);
    await app().readThrough(tree, signal);
  });

  test('only the bases that were asked for, by title or id; one that is not there is an error', async () => {
    server.world.bases = [shop(), base('Other', [])];
    const tree = await saveAll(app({ bases: ['Other'] }));
    expect([...tree.files.keys()]).toEqual(['bases/Other/metadata.json']);
    await expect(saveAll(app({ bases: ['Other', 'Nope'] }))).rejects.toMatchObject({ code: 'NOCODB_BASE_MISSING' });
  });
});

describe('what opens other systems', () => {
  const hook = {
    id: 'hk1',
    title: 'Tell',
    event: 'after',
    version: 'v3',
    active: 1,
    notification: JSON.stringify({
      type: 'URL',
      payload: {
        method: 'POST',
        path: 'https://hooks.example/SECRET1',
        headers: [{ name: 'x', value: 'SECRET2' }],
        body: 'SECRET3',
      },
    }),
  };

  test('S23: webhooks and shares are saved without secrets, and whole in an encrypted backup', async () => {
    server.world.bases = [shop()];
    const [customers] = server.world.bases[0]?.tables ?? [];
    customers?.hooks.push(hook);
    if (customers?.views[0]) Object.assign(customers.views[0], { uuid: 'SECRET4', password: 'SECRET5' });
    const plain = await saveAll(app());
    const all = Buffer.concat(
      [...plain.files].filter(([name]) => name.endsWith('.json')).map(([, content]) => content),
    );
    expect(all.toString()).not.toContain('SECRET');
    expect(contentIn(plain, nameIn(plain, 'hooks.json'))).toMatchObject({
      hooks: [
        {
          hook: { title: 'Tell', active: true, notification: { type: 'URL', payload: { method: 'POST' } } },
          withheld: ['notification.payload.path', 'notification.payload.headers', 'notification.payload.body'],
        },
      ],
    });
    const sealed = await saveAll(app(), { encrypted: true });
    expect(contentIn(sealed, nameIn(sealed, 'hooks.json'))).toMatchObject({
      hooks: [{ hook, withheld: [] }].map(() => ({ withheld: [] })),
    });
    expect(sealed.files.get(nameIn(sealed, 'hooks.json'))?.toString()).toContain('SECRET1');
  });

  test('a token that may not read webhooks, people or comments says so and saves the rest', async () => {
    server.world.bases = [shop()];
    server.world.forbidden = new Set(['hookList', 'userList', 'commentCount']);
    const tree = await saveAll(app());
    expect(tree.warnings).toEqual([
      'the token may not see the people of base Shop',
      'the token may not read the webhooks of base Shop',
      'the token may not read the comments of base Shop',
    ]);
    expect(contentIn(tree, 'bases/Shop/metadata.json')).toMatchObject({
      tables: [{ hooks: null, comments: null }, {}],
    });
    await app().readThrough(tree, signal);
  });
});

describe('comments', () => {
  test('N-d25: of all records that have some', async () => {
    server.world.bases = [shop()];
    const [customers] = server.world.bases[0]?.tables ?? [];
    customers?.comments.push(
      { id: 'com1', row_id: '3', comment: 'first' },
      { id: 'com2', row_id: '3', comment: 'second\u2028line' },
      { id: 'com3', row_id: '229', comment: 'third' },
    );
    const tree = await saveAll(app());
    const comments = contentIn(tree, nameIn(tree, 'comments.json.gz')) as { comment: string }[];
    expect(comments.map(({ comment }) => comment)).toEqual(['first', 'second\u2028line', 'third']);
    await app().readThrough(tree, signal);
  });
});

describe('comments of tables without a key of one field', () => {
  const pairs = (keys: number) => ({
    ...table('Pairs', [], []),
    columns: [
      column('a', 'SingleLineText', { pk: keys > 0 }),
      column('b', 'Number', { pk: keys > 1 }),
      column('t', 'SingleLineText'),
    ],
    records: [
      { a: 'x', b: 1, t: 'one' },
      { a: 'under_score', b: 2, t: 'two' },
    ],
  });

  test('N-d25: of records that are told by two fields, under the names that NocoDB gives them', async () => {
    const both = pairs(2);
    both.comments.push(
      { id: 'com1', row_id: 'x___1', comment: 'first' },
      { id: 'com2', row_id: String.raw`under\_score___2`, comment: 'second' },
      { id: 'com3', row_id: 'under_score___2', comment: 'of an earlier version' },
    );
    server.world.bases = [base('Shop', [both])];
    const tree = await saveAll(app());
    const comments = contentIn(tree, nameIn(tree, 'comments.json.gz')) as { comment: string }[];
    expect(comments.map(({ comment }) => comment)).toEqual(['first', 'second', 'of an earlier version']);
    expect(tree.facts).toMatchObject({ totals: { comments: 3 } });
    await app().readThrough(tree, signal);
  });

  test('keys of any letters fit into the addresses in which comments are asked for', async () => {
    const named = pairs(1);
    named.records = Array.from({ length: 400 }, (_, at) => ({ a: `Сведения об изменении № ${at}`, b: at, t: '' }));
    named.comments.push({ id: 'com1', row_id: 'Сведения об изменении № 399', comment: 'last' });
    server.world.bases = [base('Shop', [named])];
    const tree = await saveAll(app());
    expect(contentIn(tree, nameIn(tree, 'comments.json.gz'))).toMatchObject([{ comment: 'last' }]);
  });

  test('where nothing tells a record, NocoDB takes no comments, and none are asked for', async () => {
    server.world.bases = [base('Shop', [pairs(0)])];
    const tree = await saveAll(app());
    expect(server.asked.filter(({ path }) => path.includes('comments'))).toEqual([]);
    expect(tree.warnings).toEqual([]);
  });
});

describe('readThrough', () => {
  const broken: [string, (tree: SavedTree) => void][] = [
    ['records cut short', (tree) => cut(tree, 'Customers/records.json.gz')],
    ['a schema cut short', (tree) => cut(tree, 'Customers/schema.json')],
    ['pairs of links cut short', (tree) => cut(tree, 'Labels.json.gz')],
    ['records of another table', (tree) => swap(tree, 'Customers/records.json.gz', 'Tags/records.json.gz')],
    ['records missing', (tree) => tree.files.delete(nameIn(tree, 'Customers/records.json.gz'))],
    ['a whole base missing', (tree) => tree.files.delete('bases/Shop/metadata.json')],
  ];
  test.each(broken)('S4 S5 N-d3: finds %s', async (_, breakIt) => {
    server.world.bases = [shop()];
    const tree = await saveAll(app());
    breakIt(tree);
    const parts = [...tree.files].map(([name, content]) => ({ name, bytes: content.length, rawBytes: null }));
    await expect(app().readThrough({ ...tree, parts }, signal)).rejects.toMatchObject({ kind: 'integrity' });
  });

  function cut(tree: SavedTree, end: string) {
    const name = nameIn(tree, end);
    tree.files.set(name, tree.files.get(name)?.subarray(0, -12) ?? Buffer.alloc(0));
  }
  function swap(tree: SavedTree, one: string, other: string) {
    const [left, right] = [nameIn(tree, one), nameIn(tree, other)];
    const [first, second] = [tree.files.get(left), tree.files.get(right)];
    if (first && second) tree.files.set(left, second).set(right, first);
  }
});

describe('doctor', () => {
  test('N-45: reached, let in, what it shows', async () => {
    server.world.bases = [shop()];
    await expect(app().check(signal)).resolves.toEqual([
      { name: 'address', result: 'ok', detail: `NocoDB at ${server.url} answers, 0.301.3` },
      { name: 'token', result: 'ok', detail: 'admin@example.test, super admin' },
      { name: 'bases', result: 'ok', detail: '1 base to save' },
    ]);
  });

  test('N-d2: a wrong token, an address where nothing answers, a user without bases', async () => {
    await expect(app({ token: 'made-up-token' }).check(signal)).resolves.toMatchObject([
      { name: 'token', result: 'failed' },
    ]);
    server.world.user.roles = { 'org-level-viewer': true };
    const checks = await app().check(signal);
    expect(checks.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'address ok',
      'token warning',
      'bases failed',
      'restore warning',
    ]);
  });
});
