import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Logger } from '../../src/base/logger.ts';
import type { Counts, Snapshot } from '../../src/engines/engine.ts';
import { mayClone } from '../../src/engines/sqlite/room.ts';
import { usersOf } from '../../src/engines/sqlite/users.ts';
import { smallDisk } from '../support/small-disk.ts';
import { lockersOf, makeBank, openFile, rowsOf, startWriter } from '../support/sqlite.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

/**
 * Files with a rollback journal that are too large to be copied in no time: read where they lie as long as nobody wants to write. One
 * file because all of it is one promise to writers.
 */
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
const large = `create table blobs (content); insert into blobs with recursive n(i) as (select 1 union all select i + 1 from n where i < 72) select randomblob(1000000) from n;`;
// A list of the tables is one statement, and takes four times as long for each of these.
const views = Array.from({ length: 13 }, (_, n) => `create view v${n + 1} as select x.id from v${n} x, v${n} y;`);
const slowlyCounted = `create view v0 as select id from accounts; ${views.join('')}`;
const wanted = 'because somebody wants to write';
const waited = 'may have waited long enough';

/** A backup whose storage takes what a test asks for, and no more. */
interface Slow extends AsyncDisposable {
  snapshot: Snapshot;
  said: string[];
  /** Reads on until the storage has so many bytes; all without a number. */
  read(bytes?: number): Promise<void>;
  /** What was read, as a file. */
  keep(): void;
  copies(): string[];
}

async function backUpSlowly(
  options: { signal?: AbortSignal; scratch?: string; said?: string[]; hear?: (line: string) => void } = {},
): Promise<Slow> {
  const { said = [] } = options;
  const logger: Logger = {
    log: (_level, line) => {
      said.push(line);
      options.hear?.(line);
    },
  };
  const place = options.scratch ?? scratch;
  const over = options.signal ?? signal();
  const snapshot = await openFile(path, place, {}, '20s', logger).open({ folders: false }, over);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const pieces = (async function* () {
    for await (const part of snapshot.parts(over)) {
      if (part.kind !== 'stream') throw new Error('a stream was expected');
      for await (const chunk of part.open(over) as AsyncIterable<Buffer>) yield Buffer.from(chunk);
    }
  })();
  return {
    snapshot,
    said,
    read: async (most = Number.POSITIVE_INFINITY) => {
      while (bytes < most) {
        const { value, done } = await pieces.next();
        if (done) return;
        chunks.push(value);
        bytes += value.length;
      }
    },
    keep: () => writeFileSync(copy, Buffer.concat(chunks)),
    copies: () => readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('copy')),
    [Symbol.asyncDispose]: async () => {
      await snapshot[Symbol.asyncDispose]();
      await pieces.return(undefined);
    },
  };
}

/** A machine with other work may take longer for it than the file is held: then it is tried again, from the beginning. */
async function inTime(work: (said: string[]) => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const said: string[] = [];
    try {
      return await work(said);
    } catch (error) {
      if (attempt === 5 || !said.some((line) => line.includes(waited))) throw error;
    }
    for (const ending of ['', '-journal']) rmSync(path + ending, { force: true });
  }
}

