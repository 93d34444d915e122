import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Database, LoadOptions } from '../../src/engines/engine.ts';
import { makeBank, openFile, rowsOf, runIn, startWriter, stored, take, type Taken } from '../support/sqlite.ts';
import { wholeLoad } from '../support/whole-load.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

let folder: TemporaryFolder;
let path: string;
let scratch: string;
let copy: string;
let database: Database;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'bank.sqlite');
  scratch = join(folder.path, 'scratch');
  copy = join(folder.path, 'copy.sqlite');
  database = openFile(path, scratch, { fingerprints: true });
});
afterEach(() => folder[Symbol.asyncDispose]());

const signal = () => AbortSignal.timeout(60_000);
const count = (db: Database) => db.count({ tables: null, sequences: true, fingerprints: true }, signal());
const only = (...names: string[]): LoadOptions => ({
  ...wholeLoad,
  scope: { tables: names.map((name) => ({ schema: '', name })), schemas: [] },
});
const expected = ({ counts }: Taken, ...names: string[]) => ({
  tables: counts.tables.filter(({ name }) => names.includes(name)),
  sequences: [],
});

describe('in place', () => {
  test.each(['wal', 'delete'])(
    'S15 in the mode %s all content is replaced while others have the file open',
    async (mode) => {
      makeBank(path, mode);
      const taken = await take(database, copy, signal());
      runIn(path, `drop table transfers; update accounts set balance = 7; create table new (a)`);
      using reader = new DatabaseSync(path, { timeout: 10_000 });
      expect(reader.prepare('select sum(balance) as sum from accounts').get()).toEqual({ sum: 7000 });
      await database.replace(stored(copy), wholeLoad, taken.counts, signal());
      expect(reader.prepare('select sum(balance) as sum from accounts').get()).toEqual({ sum: 100_000 });
      expect(await count(database)).toEqual(taken.counts);
      expect(rowsOf(path, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      expect(rowsOf(path, 'pragma journal_mode')).toEqual([{ journal_mode: mode }]);
      expect(rowsOf(path, `select name from sqlite_schema where name = 'new'`)).toEqual([]);
    },
  );

  test('among writers every reader sees all of it or nothing', async () => {
    makeBank(path, 'wal');
    const taken = await take(database, copy, signal());
    await using writer = await startWriter(path, 'run', 1);
    const rows = () => Number(rowsOf(path, 'select count(*) as rows from transfers')[0]?.['rows']);
    await until(() => rows() > 300, 'others write');
    await database.replace(stored(copy), wholeLoad, taken.counts, signal());
    const now = rows();
    await until(() => rows() > now, 'they go on');
    await writer.kill('SIGTERM');
    expect(rowsOf(path, 'select sum(balance) as sum from accounts')).toEqual([{ sum: 100_000 }]);
    expect(rowsOf(path, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  test.each([
    ['wal', 'whole'],
    ['delete', 'whole'],
    ['wal', 'accounts'],
    ['delete', 'accounts'],
  ])(
    'S14 in the mode %s (%s) no commit is lost between the last look at what lives and the exchange',
    async (mode, what) => {
      makeBank(path, mode);
      const taken = await take(database, copy, signal());
      const options = what === 'whole' ? wholeLoad : only(what);
      const seen: boolean[] = [];
      const late = 'select count(*) as rows from accounts where id = 5000';
      const inThere = () => rowsOf(path, late)[0]?.['rows'] === 1;
      const writing: Promise<void>[] = [];
      await database.replace(stored(copy), options, expected(taken, 'accounts'), signal(), async () => {
        seen.push(inThere());
        if (writing.length === 0) writing.push(insertAtOnce());
        // Long enough for it to have tried.
        await new Promise((resolve) => void setTimeout(resolve, 300));
      });
      await Promise.all(writing);
      // It came in when all was over, or was seen.
      expect(inThere() || seen.includes(true)).toBe(true);
    },
  );

  /** A program that tries without a pause until it has its turn. */
  async function insertAtOnce(): Promise<void> {
    const program = `const db = new (require('node:sqlite').DatabaseSync)(process.argv[1], { timeout: 0 });
      for (;;) try { db.exec('insert into accounts values (5000, 1)'); break; } catch (error) { if (error.errcode !== 5) throw error; }`;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', program, path], {
      stdio: 'inherit',
    });
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(0);
  }

  test('single tables come back, with triggers asleep, indexes, computed columns, row numbers; everything else stays', async () => {
    makeBank(
      path,
      'wal',
      `create table items (name text, price int, twice int generated always as (price * 2) stored);
       insert into items (rowid, name, price) values (5, 'a', 1), (9, 'b', 2);
       create table log (text);
       create trigger watch after delete on items begin insert into log values ('gone ' || old.name); end;
       create trigger greet after insert on items begin insert into log values ('new ' || new.name); end;
       create table gone (id integer primary key autoincrement, "a""b" text);
       create index on_gone on gone ("a""b");
       insert into gone ("a""b") values ('x'), ('y');`,
    );
    const taken = await take(database, copy, signal());
    runIn(
      path,
      `delete from items; delete from log; insert into log values ('kept'); drop table gone; update accounts set balance = 1`,
    );
    await database.replace(stored(copy), only('items', 'gone'), expected(taken, 'items', 'gone'), signal());
    expect(rowsOf(path, 'select rowid as n, * from items')).toEqual([
      { n: 5, name: 'a', price: 1, twice: 2 },
      { n: 9, name: 'b', price: 2, twice: 4 },
    ]);
    expect(rowsOf(path, 'select * from log')).toEqual([{ text: 'kept' }]);
    expect(rowsOf(path, 'select sum(balance) as sum from accounts')).toEqual([{ sum: 1000 }]);
    expect(
      rowsOf(path, `select name from sqlite_schema where name in ('watch', 'greet', 'on_gone') order by 1`),
    ).toEqual([{ name: 'greet' }, { name: 'on_gone' }, { name: 'watch' }]);
    runIn(path, `insert into gone ("a""b") values ('z')`);
    expect(rowsOf(path, 'select max(id) as last from gone')).toEqual([{ last: 3 }]);
  });

  test.each([
    ['NOT_IN_DUMP', 'missing', ''],
    ['TABLE_DIFFERS', 'accounts', 'alter table accounts add column more'],
    ['TABLE_DIFFERS', 'docs', ''],
    ['RESTORE_ORPHANS', 'parents', 'insert into parents values (2); insert into children values (2)'],
    ['RESTORE_DIFFERS', 'accounts', ''],
  ])('S13 %s for %s: everything is as it was', async (code, table, change) => {
    makeBank(
      path,
      'delete',
      `create virtual table docs using fts5 (a); create table parents (id integer primary key);
       create table children (parent int references parents); insert into parents values (1);`,
    );
    const taken = await take(database, copy, signal());
    runIn(path, `${change}; delete from transfers`);
    const before = await count(database);
    const wrong = { tables: [{ schema: '', name: 'accounts', rows: 3, fingerprint: null }], sequences: [] };
    const should = code === 'RESTORE_DIFFERS' ? wrong : expected(taken, table);
    const names = table === 'parents' ? ['parents'] : ['parents', table];
    await expect(database.replace(stored(copy), only(...names), should, signal())).rejects.toMatchObject({ code });
    expect(await count(database)).toEqual(before);
    expect(rowsOf(path, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  test('of single tables, what they leave stale beside them is told before and after', async () => {
    makeBank(
      path,
      'wal',
      `create table notes (id integer primary key, body text);
       create view shown as select id, body from notes;
       create virtual table found using fts5(body, content='Notes', content_rowid='id');
       create virtual table "by view" using fts5(body, content="shown", content_rowid='id');
       create virtual table older using fts4(content="notes", body);
       create virtual table own using fts5(body);
       create virtual table contentless using fts5(body, content='');
       create trigger n_ai after insert on notes begin insert into found (rowid, body) values (new.id, new.body); end;
       create trigger n_ad after delete on notes begin insert into found (found, rowid, body) values ('delete', old.id, old.body); end;
       insert into notes (body) values ('saved');`,
    );
    const taken = await take(database, copy, signal());
    runIn(path, `delete from notes; insert into notes (body) values ('since')`);
    const stale = (name: string) =>
      `the full-text index ${name} is still that of the rows before; to build it anew: insert into "${name}" ("${name}") values ('rebuild')`;
    const told = [
      'triggers of notes have not fired (n_ai, n_ad): what they keep elsewhere is as it was',
      ...['found', 'by view', 'older'].map(stale),
    ];
    expect(await database.consequences?.(stored(copy), { ...only('notes'), inside: true }, signal())).toEqual(told);
    const { warnings } = await database.replace(stored(copy), only('notes'), expected(taken, 'notes'), signal());
    expect(warnings).toEqual(told);

    const search = (word: string) => rowsOf(path, `select rowid from found where found match '${word}'`).length;
    expect([search('saved'), search('since')]).toEqual([0, 1]);
    for (const line of told.slice(1)) runIn(path, line.slice(line.indexOf('insert into')));
    expect([search('saved'), search('since')]).toEqual([1, 0]);

    const ahead = (options: LoadOptions, inside: boolean) =>
      database.consequences?.(stored(copy), { ...options, inside }, signal());
    expect(await ahead(only('accounts'), true)).toEqual([stale('by view')]);
    expect(await ahead(wholeLoad, true)).toEqual([]);
    // A database of its own has nothing around it.
    expect(await ahead(only('notes'), false)).toEqual([]);
  });

  describe('a table that was made anew since', () => {
    const was = `create table codes (id integer primary key, code text, n int, twice as (n * 2) stored);
      insert into codes (id, code, n) values (1, '007', 5), (2, '1e3', 6);`;

    test.each([
      ['of another type', `create table codes (id integer primary key, code integer, n int, twice as (n * 2) stored)`],
      ['computed otherwise', `create table codes (id integer primary key, code text, n int, twice as (n * 3) stored)`],
      ['computed now', `create table codes (id integer primary key, code text, n int as (7), twice as (n * 2) stored)`],
      [
        'never null',
        `create table codes (id integer primary key, code text, n int not null on conflict replace default 9, twice)`,
      ],
      ['unique', `create table codes (id integer primary key on conflict ignore, code text, n int, twice unique)`],
    ])('S13 with a column that is %s changes no value without a word', async (_what, sql) => {
      makeBank(path, 'wal', `${was} insert into codes (id, n) values (3, null), (4, 5);`);
      const taken = await take(database, copy, signal());
      runIn(path, `drop table codes; ${sql}; insert into codes (id, code) values (9, '9')`);
      const before = rowsOf(path, 'select * from codes');
      for (const known of [expected(taken, 'codes'), { tables: [], sequences: [] }]) {
        const replacing = openFile(path, scratch).replace(stored(copy), only('codes'), known, signal());
        await expect(replacing).rejects.toMatchObject({ code: 'TABLE_DIFFERS' });
        expect(rowsOf(path, 'select * from codes')).toEqual(before);
      }
    });

    test.each([
      ['the order of columns', `create table codes (twice, n int, code varchar(9), id integer primary key)`],
      ['types that change nothing', `create table codes (id integer primary key, code, n numeric, twice blob)`],
    ])('with %s takes the rows as they were, computed values as well', async (_what, sql) => {
      makeBank(path, 'wal', was);
      const taken = await take(openFile(path, scratch), copy, signal());
      runIn(path, `drop table codes; ${sql}`);
      await database.replace(stored(copy), only('codes'), expected(taken, 'codes'), signal());
      expect(rowsOf(path, 'select id, code, n, twice from codes')).toEqual([
        { id: 1, code: '007', n: 5, twice: 10 },
        { id: 2, code: '1e3', n: 6, twice: 12 },
      ]);
    });

    test('in another encoding is refused with a reason', async () => {
      makeBank(path, 'delete');
      runIn(copy, `pragma encoding = 'UTF-16le'; create table accounts (id integer primary key, balance)`);
      const replacing = database.replace(stored(copy), only('accounts'), { tables: [], sequences: [] }, signal());
      await expect(replacing).rejects.toMatchObject({
        code: 'TABLE_DIFFERS',
        message: expect.stringContaining('UTF-16le'),
      });
    });
  });

  test('row numbers are kept beside a key that only looks like one', async () => {
    makeBank(
      path,
      'wal',
      `create table notes (id integer primary key desc, text text);
       insert into notes (rowid, id, text) values (7, 1, 'a'), (9, 5, 'b');`,
    );
    const taken = await take(database, copy, signal());
    runIn(path, `delete from notes`);
    await database.replace(stored(copy), only('notes'), expected(taken, 'notes'), signal());
    expect(rowsOf(path, 'select rowid as n, * from notes order by id')).toEqual([
      { n: 7, id: 1, text: 'a' },
      { n: 9, id: 5, text: 'b' },
    ]);
  });

  test('S13 a row that loses its parent is found beside one that gets its own back', async () => {
    makeBank(
      path,
      'delete',
      `create table parents (id integer primary key); insert into parents values (1);
       create table children (id integer primary key, parent int references parents); insert into children values (1, 1);`,
    );
    const taken = await take(database, copy, signal());
    const replacing = () => database.replace(stored(copy), only('parents'), expected(taken, 'parents'), signal());
    runIn(path, `update parents set id = 2; insert into children values (2, 2)`);
    await expect(replacing()).rejects.toMatchObject({ code: 'RESTORE_ORPHANS' });
    expect(rowsOf(path, 'select * from parents')).toEqual([{ id: 2 }]);
    // What was without its parent before may stay so.
    runIn(path, `delete from children where id = 2; insert into children values (3, 3)`);
    await replacing();
    expect(rowsOf(path, 'select * from parents')).toEqual([{ id: 1 }]);
  });

  test.each([
    ['table', 'gone', `create table gone (a)`],
    ['index', 'on_gone', `create index on_gone on gone (a)`],
    ['trigger', 'watch', `create trigger watch after delete on gone begin select 1; select 2; end`],
  ])('of a hostile file, only the statement that makes the %s is run', async (type, name, sql) => {
    makeBank(path, 'wal', `create table gone (a); create index on_gone on gone (a);`);
    runIn(path, `insert into gone values (1); create trigger watch after delete on gone begin select 1; select 2; end`);
    const taken = await take(database, copy, signal());
    const planted = join(folder.path, 'planted.sqlite');
    const tail = `; delete from accounts; commit; attach '${planted}' as p; create table p.x (a); detach p; begin`;
    {
      using file = new DatabaseSync(copy, { defensive: false });
      file.exec('pragma writable_schema = 1');
      file.prepare('update sqlite_schema set sql = ? where type = ? and name = ?').run(`${sql}${tail}`, type, name);
    }
    runIn(path, 'drop table gone');
    await database.replace(stored(copy), only('gone'), expected(taken, 'gone'), signal());
    expect(rowsOf(path, 'select count(*) as rows from accounts')).toEqual([{ rows: 1000 }]);
    expect(rowsOf(path, 'select * from gone')).toEqual([{ a: 1 }]);
    expect(rowsOf(path, `select name from sqlite_schema where tbl_name = 'gone' order by 1`).length).toBe(3);
    expect(existsSync(planted)).toBe(false);
  });

  test('S13 a damaged or a different dump, or somebody who keeps the file, changes nothing', async () => {
    makeBank(path, 'wal');
    const taken = await take(database, copy, signal());
    runIn(path, 'update accounts set balance = 3');
    const before = await count(database);
    const bad = join(folder.path, 'bad.sqlite');
    writeFileSync(bad, readFileSync(copy).subarray(0, 8192));
    await expect(database.replace(stored(bad), wholeLoad, taken.counts, signal())).rejects.toMatchObject({
      code: 'DUMP_DAMAGED',
    });
    const other = { ...taken.counts, tables: taken.counts.tables.map((table) => ({ ...table, rows: 5 })) };
    await expect(database.replace(stored(copy), wholeLoad, other, signal())).rejects.toMatchObject({
      code: 'RESTORE_DIFFERS',
    });
    using holder = new DatabaseSync(path);
    holder.exec('begin immediate');
    const hasty = openFile(path, scratch, {}, '300ms');
    for (const options of [wholeLoad, only('accounts')]) {
      await expect(hasty.replace(stored(copy), options, taken.counts, signal())).rejects.toMatchObject({
        code: 'DATABASE_LOCKED',
      });
    }
    holder.exec('rollback');
    expect(await count(database)).toEqual(before);
  });

  test('an empty file is filled', async () => {
    makeBank(path, 'wal');
    const taken = await take(database, copy, signal());
    const empty = join(folder.path, 'empty.sqlite');
    writeFileSync(empty, '');
    const target = database.at(`sqlite://${empty}`);
    expect((await target.target(signal()))?.relations).toBe(0);
    await target.replace(stored(copy), wholeLoad, taken.counts, signal());
    expect(await count(target)).toEqual(taken.counts);
  });
});
