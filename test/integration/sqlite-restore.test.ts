import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { HoldfastError } from '../../src/base/errors.ts';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openForeignDump } from '../../src/archive/foreign/foreign.ts';
import type { Database } from '../../src/engines/engine.ts';
import { startSession } from '../../src/engines/sqlite/session.ts';
import { usersOf } from '../../src/engines/sqlite/users.ts';
import { makeBank, openFile, rowsOf, runIn, startWriter, stored, take } from '../support/sqlite.ts';
import { wholeLoad } from '../support/whole-load.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

let folder: TemporaryFolder;
let data: string;
let path: string;
let scratch: string;
let copy: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  data = join(folder.path, 'data');
  await mkdir(data);
  path = join(data, 'bank.sqlite');
  scratch = join(folder.path, 'scratch');
  copy = join(folder.path, 'copy.sqlite');
});
afterEach(() => folder[Symbol.asyncDispose]());

const signal = () => AbortSignal.timeout(60_000);
const replacement = 'bank.sqlite_restoring_20261121_120000_abcdef';
const previous = 'bank.sqlite_before_20261121_120000_abcdef';

/** As a restore does it, up to the swap. */
async function prepare(database: Database, file = copy): Promise<Database> {
  const beside = database.named(replacement);
  const like = (await database.target(signal()))?.facts ?? (await openFile(file, scratch).probe(signal()));
  await beside.create(like, 'restore of bank, not yet proven', signal());
  await beside.load(stored(file), wholeLoad, signal());
  await beside.analyze(signal());
  await beside.dress(like, signal());
  return beside;
}

const transfers = (file: string) => Number(rowsOf(file, 'select count(*) as rows from transfers')[0]?.['rows']);
const damageIt = () => runIn(path, `delete from accounts; insert into transfers (amount) values (1)`);

