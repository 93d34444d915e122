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
