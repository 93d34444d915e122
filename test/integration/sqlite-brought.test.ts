import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeBank, openFile, stored, take } from '../support/sqlite.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { wholeLoad } from '../support/whole-load.ts';

let folder: TemporaryFolder;
let path: string;
let scratch: string;
let copy: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'bank.sqlite');
  scratch = join(folder.path, 'scratch');
  copy = join(folder.path, 'copy.sqlite');
});
afterEach(() => folder[Symbol.asyncDispose]());

const signal = () => AbortSignal.timeout(60_000);

describe('S13 beside something that only the application brings', () => {
  const full = `create table plain (id integer primary key, text); create index on_plain on plain (text);
    insert into plain (text) with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) select 'marked ' || i from n;
    create table words (word text, n int); create index on_words on words (word); insert into words values ('a', 1);
    create virtual table four using fts4(body); insert into four values ('x');
    create virtual table five using fts5(body); insert into five values ('x');`;
  const brought: [what: string, name: string, sql: string][] = [
    ['a tokenizer of FTS4', 'four', 'create virtual table four using fts4(body, tokenize=mine)'],
    ['a tokenizer of FTS5', 'five', `create virtual table five using fts5(body, tokenize='mine')`],
    ['a module', 'five', 'create virtual table five using mine(body)'],
    ['a collation of an index', 'on_words', 'create index on_words on words (word collate mine)'],
    ['a collation of a column', 'words', 'create table words (word text collate mine, n int)'],
    ['a function of a check', 'words', 'create table words (word text, n int check (mine(n)))'],
    ['a function of an index', 'on_words', 'create index on_words on words (mine(word))'],
  ];

  /** As the application left it: without what it brings, nobody can make such a thing. */
  function makeBrought(name: string, sql: string): void {
    makeBank(path, 'delete', full);
    writeSchema(name, sql);
  }

  function writeSchema(name: string, sql: string): void {
    using db = new DatabaseSync(path, { defensive: false });
    db.exec('pragma writable_schema = 1');
    db.prepare('update sqlite_schema set sql = ? where name = ?').run(sql, name);
  }

  test.each(brought)('%s keeps nothing else from being saved and counted', async (_what, name, sql) => {
    makeBrought(name, sql);
    const { counts, warnings } = await take(openFile(path, scratch), copy, signal());
    expect(counts.tables).toEqual(
      expect.arrayContaining([
        { schema: '', name: 'plain', rows: 3000, fingerprint: null },
        { schema: '', name: 'words', rows: 1, fingerprint: null },
      ]),
    );
    expect(warnings).toEqual([]);
    const database = openFile(path, scratch);
    await database.readThrough(stored(copy), signal());
    expect(await database.filled(() => true, signal())).toContainEqual({ schema: '', name: 'words' });
  });

  test.each(brought)('%s hides no damage', async (_what, name, sql) => {
    makeBrought(name, sql);
    // The table has another text than its index now.
    const bytes = readFileSync(path);
    bytes.write('smudge', bytes.indexOf('marked 1500'));
    writeFileSync(path, bytes);
    await expect(take(openFile(path, scratch), copy, signal())).rejects.toMatchObject({ code: 'DATABASE_DAMAGED' });
    await expect(openFile(path, scratch).readThrough(stored(path), signal())).rejects.toMatchObject({
      code: 'DUMP_DAMAGED',
    });
  });

  test('hides no damage in the rows of its own table', async () => {
    makeBank(
      path,
      'delete',
      `create table words (word text, long text); create index on_words on words (word);
       insert into words values ('a', printf('%.9000c', 'w') || 'marked here' || printf('%.9000c', 'w'));`,
    );
    writeSchema('on_words', 'create index on_words on words (word collate mine)');
    // Where the rest of a long text goes on.
    const bytes = readFileSync(path);
    const page = Math.floor(bytes.indexOf('marked here') / 4096) * 4096;
    bytes.fill(0xff, page, page + 4);
    writeFileSync(path, bytes);
    await expect(take(openFile(path, scratch), copy, signal())).rejects.toMatchObject({ code: 'DATABASE_DAMAGED' });
  });

  test('a table whose very key needs it is saved, and not counted', async () => {
    makeBank(
      path,
      'delete',
      `create table words (word text primary key, n int) without rowid; insert into words values ('a', 1);`,
    );
    writeSchema('words', 'create table words (word text collate mine primary key, n int) without rowid');
    const { counts, warnings } = await take(openFile(path, scratch, { fingerprints: true }), copy, signal());
    expect(counts.tables).toContainEqual({ schema: '', name: 'words', rows: null, fingerprint: null });
    expect(warnings).toEqual([]);
  });
});

test('S13 a full-text index that does not fit its table is told, and no reason to save nothing', async () => {
  makeBank(
    path,
    'delete',
    `create table notes (id integer primary key, body text); insert into notes (body) values ('before');
     create virtual table found using fts4(content="notes", body); insert into found (found) values ('rebuild');
     update notes set body = 'since';`,
  );
  const database = openFile(path, scratch);
  const told = 'malformed inverted index for FTS4 table main.found';
  const { counts, warnings, facts } = await take(database, copy, signal());
  expect(warnings).toEqual([expect.stringContaining(told) as string]);
  expect(counts.tables).toContainEqual({ schema: '', name: 'notes', rows: 1, fingerprint: null });
  await database.readThrough(stored(copy), signal());
  const beside = database.named('beside');
  await beside.create(facts, 'test', signal());
  const loaded = await beside.load(stored(copy), wholeLoad, signal());
  expect(loaded.warnings).toEqual(warnings);
});