describe('a swap', () => {
  test.each(['wal', 'delete', 'truncate', 'persist'])(
    'S13 S17 in the mode %s: exchanges, keeps the old one, and goes back',
    async (mode) => {
      makeBank(path, mode);
      chmodSync(path, 0o640);
      if (process.getuid?.() === 0) chownSync(path, 4321, 4322);
      const database = openFile(path, scratch);
      const { counts } = await take(database, copy, signal());
      damageIt();
      const before = statSync(path);

      const beside = await prepare(database);
      expect(await beside.count({ tables: null, sequences: true, fingerprints: false }, signal())).toEqual(counts);
      await database.swap({ replacement, previous }, 'refuse', signal());
      expect(await database.count({ tables: null, sequences: true, fingerprints: false }, signal())).toEqual(counts);
      expect(rowsOf(path, 'pragma journal_mode')).toEqual([{ journal_mode: mode === 'wal' ? 'wal' : 'delete' }]);
      expect(statSync(path)).toMatchObject({ mode: before.mode, uid: before.uid, gid: before.gid });
      expect(readdirSync(data).toSorted()).toEqual(['bank.sqlite', previous]);
      expect(statSync(join(data, previous)).ino).toBe(before.ino);
      expect(rowsOf(join(data, previous), 'select count(*) as rows from accounts')).toEqual([{ rows: 0 }]);

      // Undo: the old one back, the restored one kept.
      const kept = 'bank.sqlite_undone_1';
      await database.swap({ replacement: previous, previous: kept }, 'disconnect', signal());
      expect(rowsOf(path, 'select count(*) as rows from accounts')).toEqual([{ rows: 0 }]);
      expect(rowsOf(path, 'pragma journal_mode')).toEqual([{ journal_mode: mode === 'wal' ? 'wal' : 'delete' }]);
      expect(readdirSync(data).toSorted()).toEqual(['bank.sqlite', kept]);
      await database.named(kept).drop({ unmarked: true }, signal());
      expect(readdirSync(data)).toEqual(['bank.sqlite']);
    },
  );

  test.each(['persist', 'truncate'])(
    'S17 what the mode %s left of finished transactions beside the old file is nobody who has it open: it goes back',
    async (mode) => {
      makeBank(path, mode);
      const database = openFile(path, scratch);
      await take(database, copy, signal());
      runIn(path, `pragma journal_mode = ${mode}; delete from accounts`);
      expect(existsSync(`${path}-journal`)).toBe(true);
      await prepare(database);
      await database.swap({ replacement, previous }, 'refuse', signal());
      const kept = 'bank.sqlite_undone_1';
      await database.swap({ replacement: previous, previous: kept }, 'refuse', signal());
      expect(rowsOf(path, 'select count(*) as rows from accounts')).toEqual([{ rows: 0 }]);
      expect(readdirSync(data).toSorted()).toEqual(['bank.sqlite', kept]);
    },
  );

  test('S1 the journal of a killed writer is taken back in what is swapped in as well', async () => {
    makeBank(path, 'delete');
    const database = openFile(path, scratch);
    await take(database, copy, signal());
    await prepare(database);
    const beside = join(data, replacement);
    await using writer = await startWriter(beside, 'stop');
    await writer.kill('SIGKILL');
    expect(statSync(`${beside}-journal`).size).toBeGreaterThan(0);
    await database.swap({ replacement, previous }, 'refuse', signal());
    expect(transfers(path)).toBe(0);
    expect(rowsOf(path, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    expect(readdirSync(data).toSorted()).toEqual(['bank.sqlite', previous]);
  });

  test('S1 what a killed writer committed to the log goes into the old file, none of it into the new one', async () => {
    makeBank(path, 'wal');
    const database = openFile(path, scratch);
    await take(database, copy, signal());
    const beside = await prepare(database);
    await using writer = await startWriter(path, 'run', 1);
    await until(() => statSync(`${path}-wal`).size > 100_000, 'a log');
    await writer.kill('SIGKILL');
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(100_000);
    await database.swap({ replacement: beside.name, previous }, 'refuse', signal());
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(transfers(path)).toBe(0);
    expect(transfers(join(data, previous))).toBeGreaterThan(30);
    expect(rowsOf(join(data, previous), 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  test('S1 the journal of a killed writer is taken back before the exchange', async () => {
    makeBank(path, 'delete');
    const database = openFile(path, scratch);
    await take(database, copy, signal());
    await prepare(database);
    await using writer = await startWriter(path, 'stop');
    await writer.kill('SIGKILL');
    await database.swap({ replacement, previous }, 'refuse', signal());
    expect(readdirSync(data).toSorted()).toEqual(['bank.sqlite', previous]);
    for (const file of [path, join(data, previous)]) {
      expect(transfers(file)).toBe(0);
      expect(rowsOf(file, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    }
  });

  describe('S14: cut off at any moment, tells what is true', () => {
    const live = () => Number(rowsOf(path, 'select count(*) as rows from accounts')[0]?.['rows']);
    const exchanging = async (moment: () => boolean, stop: (control: AbortController) => void) => {
      makeBank(path, 'wal');
      const database = openFile(path, scratch);
      await take(database, copy, signal());
      damageIt();
      await prepare(database);
      const control = new AbortController();
      let over = false;
      const stopped = (async () => {
        while (!over && !moment()) await new Promise((resolve) => void setImmediate(resolve));
        if (!over) stop(control);
      })();
      const error = await database.swap({ replacement, previous }, 'refuse', control.signal).then(
        () => null,
        (reason: unknown) => reason as HoldfastError,
      );
      over = true;
      await stopped;
      return error;
    };
    const linked = () => existsSync(join(data, previous));
    const exchanged = () => linked() && !existsSync(join(data, replacement));

    test('an interruption while it is under way waits for it', async () => {
      const error = await exchanging(linked, (control) => control.abort());
      expect(error).toBeNull();
      expect(live()).toBeGreaterThan(0);
      expect(readdirSync(data).toSorted()).toEqual(['bank.sqlite', previous]);
    });

    test.each([
      ['after the first rename', linked],
      ['after the last', exchanged],
    ])('a process that is killed %s', async (_, moment) => {
      const error = await exchanging(moment, killSqlite);
      if (error === null) {
        expect(live()).toBeGreaterThan(0);
        expect(readdirSync(data).toSorted()).toEqual(['bank.sqlite', previous]);
        return;
      }
      expect(live()).toBe(0);
      expect(
        readdirSync(data)
          .filter((name) => !/-(wal|shm|journal)$/.test(name))
          .toSorted(),
      ).toEqual(['bank.sqlite', replacement]);
      expect(error.hint).toContain('mv -n');
      runCommand(String(error.details?.['command']));
      expect(live()).toBeGreaterThan(0);
      expect(existsSync(join(data, previous))).toBe(true);
    });
  });

  test.each([
    ['wal', 'idle'],
    ['wal', 'run'],
    ['delete', 'idle'],
    ['delete', 'run'],
    ['delete', 'stop'],
  ] as const)(
    'S15 in the mode %s a program that has it open (%s) makes it refuse, whatever was asked',
    async (mode, what) => {
      makeBank(path, mode);
      const database = openFile(path, scratch);
      await take(database, copy, signal());
      await prepare(database);
      await using writer = await startWriter(path, what, 5);
      for (const sessions of ['refuse', 'disconnect'] as const) {
        await expect(database.swap({ replacement, previous }, sessions, signal())).rejects.toMatchObject({
          code: 'SESSIONS_CONNECTED',
          kind: 'refused',
          message: expect.stringContaining(`process ${writer.pid}`),
          hint: expect.stringContaining(replacement),
        });
      }
      if (what !== 'stop') {
        const target = await database.target(signal());
        expect(target?.sessions).toMatchObject([{ pid: writer.pid, mayEnd: false }]);
      }
      await writer.kill('SIGKILL');
      expect(readdirSync(data)).toContain(replacement);
      expect(readdirSync(data)).not.toContain(previous);
      await database.swap({ replacement, previous }, 'refuse', signal());
      expect(transfers(path)).toBe(0);
    },
  );

  test('a program whose file got the number that a finished journal had on the disk does not use the database', async () => {
    makeBank(path, 'delete');
    // Both make a file, keep it for a millisecond and remove it, so that the disk gives the numbers of one to the other.
    const loop = `const fs = require('node:fs'); const [path] = process.argv.slice(1); for (;;) { const file = fs.openSync(path, 'w');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); fs.unlinkSync(path); fs.closeSync(file); }`;
    const loops = [`${path}-journal`, join(data, 'another')].map((each) =>
      spawn(process.execPath, ['-e', loop, each], { stdio: 'ignore' }),
    );
    try {
      await vi.waitFor(() => expect(existsSync(join(data, 'another'))).toBe(true), { timeout: 20_000, interval: 0 });
      const named = new Set<number>();
      for (let look = 0; look < 60; look += 1) for (const { pid } of await usersOf(path)) named.add(pid);
      expect([...named]).toEqual([]);
    } finally {
      for (const each of loops) each.kill('SIGKILL');
    }
  });

  test('a damaged live file can be exchanged too, and is kept with all that lies beside it', async () => {
    makeBank(path, 'wal');
    const database = openFile(path, scratch);
    await take(database, copy, signal());
    writeFileSync(path, 'overwritten by something else'.repeat(1000));
    writeFileSync(`${path}-wal`, 'what there is of the log');
    await expect(database.probe(signal())).rejects.toMatchObject({ code: 'DATABASE_NOT_SQLITE' });
    expect(await database.target(signal())).toMatchObject({ relations: 1, facts: { encoding: '' } });
    await prepare(database);
    await database.swap({ replacement, previous }, 'refuse', signal());
    expect(transfers(path)).toBe(0);
    expect(readdirSync(data).toSorted()).toEqual(['bank.sqlite', previous, `${previous}-wal`]);
    expect(readFileSync(join(data, `${previous}-wal`), 'utf8')).toBe('what there is of the log');
  });

  test('where there is no live file it only gets its name', async () => {
    makeBank(path, 'delete');
    const database = openFile(path, scratch);
    await take(database, copy, signal());
    await database.drop({ unmarked: true }, signal());
    expect(await database.target(signal())).toBeNull();
    await prepare(database);
    await database.swap({ replacement, previous: null }, 'refuse', signal());
    expect(readdirSync(data)).toEqual(['bank.sqlite']);
    expect(transfers(path)).toBe(0);
  });

  describe.each([
    ['log', 'wal', 'run'],
    ['journal', 'delete', 'stop'],
  ] as const)('S1 where the live file is gone and its %s is still there', (_what, mode, how) => {
    const ending = mode === 'wal' ? '-wal' : '-journal';
    const leaveRest = async (): Promise<Database> => {
      makeBank(path, mode);
      const database = openFile(path, scratch);
      await take(database, copy, signal());
      await using writer = await startWriter(path, how, 1);
      await until(() => existsSync(path + ending) && statSync(path + ending).size > 20_000, 'there is a rest');
      await writer.kill('SIGKILL');
      rmSync(path);
      return database;
    };

    test('what is restored is not mixed with it, and it stays under another name', async () => {
      const database = await leaveRest();
      const rest = readFileSync(path + ending);
      await prepare(database);
      await database.swap({ replacement, previous: null }, 'refuse', signal());
      expect(rowsOf(path, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      expect(transfers(path)).toBe(0);
      expect(readFileSync(join(data, previous) + ending).equals(rest)).toBe(true);
    });

    test('no new database is made beside it', async () => {
      const database = await leaveRest();
      const like = await openFile(copy, scratch).probe(signal());
      await expect(database.create(like, 'test', signal())).rejects.toMatchObject({
        code: 'DATABASE_EXISTS',
        message: expect.stringContaining(path + ending) as string,
      });
      expect(existsSync(path)).toBe(false);
      expect(existsSync(path + ending)).toBe(true);
    });
  });

  test('behind a link the file itself is exchanged, and the link stays', async () => {
    makeBank(path, 'wal');
    const link = join(folder.path, 'link.sqlite');
    symlinkSync(path, link);
    const database = openFile(link, scratch);
    await take(database, copy, signal());
    damageIt();
    await prepare(database);
    await database.swap({ replacement, previous }, 'refuse', signal());
    expect(rowsOf(link, 'select count(*) as rows from accounts')).toEqual([{ rows: 1000 }]);
    expect(readdirSync(data).toSorted()).toEqual(['bank.sqlite', previous]);
    expect(readdirSync(folder.path).toSorted()).toEqual(
      ['copy.sqlite', 'data', 'link.sqlite', 'scratch'].filter((name) => existsSync(join(folder.path, name))),
    );
  });

  test('an existing file is never overwritten by what is kept', async () => {
    makeBank(path, 'delete');
    const database = openFile(path, scratch);
    await take(database, copy, signal());
    await prepare(database);
    linkSync(copy, join(data, previous));
    await expect(database.swap({ replacement, previous }, 'refuse', signal())).rejects.toMatchObject({
      code: 'DATABASE_EXISTS',
    });
    expect(readdirSync(data)).toContain(replacement);
  });
});

test.each(['wal', 'delete'])(
  'S14 in the mode %s a swap killed at any moment leaves the old or the new database whole',
  async (mode) => {
    const seen = new Set<string>();
    for (let round = 0; round < 16; round += 1) {
      await using other = await temporaryFolder();
      const live = join(other.path, 'live');
      const names = {
        live,
        replacement: join(other.path, 'new'),
        previous: join(other.path, 'old'),
        unlocked: false,
        busyMs: 500,
      };
      makeBank(live, mode, 'insert into transfers (amount) values (1)');
      makeBank(names.replacement, mode);
      const session = startSession(live);
      // Until it has answered once, it is still being started.
      await session.ask('isFrozen', {}, signal());
      const controller = new AbortController();
      const asked = session.ask('exchange', names, controller.signal).catch((error: unknown) => error);
      // The last one is left alone.
      if (round < 15) setTimeout(() => controller.abort(), round * 2);
      await asked;
      await session[Symbol.asyncDispose]();
      expect(rowsOf(live, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      const isNew = transfers(live) === 0;
      const rest = isNew ? names.previous : names.replacement;
      expect(rowsOf(rest, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      expect(transfers(rest)).toBe(isNew ? 1 : 0);
      seen.add(isNew ? 'new' : 'old');
    }
    expect([...seen].toSorted()).toEqual(['new', 'old']);
  },
);

test('a program that could not be seen cannot write into the old file either', async () => {
  makeBank(path, 'delete');
  await using writer = await startWriter(path, 'idle');
  // What a swap does, by somebody who does not look first.
  const { renameSync } = await import('node:fs');
  copyFileSync(path, join(data, 'new'));
  linkSync(path, join(data, previous));
  renameSync(join(data, 'new'), path);
  writer.tell('write');
  await until(() => writer.said.length > 1, 'an answer');
  expect(writer.said[1]).toMatch(/readonly/);
  expect(transfers(path)).toBe(0);
  expect(transfers(join(data, previous))).toBe(0);
});

describe('scratch databases', () => {
  test('in a folder that does not exist there is no place for one', async () => {
    makeBank(path, 'delete');
    const database = openFile(path, scratch);
    const elsewhere = database.at('sqlite:///nowhere/at/all.sqlite');
    await expect(elsewhere.create(await database.probe(signal()), 'x', signal())).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
    });
    expect(await elsewhere.target(signal())).toBeNull();
  });

  test('S14 leftovers are named, only what is marked is dropped, and nothing foreign is touched', async () => {
    makeBank(path, 'wal');
    const database = openFile(path, scratch);
    await take(database, copy, signal());
    const beside = database.named(replacement);
    const facts = await database.probe(signal());
    await beside.create(facts, 'restore of bank', signal());
    await beside.load(stored(copy), wholeLoad, signal());
    runIn(join(data, 'other.sqlite'), 'create table t (a)');
    expect(await database.leftovers(signal())).toMatchObject([
      { database: replacement, note: 'restore of bank', createdAt: expect.any(String) },
    ]);
    await expect(beside.create(facts, 'again', signal())).rejects.toMatchObject({ code: 'DATABASE_EXISTS' });
    await expect(database.named('other.sqlite').drop({ unmarked: false }, signal())).rejects.toMatchObject({
      code: 'DATABASE_NOT_OURS',
    });
    await beside.dress(facts, signal());
    expect(await database.leftovers(signal())).toEqual([
      { database: replacement, note: 'proven, but killed before its swap', createdAt: null },
    ]);
    await expect(beside.drop({ unmarked: false }, signal())).rejects.toMatchObject({ code: 'DATABASE_NOT_OURS' });
    await beside.drop({ unmarked: true }, signal());
    await beside.drop({ unmarked: false }, signal());
    expect(readdirSync(data).toSorted()).toEqual(['bank.sqlite', 'other.sqlite']);
  });

  test('S14 a file that was to be dropped, and is still there, is named as a leftover', async () => {
    makeBank(path, 'delete');
    const database = openFile(path, scratch);
    const kept = join(data, previous);
    copyFileSync(path, kept);
    // What cannot be removed like a file.
    await mkdir(`${kept}-wal`);
    expect(await database.leftovers(signal())).toEqual([]);
    await expect(database.named(previous).drop({ unmarked: true }, signal())).rejects.toThrow();
    expect(await database.leftovers(signal())).toMatchObject([
      { database: previous, note: expect.stringContaining('was to be dropped') },
    ]);
    rmSync(`${kept}-wal`, { recursive: true });
    await database.named(previous).drop({ unmarked: false }, signal());
    expect(readdirSync(data)).toEqual(['bank.sqlite']);
  });

  test('a temporary one lies apart and goes with everything in it', async () => {
    makeBank(path, 'wal');
    const database = openFile(path, scratch);
    const { counts, facts } = await take(database, copy, signal());
    {
      await using place = await database.temporary({ serverVersion: facts.serverVersion, roles: [] }, signal());
      await place.create(facts, 'drill', signal());
      await place.load(stored(copy), wholeLoad, signal());
      expect(await place.count({ tables: null, sequences: true, fingerprints: false }, signal())).toEqual(counts);
      expect(
        await place.ask(['select count(*) = 1000 from accounts', 'select 7', 'select 1 from accounts'], signal()),
      ).toEqual([
        { query: 'select count(*) = 1000 from accounts', ok: true, detail: 'true' },
        { query: 'select 7', ok: false, detail: 'answered 7, which is neither 1 nor 0' },
        { query: 'select 1 from accounts', ok: false, detail: 'answered with 1000 rows instead of one' },
      ]);
    }
    expect(readdirSync(scratch)).toEqual([]);
    expect(readdirSync(data)).toEqual(['bank.sqlite']);
  });

  test('S4 S5 what is cut off, flipped or foreign is refused when it is read and when it is loaded', async () => {
    makeBank(path, 'delete', `insert into transfers (amount, text) select id, 'some text ' || id from accounts;`);
    const database = openFile(path, scratch);
    await take(database, copy, signal());
    const whole = readFileSync(copy);
    const flipped = Buffer.from(whole);
    flipped.fill(0xff, 4096 * 2, 4096 * 2 + 200);
    const bad = join(folder.path, 'bad.sqlite');
    const facts = await database.probe(signal());
    for (const bytes of [whole.subarray(0, whole.length / 2), flipped, Buffer.alloc(8192, 'x')]) {
      writeFileSync(bad, bytes);
      await expect(database.readThrough(stored(bad), signal())).rejects.toMatchObject({ kind: 'integrity' });
      const beside = database.named(replacement);
      await beside.create(facts, 'restore', signal());
      await expect(beside.load(stored(bad), wholeLoad, signal())).rejects.toMatchObject({ kind: 'integrity' });
      await beside.drop({ unmarked: false }, signal());
    }
    expect(await database.readThrough(stored(copy), signal())).toEqual({ entries: 4 });
    expect(
      (await database.contents(stored(copy), signal())).map(({ kind, schema, name }) => [kind, schema, name]),
    ).toEqual([
      ['TABLE', '', 'accounts'],
      ['TABLE', '', 'transfers'],
      ['TABLE', '', 'sqlite_sequence'],
      ['INDEX', '', 'by_amount'],
    ]);
    // Looking at a stored file leaves nothing beside it.
    expect(readdirSync(folder.path).filter((name) => name.startsWith('copy'))).toEqual(['copy.sqlite']);
  });
});

describe('S18 hostile names', () => {
  test.each([
    'quo"te\'s.db',
    'spaces and ünïcode ☃.db',
    '$(touch x);--.db',
    '-rf',
    'per%20cent?#.db',
    'line\nbreak',
    'back\\slash.db',
    'para\u2028graph',
  ])('%j', async (name) => {
    const file = join(data, name);
    makeBank(file, 'wal');
    await using _writer = await startWriter(file, 'run', 5);
    const database = openFile(file, scratch);
    const { counts } = await take(database, copy, signal());
    await _writer.kill('SIGTERM');
    const beside = database.named(`${name}_restoring_1`);
    const facts = await database.probe(signal());
    await beside.create(facts, 'restore', signal());
    await beside.load(stored(copy), wholeLoad, signal());
    await beside.dress(facts, signal());
    await database.swap({ replacement: beside.name, previous: `${name}_before_1` }, 'refuse', signal());
    expect(await database.count({ tables: null, sequences: true, fingerprints: false }, signal())).toEqual(counts);
    expect(readdirSync(data).toSorted()).toEqual([name, `${name}_before_1`].toSorted());
  });

  test.each(['../up', 'a/b', '', '..', 'a\0b'])('%j is no file beside the database', (name) => {
    expect(() => openFile(path, scratch).named(name)).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }));
  });
});

describe('a file that was not made here', () => {
  const opening = () => {
    const { recognise } = openFile(path, scratch);
    return openForeignDump({ path: join(data, 'foreign.db'), scratch, recognise, signal: signal() });
  };
  const copyWith = (ending: string) => {
    copyFileSync(path, join(data, 'foreign.db'));
    copyFileSync(path + ending, join(data, `foreign.db${ending}`));
  };

  test('S4 is refused while a part of it is in the log of a killed program', async () => {
    makeBank(path, 'wal');
    await using writer = await startWriter(path, 'run', 1);
    await until(() => statSync(`${path}-wal`).size > 100_000, 'a log');
    await writer.kill('SIGKILL');
    copyWith('-wal');
    await expect(opening()).rejects.toMatchObject({
      code: 'FILE_INCOMPLETE',
      message: expect.stringContaining('foreign.db-wal'),
    });
    // As the hint says.
    runIn(join(data, 'foreign.db'), 'select count(*) from sqlite_schema');
    expect(await opening()).toMatchObject({ format: 'file' });
    expect(transfers(join(data, 'foreign.db'))).toBeGreaterThan(30);
  });

  test('S4 or while its journal would take a part of it back', async () => {
    makeBank(path, 'delete');
    await using writer = await startWriter(path, 'stop');
    await writer.kill('SIGKILL');
    copyWith('-journal');
    await expect(opening()).rejects.toMatchObject({ code: 'FILE_INCOMPLETE' });
  });

  test.each(['persist', 'truncate'])('but not for what the mode %s leaves', async (mode) => {
    makeBank(path, mode);
    copyWith('-journal');
    expect(await opening()).toMatchObject({ format: 'file' });
  });
});

test('S24 questions read, and reach no other file', async () => {
  makeBank(path, 'delete');
  runIn(join(data, 'secret.sqlite'), `create table s (a); insert into s values (1)`);
  const database = openFile(path, scratch);
  const queries = [
    'delete from accounts',
    `attach '${join(data, 'secret.sqlite')}' as s`,
    'create table x (a)',
    `select load_extension('x')`,
    'select * from missing',
  ];
  for (const { ok } of await database.ask(queries, signal())) expect(ok).toBe(false);
  await expect(database.select('delete from accounts', signal())).rejects.toMatchObject({ code: 'DATABASE_READ_ONLY' });
  expect(
    await database.select(
      `select 9007199254740993 as big, 5 as small, x'0102' as bytes, null as none, 1.5 as real`,
      signal(),
    ),
  ).toEqual([{ big: '9007199254740993', small: 5, bytes: Buffer.from([1, 2]), none: null, real: 1.5 }]);
  expect(rowsOf(path, 'select count(*) as rows from accounts')).toEqual([{ rows: 1000 }]);
  using db = new DatabaseSync(path);
  expect(db.isOpen).toBe(true);
});

/** The processes of this one that work on a file. */
function killSqlite(): void {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  for (const pid of children.filter((each) => each !== '')) {
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sqlite')) process.kill(Number(pid), 'SIGKILL');
  }
}

function runCommand(command: string): void {
  execFileSync('sh', ['-c', command]);
}