/** What must be true of every state there ever was; returns how many transfers this one has. */
function expectConsistent(file: string, counts: Counts): number {
  expect(rowsOf(file, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  const [state] = rowsOf(
    file,
    'select (select sum(balance) from accounts) as sum, (select count(*) from transfers) as transfers, (select count(*) from blobs) as blobs',
  );
  expect(state).toMatchObject({ sum: 100_000, blobs: 72 });
  const transfers = Number(state?.['transfers']);
  expect(transfers % 10).toBe(0);
  const rows = Object.fromEntries(counts.tables.map((table) => [table.name, table.rows]));
  expect(rows).toMatchObject({ accounts: 1000, transfers, blobs: 72 });
  return transfers;
}

async function expectNoLocks(): Promise<void> {
  await until(() => lockersOf(path).length === 0, 'nobody keeps the file', 10_000);
}

const isolation = ({ snapshot }: Slow) => snapshot.snapshot.isolation;

describe('nobody wants to write', () => {
  test.each(['delete', 'truncate', 'persist'])(
    'in the mode %s no copy is made, and the file is kept until all is read and counted',
    async (mode) =>
      inTime(async (said) => {
        makeBank(path, mode, large);
        await using backup = await backUpSlowly({ said });
        const counting = backup.snapshot.count(signal());
        for (const megabytes of [10, 40, 70]) {
          await backup.read(megabytes * 1_000_000);
          expect(backup.copies()).toEqual([]);
          expect(lockersOf(path)).not.toEqual([]);
        }
        await backup.read();
        const counts = await counting;
        expect(backup.copies()).toEqual([]);
        expect(isolation(backup)).toBe('read-transaction');
        // The snapshot is still open: the backup is read back and copied elsewhere meanwhile.
        await expectNoLocks();
        expect(isolation(backup)).toBe('read-transaction');
        backup.keep();
        expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
        expect(expectConsistent(copy, counts)).toBe(0);
      }),
  );

  test('a small file is copied at once, whoever stores it', async () => {
    makeBank(path, 'delete');
    await using backup = await backUpSlowly();
    await expectNoLocks();
    expect(isolation(backup)).toBe('copy');
  });
});

describe('S1 somebody wants to write while the storage is slow', () => {
  test.each([
    ['delete', 1_000_000],
    ['truncate', 1_000_000],
    ['persist', 1_000_000],
    ['delete', 60_000_000],
  ])('in the mode %s he waits for a copy, which goes on after %d bytes', async (mode, bytes) =>
    inTime(async (said) => {
      makeBank(path, mode, large);
      await using writer = await startWriter(path, 'idle', 0, mode);
      await using backup = await backUpSlowly({ said });
      const counts = await backup.snapshot.count(signal());
      await backup.read(bytes);
      expect(isolation(backup)).toBe('read-transaction');
      writer.tell('go on');
      await until(() => writer.said.includes('written'), 'the transfer is committed', 10_000);
      expect(backup.said.join('\n')).toContain(wanted);
      expect(isolation(backup)).toBe('copy');
      // What was read and counted is not copied, unless that would have been for nothing.
      const { size, blocks } = statSync(join(scratch, backup.copies()[0] ?? ''));
      expect(size).toBe(statSync(path).size);
      if (!(await mayClone(path, scratch))) expect(blocks * 512).toBeLessThanOrEqual(size - bytes + 1_000_000);
      await backup.read();
      backup.keep();
      expect(expectConsistent(copy, counts)).toBe(0);
      expect(rowsOf(path, 'select count(*) as rows from transfers')).toEqual([{ rows: 10 }]);
    }),
  );

  test.each([
    ['before anything is read', 0],
    ['when everything is read', Number.POSITIVE_INFINITY],
  ])('%s and counted', async (_when, bytes) => {
    makeBank(path, 'delete', large);
    await using writer = await startWriter(path, 'idle');
    await using backup = await backUpSlowly();
    await backup.read(bytes);
    writer.tell('go on');
    await until(() => writer.said.includes('written'), 'the transfer is committed', 10_000);
    const counting = backup.snapshot.count(signal());
    await backup.read();
    backup.keep();
    expect(expectConsistent(copy, await counting)).toBe(0);
  });

  test('who comes while tables are counted need not wait for that', async () =>
    inTime(async (said) => {
      makeBank(path, 'delete', `${large} ${slowlyCounted}`);
      await using writer = await startWriter(path, 'idle');
      await using backup = await backUpSlowly({ said });
      let isCounted = false;
      const counting = backup.snapshot.count(signal()).finally(() => (isCounted = true));
      await until(() => lockersOf(path).length === 2, 'it is being counted');
      writer.tell('go on');
      await until(() => writer.said.includes('written'), 'the transfer is committed', 10_000);
      expect(backup.said.join('\n')).toContain(wanted);
      expect(isCounted).toBe(false);
      expect(isolation(backup)).toBe('copy');
      await backup.read();
      backup.keep();
      expect(expectConsistent(copy, await counting)).toBe(0);
    }));

  test.each(['memory', 'off'])('in the mode %s he is not seen, and does not wait for long', async (mode) => {
    makeBank(path, 'delete', large);
    await using writer = await startWriter(path, 'idle', 0, mode);
    await using backup = await backUpSlowly();
    const counting = backup.snapshot.count(signal());
    await backup.read(1_000_000);
    writer.tell('go on');
    await until(() => writer.said.includes('written'), 'the transfer is committed', 10_000);
    expect(backup.said.join('\n')).toContain(waited);
    await backup.read();
    backup.keep();
    expect(expectConsistent(copy, await counting)).toBe(0);
  });

  test('who wants all of the lock at once is not seen either, and lets nobody begin to count', async () => {
    makeBank(path, 'delete', large);
    await using backup = await backUpSlowly();
    await backup.read(1_000_000);
    const script = `const { DatabaseSync } = require('node:sqlite');
      const db = new DatabaseSync(process.argv[1], { timeout: 20000 });
      db.exec('begin exclusive; insert into transfers (amount) values (1); commit');`;
    const writer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script, path], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = once(writer, 'close');
    await until(() => lockersOf(path).includes(writer.pid ?? -1), 'it waits for the lock');
    const counting = backup.snapshot.count(signal());
    expect(await ended).toEqual([0, null]);
    expect(backup.said.join('\n')).toContain(waited);
    await backup.read();
    backup.keep();
    expect(expectConsistent(copy, await counting)).toBe(0);
  });

  test('several one after the other wait for one copy', async () => {
    makeBank(path, 'delete', large);
    await using one = await startWriter(path, 'idle');
    await using two = await startWriter(path, 'idle', 0, 'truncate');
    await using three = await startWriter(path, 'idle', 0, 'memory');
    await using backup = await backUpSlowly();
    const counting = backup.snapshot.count(signal());
    await backup.read(1_000_000);
    for (const writer of [one, two, three]) {
      writer.tell('go on');
      await until(() => writer.said.includes('written'), 'the transfer is committed', 10_000);
    }
    await backup.read();
    backup.keep();
    expect(expectConsistent(copy, await counting)).toBe(0);
    expect(rowsOf(path, 'select count(*) as rows from transfers')).toEqual([{ rows: 30 }]);
    expect(backup.copies()).toHaveLength(1);
  });

  test('who is in the middle of writing when it begins finds it copied at once', async () => {
    makeBank(path, 'delete', large);
    await using writer = await startWriter(path, 'begin');
    await using backup = await backUpSlowly();
    expect(backup.said.join('\n')).toContain('copied first');
    writer.tell('go on');
    await until(() => writer.said.includes('written'), 'the transfer is committed', 10_000);
    const counting = backup.snapshot.count(signal());
    await backup.read();
    backup.keep();
    expect(expectConsistent(copy, await counting)).toBe(0);
  });

  test('many who write at random: every backup is one of their states', { timeout: 300_000 }, async () => {
    makeBank(path, 'delete', large);
    await using _one = await startWriter(path, 'run', 1500, 'delete');
    await using _two = await startWriter(path, 'run', 700, 'persist');
    await using _three = await startWriter(path, 'run', 2100, 'memory');
    const seen: number[] = [];
    const ways = new Set<string>();
    for (let round = 0; round < 24 || (ways.size < 2 && round < 80); round += 1) {
      await using backup = await backUpSlowly();
      const counting = backup.snapshot.count(signal());
      const pauseAt = Math.random() * 75_000_000;
      await backup.read(pauseAt);
      await sleep(Math.random() * 300);
      await backup.read();
      const counts = await counting;
      backup.keep();
      seen.push(expectConsistent(copy, counts));
      ways.add(isolation(backup));
    }
    expect(seen).toEqual(seen.toSorted((one, other) => one - other));
    expect(new Set(seen).size).toBeGreaterThan(10);
    expect([...ways].toSorted()).toEqual(['copy', 'read-transaction']);
    expect(readdirSync(scratch)).toEqual([]);
  });
});

describe('what a writer has left', () => {
  test('S1 of a killed writer the hot journal is taken back before anything is read', async () => {
    makeBank(path, 'delete', large);
    await using writer = await startWriter(path, 'stop');
    await writer.kill('SIGKILL');
    expect(statSync(`${path}-journal`).size).toBeGreaterThan(0);
    await using backup = await backUpSlowly();
    const counting = backup.snapshot.count(signal());
    await backup.read();
    backup.keep();
    expect(expectConsistent(copy, await counting)).toBe(0);
    expect(isolation(backup)).toBe('read-transaction');
    expect(existsSync(`${path}-journal`)).toBe(false);
  });

  test('S1 of one that is killed while he waits nothing is in this backup, nor in the next', async () => {
    makeBank(path, 'delete', large);
    const writer = await startWriter(path, 'begin');
    await using backup = await backUpSlowly();
    await writer.kill('SIGKILL');
    for (const again of [backup, await backUpSlowly()]) {
      await using one = again;
      const counting = one.snapshot.count(signal());
      await one.read();
      one.keep();
      expect(expectConsistent(copy, await counting)).toBe(0);
    }
  });
});

describe('what may go wrong', () => {
  test.each([
    ['while it is read where it lies', false],
    ['before it is copied', true],
  ])('S1 another file in its place %s is not taken for it', async (_when, written) => {
    makeBank(path, 'delete', large);
    const other = join(folder.path, 'other.sqlite');
    makeBank(other, 'delete', `${large} delete from accounts where id > 5;`);
    await using backup = await backUpSlowly();
    await backup.snapshot.count(signal());
    await backup.read(1_000_000);
    renameSync(other, path);
    if (written) await until(() => backup.said.some((line) => line.includes(waited)), 'it is copied');
    await expect(backup.read()).rejects.toMatchObject({ code: 'DATABASE_CHANGED', retryable: true });
  });

  test.each([
    ['read', false],
    ['copied', true],
  ])('S2 a reading process that is killed while it is %s makes the backup fail', async (_what, written) => {
    makeBank(path, 'delete', large);
    await using backup = await backUpSlowly();
    const [holder] = lockersOf(path);
    await backup.read(1_000_000);
    process.kill(holder ?? -1, 'SIGKILL');
    if (written) await until(() => backup.said.some((line) => line.includes(waited)), 'it is copied');
    const counting = backup.snapshot.count(signal());
    counting.catch(() => undefined);
    await expect(backup.read()).rejects.toMatchObject({ code: 'DATABASE_CONNECTION_LOST', retryable: true });
    await expect(counting).rejects.toMatchObject({ code: 'DATABASE_CONNECTION_LOST' });
    await expectNoLocks();
  });

  test('a process that counts and is killed is not missed: the copy is counted', async () => {
    makeBank(path, 'delete', `${large} ${slowlyCounted}`);
    await using backup = await backUpSlowly();
    const [holder] = lockersOf(path);
    const counting = backup.snapshot.count(signal());
    await until(() => lockersOf(path).length === 2, 'it is being counted');
    for (const pid of lockersOf(path)) if (pid !== holder) process.kill(pid, 'SIGKILL');
    await backup.read();
    backup.keep();
    expect(expectConsistent(copy, await counting)).toBe(0);
    expect(isolation(backup)).toBe('copy');
  });

  test.each([
    ['while it is read where it lies', 'read'],
    ['while it is copied', 'copied from here on'],
  ])('S22 one that is cancelled %s leaves no lock, no process and no copy', async (_when, moment) => {
    makeBank(path, 'delete', large);
    await using writer = await startWriter(path, 'idle');
    const controller = new AbortController();
    const hear = (line: string) => {
      if (line.includes('copied from here on')) setImmediate(() => controller.abort());
    };
    const backup = await backUpSlowly({ signal: controller.signal, hear });
    const counting = backup.snapshot.count(controller.signal);
    counting.catch(() => undefined);
    await backup.read(1_000_000);
    if (moment === 'read') controller.abort();
    else writer.tell('go on');
    await until(() => controller.signal.aborted, 'it is cancelled');
    // Whoever unwinds may take his time.
    await expectNoLocks();
    await expect(backup.read()).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await backup[Symbol.asyncDispose]();
    await counting.catch(() => undefined);
    expect((await usersOf(path)).filter(({ ours }) => ours)).toEqual([]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  test('a disk that has filled up before the copy ends the backup, and keeps nobody waiting', async () => {
    await using disk = await smallDisk(100);
    if (!disk) return;
    makeBank(path, 'delete', large);
    await using writer = await startWriter(path, 'idle');
    await using backup = await backUpSlowly({ scratch: join(disk.path, 'scratch') });
    await backup.read(1_000_000);
    writeFileSync(join(disk.path, 'other'), Buffer.alloc(60_000_000));
    writer.tell('go on');
    await until(() => writer.said.includes('written'), 'the transfer is committed', 10_000);
    const counting = backup.snapshot.count(signal());
    counting.catch(() => undefined);
    await expect(backup.read()).rejects.toMatchObject({ code: 'SCRATCH_FULL' });
    await expect(counting).rejects.toMatchObject({ code: 'SCRATCH_FULL' });
    rmSync(join(disk.path, 'other'));
  });
});
