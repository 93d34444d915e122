import { existsSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DumpFormat, StoredDump } from '../../src/engines/engine.ts';
import { isPatched } from '../../src/engines/postgres/connect/patch-level.ts';
import { parseToolVersion } from '../../src/engines/postgres/connect/tool-version.ts';
import { entriesOf, openDatabase, shapeOf, stockDump, storedDump, temporaryFolder } from '../support/databases.ts';
import { clientTools, hasServer, startPostgres, type Major, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { wholeLoad } from '../support/whole-load.ts';

const signal = new AbortController().signal;
const all = { tables: null, sequences: true, fingerprints: true };

let server: TestPostgres;
let folder: { path: string } & AsyncDisposable;

beforeAll(async () => {
  server = await startPostgres();
  folder = await temporaryFolder();
  await server.createDatabase('shop');
  await fillShop(server, 'shop');
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const open = (name: string) => openDatabase(server, name, { scratch: join(folder.path, 'scratch') });
const path = (name: string) => join(folder.path, name);

describe.each<DumpFormat>(['custom', 'directory', 'tar', 'plain'])('a dump in the format %s', (format) => {
  test('comes back whole: rows, sequences, definitions, owners, privileges', async () => {
    const dump = await stockDump(server, 'shop', format, path(`shop.${format}`));
    const live = open('shop');
    const copy = live.named(`copy ${format}`);
    await copy.create(await live.probe(signal), 'test', signal);
    const { warnings } = await copy.load(dump, wholeLoad, signal);
    await copy.analyze(signal);

    expect(warnings).toEqual([]);
    expect(await copy.count(all, signal)).toEqual(await live.count(all, signal));
    expect(await shapeOf(server, copy.name)).toEqual(await shapeOf(server, 'shop'));
    const pictures =
      'select loid, md5(string_agg(data, null order by pageno)) from pg_largeobject group by 1 order by 1';
    expect(await server.sql(copy.name, pictures)).toEqual(await server.sql('shop', pictures));
    await copy.drop({ unmarked: false }, signal);
  });

  test('T-d7 is read to its end, and its entries are the real ones', async () => {
    const dump = await stockDump(server, 'shop', format, path(`read.${format}`));
    const { entries } = await open('shop').readThrough(dump, signal);
    expect(entries).toBe(format === 'plain' ? null : (await entriesOf(dump)).length);
  });

  test.runIf(format !== 'directory')('T-04 S13 cut off anywhere, it is refused as damaged', async () => {
    const dump = await stockDump(server, 'shop', format, path(`cut.${format}`));
    const whole = await readFile(path(`cut.${format}`));
    expect(dump.format).toBe(format);
    for (const length of [0, 3, 200, Math.floor(whole.length / 2), whole.length - 1200]) {
      await writeFile(path('short'), whole.subarray(0, length));
      await expect(open('shop').readThrough(storedDump(path('short'), format), signal)).rejects.toMatchObject({
        kind: 'integrity',
        code: 'DUMP_DAMAGED',
      });
    }
  });
});

test('T-04 one flipped bit in a compressed dump is found by reading it', async () => {
  await stockDump(server, 'shop', 'custom', path('flip'));
  const bytes = await readFile(path('flip'));
  const at = bytes.length - 500;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path('flip'), bytes);
  await expect(open('shop').readThrough(storedDump(path('flip'), 'custom'), signal)).rejects.toMatchObject({
    code: 'DUMP_DAMAGED',
  });
});

test('a directory dump without one of its files is refused as damaged', async () => {
  await stockDump(server, 'shop', 'directory', path('holes'));
  const dump = storedDump(path('holes'), 'directory');
  const data = (await entriesOf(dump)).find((entry) => entry.kind === 'TABLE DATA' && entry.name === 'item');
  await truncate(join(path('holes'), `${data?.id}.dat.gz`), 10);
  await expect(open('shop').readThrough(dump, signal)).rejects.toMatchObject({ code: 'DUMP_DAMAGED' });
});

test('a damaged stream is told as its reader tells it, also when the tool has all it wants', async () => {
  const dump = await stockDump(server, 'shop', 'custom', path('late'));
  const failing = {
    ...dump,
    open: async () => {
      const stream = await dump.open(signal);
      const end = new Error('the digest is wrong');
      return stream.compose(async function* (source: AsyncIterable<Buffer>) {
        yield* source;
        throw end;
      });
    },
  };
  const live = open('shop');
  const copy = live.named('late');
  await copy.create(await live.probe(signal), 'test', signal);
  const scope = { tables: [{ schema: 'shop', name: 'empty' }], schemas: [] };
  await expect(copy.load(failing, { ...wholeLoad, scope }, signal)).rejects.toThrow('the digest is wrong');
  await copy.drop({ unmarked: false }, signal);
});

test('a failed load says why, stops there and leaves no session', async () => {
  const dump = await stockDump(server, 'shop', 'custom', path('again'));
  await expect(open('shop').load(dump, wholeLoad, signal)).rejects.toMatchObject({
    code: 'RESTORE_FAILED',
    message: expect.stringContaining('already exists'),
  });
  expect(await server.connections()).toEqual([]);
});

test('S12 a script that was not made here says what it likes to the server, and nothing to this machine', async () => {
  await server.createDatabase('asked');
  await server.sql('asked', 'create table t as select 1 as id');
  await stockDump(server, 'asked', 'plain', path('asked.sql'));
  const text = await readFile(path('asked.sql'), 'utf8');
  const foreign = { ...wholeLoad, allowForeignScript: true, allowUnpatchedTools: true };
  const copy = open('asked').named('asked beside');
  const like = await open('asked').probe(signal);
  for (const command of [`\\! touch ${path('touched')}`, `\\o ${path('touched')}`, '\\unrestrict abc']) {
    await writeFile(path('hostile.sql'), text.replace('SET lock_timeout = 0;', `SET lock_timeout = 0;\n${command}`));
    await copy.create(like, 'test', signal);
    const loading = copy.load(storedDump(path('hostile.sql'), 'plain', false), foreign, signal);
    // What would end the restriction is left out: it is not for the script to do.
    if (command.includes('unrestrict')) await loading;
    else await expect(loading).rejects.toMatchObject({ code: 'SCRIPT_COMMANDS' });
    expect(existsSync(path('touched'))).toBe(false);
    await server.sql('postgres', 'drop database "asked beside"');
  }
  // Also where it goes into the live database, in its one transaction.
  await writeFile(path('hostile.sql'), text.replace('SET lock_timeout = 0;', `\\! touch ${path('touched')}`));
  const hostile = storedDump(path('hostile.sql'), 'plain', false);
  const replacing = (dump: StoredDump) => open('asked').replace(dump, foreign, { tables: [], sequences: [] }, signal);
  await expect(replacing(hostile)).rejects.toMatchObject({ code: 'SCRIPT_COMMANDS' });
  await replacing(storedDump(path('asked.sql'), 'plain', false));
  expect(existsSync(path('touched'))).toBe(false);
  expect(await server.sql('asked', 'select id from t')).toEqual([{ id: 1 }]);
});

test.each([['--create', '--clean'], ['--create']])(
  'S12 a script made with %s %s is loaded where it is to go, and the database it was taken from lives',
  async (...args) => {
    await server.createDatabase('original');
    await server.sql('original', `create table t as select 1 as id; comment on database original is 'the live one'`);
    await stockDump(server, 'original', 'plain', path('create.sql'), { args });
    await server.sql('original', 'insert into t values (2)');
    const foreign = { ...wholeLoad, allowForeignScript: true, allowUnpatchedTools: true };
    const copy = open('original').named('beside');
    await copy.create(await open('original').probe(signal), 'test', signal);
    const { warnings } = await copy.load(storedDump(path('create.sql'), 'plain', false), foreign, signal);
    expect(warnings.join()).toContain('left out of the script');
    expect(await server.sql('beside', 'select id from t')).toEqual([{ id: 1 }]);
    expect(await server.sql('original', 'select id from t')).toEqual([{ id: 1 }, { id: 2 }]);
    await server.sql('postgres', 'drop database beside');
    await server.sql('postgres', 'drop database original');
  },
);

test('S16 a missing role is named', async () => {
  await server.createDatabase('roles');
  await server.sql('roles', 'create role gone; create table t (id int); alter table t owner to gone');
  const dump = await stockDump(server, 'roles', 'custom', path('roles'));
  await server.sql('roles', 'alter table t owner to postgres; drop role gone');
  const copy = open('roles').named('roles2');
  const like = await open('roles').probe(signal);
  await copy.create(like, 'test', signal);
  await expect(copy.load(dump, wholeLoad, signal)).rejects.toMatchObject({
    code: 'ROLE_MISSING',
    message: expect.stringContaining('gone'),
  });
  await copy.drop({ unmarked: false }, signal);
  await copy.create(like, 'test', signal);
  await copy.load(dump, { ...wholeLoad, owners: 'none' }, signal);
  await copy.drop({ unmarked: false }, signal);
});

test('an interrupted load ends its programs and sessions before it says so', async () => {
  await server.createDatabase('slow');
  await server.sql('slow', 'create table t (id int)');
  const dump = await stockDump(server, 'slow', 'plain', path('slow.sql'));
  const text = await readFile(path('slow.sql'), 'utf8');
  await writeFile(path('slow.sql'), text.replace('CREATE TABLE', 'select pg_sleep(600);\nCREATE TABLE'));
  const copy = open('slow').named('slow2');
  await copy.create(await open('slow').probe(signal), 'test', signal);
  const stop = new AbortController();
  const loading = copy.load(dump, wholeLoad, stop.signal);
  await expect
    .poll(async () => (await server.connections()).some((each) => each.query.includes('pg_sleep')))
    .toBe(true);
  stop.abort();
  await expect(loading).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(await server.connections()).toEqual([]);
  await copy.drop({ unmarked: false }, signal);
});

test('a plain dump that was not made here is refused, then needs safe tools', async () => {
  await stockDump(server, 'shop', 'plain', path('foreign.sql'));
  const foreign = storedDump(path('foreign.sql'), 'plain', false);
  const live = open('shop');
  const copy = live.named('foreign');
  await copy.create(await live.probe(signal), 'test', signal);
  await expect(copy.load(foreign, wholeLoad, signal)).rejects.toMatchObject({
    code: 'SCRIPT_FOREIGN',
    kind: 'refused',
  });
  const allowed = copy.load(foreign, { ...wholeLoad, allowForeignScript: true }, signal);
  const version = parseToolVersion(`x (PostgreSQL) ${await psqlVersion(15)}`);
  if (version && isPatched(version)) await allowed;
  else await expect(allowed).rejects.toMatchObject({ code: 'TOOL_NOT_SAFE', kind: 'refused' });
  await copy.drop({ unmarked: false }, signal);
});

test.runIf(clientTools(18) !== null)(
  'with safe tools a foreign plain dump is loaded when that is allowed',
  async () => {
    await stockDump(server, 'shop', 'plain', path('foreign2.sql'));
    const live = openDatabase(server, 'shop', { scratch: path('scratch'), tools: 18 });
    const copy = live.named('foreign2');
    await copy.create(await open('shop').probe(signal), 'test', signal);
    await copy.load(
      storedDump(path('foreign2.sql'), 'plain', false),
      { ...wholeLoad, allowForeignScript: true },
      signal,
    );
    expect(await copy.count(all, signal)).toEqual(await live.count(all, signal));
    await copy.drop({ unmarked: false }, signal);
  },
);

test('a script that tells psql to stop does not count as loaded', async () => {
  await stockDump(server, 'shop', 'plain', path('quit.sql'));
  const text = await readFile(path('quit.sql'), 'utf8');
  await writeFile(
    path('quit.sql'),
    text.replace('-- Data for Name', '\\q\n-- Data for Name').replace(/^\\(un)?restrict .*$/gm, ''),
  );
  const live = open('shop');
  const copy = live.named('quit');
  await copy.create(await live.probe(signal), 'test', signal);
  await expect(copy.load(storedDump(path('quit.sql'), 'plain'), wholeLoad, signal)).rejects.toMatchObject({
    code: 'SCRIPT_STOPPED',
  });
  await copy.drop({ unmarked: false }, signal);
});

describe('parts of a dump', () => {
  test.each<DumpFormat>(['custom', 'directory'])('a table comes with its own from a %s dump', async (format) => {
    const dump = await stockDump(server, 'shop', format, path(`part.${format}`));
    const live = open('shop');
    const copy = live.named(`part ${format}`);
    await copy.create(await live.probe(signal), 'test', signal);
    const tables = [
      { schema: 'shop', name: 'orders' },
      { schema: 'public', name: 'two\nlines' },
      { schema: 'Sales & "Marketing"', name: 'a; drop table x; -- \'q\' "d" $1' },
    ];
    const { warnings } = await copy.load(dump, { ...wholeLoad, scope: { tables, schemas: [] } }, signal);

    const [before, after] = [await live.count(all, signal), await copy.count(all, signal)];
    const names = after.tables.map((table) => table.name);
    expect(names.toSorted()).toEqual(
      ['a; drop table x; -- \'q\' "d" $1', 'orders_2025', 'orders_2026', 'orders_rest', 'two\nlines'].toSorted(),
    );
    expect(after.tables).toEqual(before.tables.filter((table) => names.includes(table.name)));
    expect(after.sequences).toEqual(before.sequences.filter((each) => /orders|lines/.test(each.name)));
    expect(warnings).toEqual([expect.stringContaining('orders_customer_id_fkey')]);
    const shape = await shapeOf(server, copy.name);
    expect(shape.some((entry) => entry.includes('orders_pkey'))).toBe(true);
    expect(shape.some((entry) => entry.includes('order_facts'))).toBe(true);
    await copy.drop({ unmarked: false }, signal);
  });

  test('what they need to be made comes along, and what needs a key that does not is left out', async () => {
    for (const each of ['needs', 'needed']) await server.createDatabase(each);
    await server.sql(
      'needs',
      `create foreign data wrapper plain; create server far foreign data wrapper plain;
       create schema core; create foreign table core.seen (id int) server far;
       create table parent (id int primary key, v text); insert into parent values (1);
       create table core.child (more int) inherits (parent); insert into core.child values (2, null, 3);
       create table core.points (id int references parent); insert into core.points values (1);
       create view core.grouped as select parent.* from parent group by id; create view core.on_it as select * from core.grouped;
       create view core.others as select id from parent`,
    );
    const dump = await stockDump(server, 'needs', 'custom', path('needs'));
    const scope = { tables: [], schemas: ['core'] };
    const { warnings } = await open('needed').load(dump, { ...wholeLoad, scope }, signal);
    const left = 'left out because it needs a table that was not asked for:';
    expect(warnings).toEqual([
      `${left} FK CONSTRAINT core.points points_id_fkey`,
      `${left} VIEW core.grouped`,
      `${left} VIEW core.on_it`,
    ]);
    expect(await server.sql('needed', `select viewname as name from pg_views where schemaname = 'core'`)).toEqual([
      { name: 'others' },
    ]);
    const { tables } = await open('needed').count(all, signal);
    expect(tables.map(({ name, rows }) => [name, rows])).toEqual([
      ['child', 1],
      ['points', 1],
      ['parent', 0],
    ]);
  });

  test('a schema comes with everything in it', async () => {
    const dump = await stockDump(server, 'shop', 'custom', path('schema'));
    const live = open('shop');
    const copy = live.named('schema');
    await copy.create(await live.probe(signal), 'test', signal);
    await copy.load(dump, { ...wholeLoad, scope: { tables: [], schemas: ['shop'] } }, signal);
    const before = await live.count(all, signal);
    expect(await copy.count(all, signal)).toEqual({
      tables: before.tables.filter((table) => table.schema === 'shop'),
      sequences: before.sequences.filter((sequence) => sequence.schema === 'shop'),
    });
    await copy.drop({ unmarked: false }, signal);
  });

  test('what the dump does not hold is a mistake in the command', async () => {
    const dump = await stockDump(server, 'shop', 'custom', path('nothing'));
    const scope = { tables: [{ schema: 'public', name: 'nothing' }], schemas: [] };
    await expect(open('shop').load(dump, { ...wholeLoad, scope }, signal)).rejects.toMatchObject({
      code: 'NOT_IN_DUMP',
    });
  });
});

const matrix: Major[] = [14, 15, 16, 17, 18];

describe.each(matrix)('server %i', (major) => {
  for (const tools of [15, 17, 18]) {
    const fits = tools >= major && hasServer(major) && clientTools(tools) !== null;
    test.runIf(fits)(`the shop makes the round trip with client tools ${tools}`, async () => {
      await using other = await startPostgres({ version: major });
      await other.createDatabase('shop');
      await fillShop(other, 'shop');
      await using scratch = await temporaryFolder();
      const live = openDatabase(other, 'shop', { scratch: scratch.path, tools });
      for (const format of ['directory', 'custom', 'plain'] as const) {
        const dump = await stockDump(other, 'shop', format, join(scratch.path, format), { tools });
        const copy = live.named(`copy_${format}`);
        await copy.create(await live.probe(signal), 'test', signal);
        await copy.load(dump, wholeLoad, signal);
        expect(await copy.count(all, signal)).toEqual(await live.count(all, signal));
        expect(await shapeOf(other, copy.name, tools)).toEqual(await shapeOf(other, 'shop', tools));
      }
    });
  }
});

test('a worker may wait for another as long as it likes, whatever limits the role has', async () => {
  await server.sql(
    'postgres',
    `create role hasty superuser login password 'hasty'; alter role hasty set idle_session_timeout = '400ms'`,
  );
  await server.createDatabase('waiting');
  await server.sql(
    'waiting',
    `create function slow() returns boolean language sql volatile as 'select true from pg_catalog.pg_sleep(2)';
     create table a (id int primary key); create table p (id int check (public.slow())); insert into p values (1);
     create index i1 on p (id); create index i2 on p (id); create index i3 on p (id)`,
  );
  for (const format of ['directory', 'plain'] as const) {
    const dump = await stockDump(server, 'waiting', format, join(folder.path, `waiting-${format}`));
    // It also takes its time to come.
    const waits = `select from pg_stat_activity where datname = 'waiting_plain' and state = 'idle' and clock_timestamp() - state_change > '600 ms'`;
    const slow: StoredDump = {
      ...dump,
      open: async () => {
        await expect.poll(async () => (await server.sql('postgres', waits)).length).toBe(1);
        return dump.open(signal);
      },
    };
    const copy = openDatabase(server, `waiting_${format}`, {
      scratch: folder.path,
      login: { user: 'hasty', password: 'hasty' },
    });
    await copy.create(await openDatabase(server, 'waiting', { scratch: folder.path }).probe(signal), 'test', signal);
    await copy.load(slow, { ...wholeLoad, jobs: 2 }, signal);
    expect(await server.sql(`waiting_${format}`, 'select id from p')).toEqual([{ id: 1 }]);
  }
}, 60_000);

test('S16 a temporary server has the roles of the backup and takes the dump', async () => {
  const dump = await stockDump(server, 'shop', 'custom', path('temporary'));
  const live = open('shop');
  const facts = await live.probe(signal);
  await using scratch = await live.temporary(facts, signal);
  await scratch.create(facts, 'drill', signal);
  await scratch.load(dump, wholeLoad, signal);
  expect(await scratch.count(all, signal)).toEqual(await live.count(all, signal));
  expect(scratch.title).not.toBe(live.title);
});

async function psqlVersion(major: number): Promise<string> {
  const { execFileSync } = await import('node:child_process');
  const text = execFileSync(join(clientTools(major) ?? '', 'psql'), ['--version'], { encoding: 'utf8' });
  return /\d+\.\d+/.exec(text)?.[0] ?? '';
}
