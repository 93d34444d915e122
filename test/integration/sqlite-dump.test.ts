import { spawnSync } from 'node:child_process';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSession } from '../../src/engines/sqlite/session.ts';
import { usersOf } from '../../src/engines/sqlite/users.ts';
import { lockersOf, makeBank, openFile, rowsOf, runIn, startWriter, stored, take } from '../support/sqlite.ts';
import { smallDisk } from '../support/small-disk.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

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

/** What must be true of every state there ever was. */
function expectConsistent(file: string): { transfers: number } {
  expect(rowsOf(file, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  const [state] = rowsOf(
    file,
    `select (select sum(balance) from accounts) as sum, (select count(*) from transfers) as transfers,
       (select max(id) from transfers) as last`,
  );
  expect(state?.['sum']).toBe(100_000);
  expect(state?.['last'] ?? 0).toBe(state?.['transfers']);
  expect(Number(state?.['transfers']) % 10).toBe(0);
  return { transfers: Number(state?.['transfers']) };
}

describe('a backup while others write', () => {
  test.each(['wal', 'delete'])('S1 in the journal mode %s is one consistent state, counted exactly', async (mode) => {
    makeBank(path, mode);
    // Without a log one that never pauses lets nobody else write.
    await using _one = await startWriter(path, 'run', mode === 'wal' ? 0 : 5);
    await using _two = await startWriter(path, 'run', 3);
    const seen: number[] = [];
    const seenAs = new Set<string>();
    for (let round = 0; round < 8; round += 1) {
      const { counts, isolation, warnings } = await take(openFile(path, scratch), copy, signal());
      const { transfers } = expectConsistent(copy);
      expect(counts.tables).toEqual([
        { schema: '', name: 'accounts', rows: 1000, fingerprint: null },
        { schema: '', name: 'transfers', rows: transfers, fingerprint: null },
      ]);
      expect(counts.sequences).toEqual([{ schema: '', name: 'transfers', value: String(transfers), called: true }]);
      if (mode === 'delete') expect(isolation).toBe('copy');
      seenAs.add(isolation);
      expect(warnings).toEqual([]);
      seen.push(transfers);
    }
    // Among the busiest writers a turn may be missed; mostly it is not.
    expect(seenAs).toContain(mode === 'wal' ? 'read-transaction' : 'copy');
    // They did write meanwhile.
    expect(new Set(seen).size).toBeGreaterThan(4);
    expect(existsSync(scratch) ? readdirSync(scratch) : []).toEqual([]);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
  });

  test('writers go on while a slow storage takes its time, and checkpoints do no harm', async () => {
    makeBank(path, 'wal');
    await using _writer = await startWriter(path, 'run');
    const before = Number(rowsOf(path, 'select count(*) as rows from transfers')[0]?.['rows']);
    await until(
      () => Number(rowsOf(path, 'select count(*) as rows from transfers')[0]?.['rows']) > before + 5000,
      'a few',
    );
    const chunks: Buffer[] = [];
    await using snapshot = await openFile(path, scratch).open({ folders: false }, signal());
    const counts = await snapshot.count(signal());
    for await (const part of snapshot.parts(signal())) {
      if (part.kind !== 'stream') throw new Error('a stream was expected');
      for await (const chunk of part.open(signal()) as AsyncIterable<Buffer>) {
        const rows = () => Number(rowsOf(path, 'select count(*) as rows from transfers')[0]?.['rows']);
        const now = rows();
        await until(() => rows() > now + 500, 'others write');
        runIn(path, 'pragma wal_checkpoint(passive)');
        chunks.push(chunk);
      }
    }
    writeFileSync(copy, Buffer.concat(chunks));
    const { transfers } = expectConsistent(copy);
    expect(counts.tables.at(1)?.rows).toBe(transfers);
  });

  test('an older reader keeps the log from being moved: then it is copied, and consistent all the same', async () => {
    makeBank(path, 'wal');
    using reader = new DatabaseSync(path, { readOnly: true });
    reader.exec('begin');
    reader.prepare('select count(*) from accounts').get();
    await using _writer = await startWriter(path, 'run', 1);
    const { isolation } = await take(openFile(path, scratch), copy, signal());
    expect(isolation).toBe('copy');
    expect(expectConsistent(copy).transfers).toBeGreaterThan(0);
    expect(readdirSync(scratch)).toEqual([]);
  });
});

describe('what a writer has left', () => {
  test('S1 of a killed writer the hot journal is taken back before anything is read', async () => {
    makeBank(path, 'delete');
    await using writer = await startWriter(path, 'stop');
    await writer.kill('SIGKILL');
    expect(existsSync(`${path}-journal`)).toBe(true);
    const { counts } = await take(openFile(path, scratch), copy, signal());
    expect(expectConsistent(copy).transfers).toBe(0);
    expect(counts.tables.at(1)?.rows).toBe(0);
  });

  test('S1 of a killed writer all that was committed to the log alone is there', async () => {
    makeBank(path, 'wal');
    await using writer = await startWriter(path, 'run', 1);
    await until(() => statSync(`${path}-wal`).size > 100_000, 'a log');
    await writer.kill('SIGKILL');
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(100_000);
    await take(openFile(path, scratch), copy, signal());
    expect(expectConsistent(copy).transfers).toBeGreaterThan(30);
  });
});

describe('S19 what can be in a file', () => {
  test('every kind of object comes along, and every table with rows is counted', async () => {
    runIn(
      path,
      `pragma page_size = 8192; pragma encoding = 'UTF-16le'; pragma application_id = 77; pragma user_version = 12;
       create table "ta""b;le -- $1
with a line" (id integer primary key, "sel""ect" text);
       insert into "ta""b;le -- $1
with a line" values (1, 'ä''"\\'), (2, null), (3, x'00ff');
       create table "para\u2028graph" (a);
       create table pairs (a text, b int, primary key (a, b)) without rowid, strict;
       insert into pairs values ('x', 1), ('y', 2);
       create table made (a int, b int generated always as (a * 2) stored, c int as (a + b) virtual);
       insert into made (a) values (4), (9007199254740993);
       create virtual table docs using fts5 (title, body);
       insert into docs values ('one', 'to be found'), ('two', 'as well');
       create virtual table places using rtree (id, x0, x1);
       insert into places values (1, 0.5, 1.5);
       create view seen as select a from made;
       create trigger watch after insert on made begin insert into pairs values ('t', new.a); end;`,
    );
    const database = openFile(path, scratch, { fingerprints: true });
    const { counts, facts } = await take(database, copy, signal());
    expect(facts).toMatchObject({
      engine: 'sqlite',
      name: 'bank.sqlite',
      encoding: 'UTF-16le',
      sizeBytes: statSync(path).size,
    });
    expect(facts.properties).toMatchObject({
      pageSize: 8192,
      applicationId: 77,
      userVersion: 12,
      journalMode: 'delete',
      modules: ['fts5', 'rtree'],
    });
    const rows = Object.fromEntries(counts.tables.map((table) => [table.name, table.rows]));
    expect(rows).toMatchObject({
      'ta"b;le -- $1\nwith a line': 3,
      pairs: 2,
      'para\u2028graph': 0,
      made: 2,
      docs_content: 2,
      places_rowid: 1,
    });
    expect(rows).not.toHaveProperty('docs');
    expect(counts.tables.every(({ fingerprint }) => /^md5sum:[0-9a-f]{32}$/.test(fingerprint ?? ''))).toBe(true);

    const again = await openFile(copy, scratch).count({ tables: null, sequences: true, fingerprints: true }, signal());
    expect(again).toEqual(counts);
    expect(await database.readThrough(stored(copy), signal())).toEqual({
      entries: facts.properties['entries'] ?? expect.any(Number),
    });
    expect(rowsOf(copy, `select title from docs where docs match 'found'`)).toEqual([{ title: 'one' }]);
  });

  test('a fingerprint sees a changed value, type or sign, and no order', async () => {
    const fingerprint = async (sql: string) => {
      await using other = await temporaryFolder();
      const file = join(other.path, 'a.sqlite');
      runIn(file, `create table t (a, b); ${sql}`);
      const counts = await openFile(file, scratch).count(
        { tables: null, sequences: false, fingerprints: true },
        signal(),
      );
      return counts.tables[0]?.fingerprint;
    };
    const base = await fingerprint(`insert into t values (1, 'x'), (2, 'y')`);
    expect(await fingerprint(`insert into t values (2, 'y'), (1, 'x')`)).toBe(base);
    const others = [
      `insert into t values (1, 'x'), (2, 'z')`,
      `insert into t values ('1', 'x'), (2, 'y')`,
      `insert into t values (1.0, 'x'), (2, 'y')`,
      `insert into t values (1, x'78'), (2, 'y')`,
      `insert into t values (1, 'x'), (2, null)`,
      `insert into t values (-0.0, 'x'), (2, 'y')`,
      `insert into t values (0.0, 'x'), (2, 'y')`,
      `insert into t values (9007199254740993, 'x'), (2, 'y')`,
      `insert into t values (9007199254740992, 'x'), (2, 'y')`,
    ];
    const seen = [base, ...(await Promise.all(others.map(fingerprint)))];
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('an empty database, a file of no bytes and 5,000 tables', async () => {
    runIn(path, 'create table t (a); drop table t');
    expect((await take(openFile(path, scratch), copy, signal())).counts).toEqual({ tables: [], sequences: [] });
    const none = join(folder.path, 'none.sqlite');
    writeFileSync(none, '');
    expect((await take(openFile(none, scratch), copy, signal())).counts).toEqual({ tables: [], sequences: [] });
    const many = join(folder.path, 'many.sqlite');
    runIn(many, `begin; ${Array.from({ length: 5000 }, (_, n) => `create table t${n} (a)`).join(';')}; commit`);
    expect((await take(openFile(many, scratch), copy, signal())).counts.tables).toHaveLength(5000);
  });

  test('rows without their parent are a warning, not an end', async () => {
    runIn(
      path,
      `create table p (id integer primary key); create table c (p int references p); insert into c values (1), (2)`,
    );
    const { warnings, counts } = await take(openFile(path, scratch), copy, signal());
    expect(warnings).toEqual(['2 rows of c refer to rows of p that do not exist']);
    expect(counts.tables).toHaveLength(2);
  });

  test('an index that needs a function of the application stops nothing', async () => {
    using db = new DatabaseSync(path);
    db.function('shout', { deterministic: true }, (text) => String(text).toUpperCase());
    db.exec(`create table t (a text); create index i on t (shout(a)); insert into t values ('x')`);
    const { counts } = await take(openFile(path, scratch), copy, signal());
    expect(counts.tables).toEqual([{ schema: '', name: 't', rows: 1, fingerprint: null }]);
  });
});

test('S22 a cancelled backup leaves no process and no copy behind', async () => {
  makeBank(
    path,
    'delete',
    `create table big (text); insert into big with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000) select 'some text to count ' || i from n;`,
  );
  const controller = new AbortController();
  await using snapshot = await openFile(path, scratch, { fingerprints: true }).open(
    { folders: false },
    controller.signal,
  );
  const counting = snapshot.count(controller.signal);
  counting.catch(() => undefined);
  for await (const part of snapshot.parts(controller.signal)) {
    if (part.kind !== 'stream') throw new Error('a stream was expected');
    const stream = part.open(controller.signal);
    stream.once('data', () => controller.abort());
    await expect(stream.toArray()).rejects.toThrow();
  }
  await expect(counting).rejects.toMatchObject({ code: 'INTERRUPTED' });
  await snapshot[Symbol.asyncDispose]();
  expect(readdirSync(scratch)).toEqual([]);
  expect(await usersOf(path)).toEqual([]);
});

test.each([0, 1, 4096, Number.POSITIVE_INFINITY])(
  'of a copy that leaves out the first %d bytes every other byte lies where it lay',
  async (most) => {
    makeBank(path, 'delete');
    const whole = readFileSync(path);
    const from = Math.min(most, whole.length);
    await using session = startSession(path);
    await session.ask('open', { path, mode: 'read', busyMs: 1000 }, signal());
    expect(await session.ask('freeze', {}, signal())).toBe('locked');
    expect(await session.ask('copy', { to: copy, how: 'locked', from }, signal())).toBe(true);
    const left = Buffer.concat([Buffer.alloc(from), whole.subarray(from)]);
    expect(readFileSync(copy).equals(left)).toBe(true);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(lockersOf(path)).toEqual([]);
  },
);

test('by hand: the stored file opens with the stock programs', async () => {
  makeBank(path, 'wal');
  await using snapshot = await openFile(path, scratch).open({ folders: false }, signal());
  const packed = join(folder.path, 'database.sqlite.zst');
  for await (const part of snapshot.parts(signal())) {
    if (part.kind !== 'stream') throw new Error('a stream was expected');
    expect(part).toMatchObject({ name: 'database.sqlite', format: 'file', compression: { codec: 'zstd', level: 1 } });
    await pipeline(part.open(signal()), createZstdCompress(), createWriteStream(packed));
  }
  const script = `zstd -qdc database.sqlite.zst > app.sqlite && sqlite3 app.sqlite 'pragma integrity_check; select count(*) from accounts'`;
  const ran = spawnSync('sh', ['-c', script], { cwd: folder.path, encoding: 'utf8' });
  expect(ran.stdout, ran.stderr).toBe('ok\n1000\n');
});

describe('S1 another file in the place of the one that is saved', () => {
  const rows = `create table big (text); insert into big with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000) select 'some text to read ' || i from n;`;

  test.each(['wal', 'delete'])('in the mode %s is not taken for it', async (mode) => {
    makeBank(path, mode, rows);
    const other = join(folder.path, 'other.sqlite');
    makeBank(other, mode, `${rows} delete from accounts where id > 5;`);
    await using snapshot = await openFile(path, scratch).open({ folders: false }, signal());
    const counted = snapshot.count(signal());
    renameSync(other, path);
    const read = async () => {
      await counted;
      for await (const part of snapshot.parts(signal())) {
        if (part.kind === 'stream') await pipeline(part.open(signal()), createWriteStream(copy));
      }
    };
    // Either it was copied before, or it was not: never the rows of one with the count of the other.
    const failure: unknown = await read().then(
      () => null,
      (error: unknown) => error,
    );
    if (failure === null) expect(rowsOf(copy, 'select count(*) as rows from accounts')).toEqual([{ rows: 1000 }]);
    else expect(failure).toMatchObject({ code: 'DATABASE_CHANGED', retryable: true });
    if (mode === 'wal') expect(failure).not.toBeNull();
  });

  test.each([
    ['that is kept from its writers', 'delete'],
    ['that is read past them', 'wal'],
  ])('is not copied in the stead of one %s', async (_what, mode) => {
    makeBank(path, mode);
    const other = join(folder.path, 'other.sqlite');
    makeBank(other, mode, 'delete from accounts where id > 5;');
    await using session = startSession(path);
    await session.ask('open', { path, mode: 'read', busyMs: 1000 }, signal());
    renameSync(other, path);
    const how = mode === 'wal' ? 'moving' : 'locked';
    expect(await session.ask('copy', { to: copy, how, from: 0 }, signal())).toBe(false);
  });

  test('or one that was written to on a disk that is mounted here for reading only', async () => {
    await using disk = await smallDisk(20);
    if (!disk) return;
    const [written, seen] = [join(disk.path, 'bank.sqlite'), join(folder.path, 'seen')];
    makeBank(written, 'wal');
    mkdirSync(seen);
    expect(spawnSync('mount', ['--bind', disk.path, seen]).status).toBe(0);
    try {
      expect(spawnSync('mount', ['-o', 'remount,bind,ro', seen]).status).toBe(0);
      const database = openFile(join(seen, 'bank.sqlite'), scratch);
      expect((await take(database, copy, signal())).counts.tables.at(0)?.rows).toBe(1000);
      await using session = startSession(path);
      await session.ask('open', { path: join(seen, 'bank.sqlite'), mode: 'read', busyMs: 1000 }, signal());
      const how = await session.ask('freeze', {}, signal());
      runIn(written, 'delete from accounts where id > 5');
      expect(await session.ask('copy', { to: `${copy}-2`, how, from: 0 }, signal())).toBe(false);
    } finally {
      spawnSync('umount', [seen]);
    }
  });
});
