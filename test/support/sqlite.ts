import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger, type Logger } from '../../src/base/logger.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import type { Counts, Database, DatabaseFacts, StoredDump } from '../../src/engines/engine.ts';
import { databaseSchema } from '../../src/engines/sqlite/options.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import { until } from './until.ts';

/** The file as the engine sees it. */
export function openFile(
  path: string,
  scratch: string,
  dump: object = {},
  busyTimeout = '20s',
  logger: Logger = silentLogger,
): Database {
  return sqlite.connect(
    {
      database: databaseSchema.parse({ engine: 'sqlite', path, busyTimeout }),
      via: null,
      dump: dumpSchema.parse(dump),
    },
    { clock: systemClock, logger, scratch },
  );
}

/** Runs statements in the file with a connection of this process, and closes it. */
export function runIn(path: string, sql: string): void {
  using db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.exec(sql);
}

export function rowsOf(path: string, sql: string): Record<string, unknown>[] {
  // Not read only: such a reader leaves the files of a log behind.
  using db = new DatabaseSync(path);
  return db
    .prepare(sql)
    .all()
    .map((row) => ({ ...row }));
}

/** A thousand accounts with 100 each, and where transfers are noted. */
export function makeBank(path: string, mode: string, extra = ''): void {
  runIn(
    path,
    `pragma journal_mode = ${mode};
     create table accounts (id integer primary key, balance integer not null);
     create table transfers (id integer primary key autoincrement, amount integer not null, text text);
     create index by_amount on transfers (amount);
     insert into accounts with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) select i, 100 from n;
     ${extra}`,
  );
}

/** The processes that keep a lock on the file, as the system tells. */
export function lockersOf(path: string): number[] {
  const { ino } = statSync(path);
  const lines = readFileSync('/proc/locks', 'utf8').trim().split('\n');
  const locks = lines.map((line) => /(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) \S+ \S+$/.exec(line));
  return [...new Set(locks.flatMap((lock) => (lock?.[2] === String(ino) ? [Number(lock[1])] : [])))];
}

export interface Writer extends AsyncDisposable {
  pid: number;
  said: string[];
  tell(line: string): void;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Another process that has the file open. */
export async function startWriter(
  path: string,
  what: 'run' | 'idle' | 'begin' | 'stop',
  pauseMs = 0,
  journal = '',
): Promise<Writer> {
  const program = join(import.meta.dirname, 'sqlite-writer.ts');
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, path, what, String(pauseMs), journal],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const said: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => said.push(...text.split('\n').filter(Boolean)));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await until(() => said.includes('ready') || child.exitCode !== null, 'the writer is ready');
  if (child.exitCode !== null) throw new Error('the writer ended early');
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  return {
    pid: child.pid ?? -1,
    said,
    tell: (line) => child.stdin.write(`${line}\n`),
    kill,
    [Symbol.asyncDispose]: () => kill('SIGKILL'),
  };
}

export interface Taken {
  facts: DatabaseFacts;
  counts: Counts;
  warnings: string[];
  isolation: string;
}

/** A backup without archive and compression: the one part, as a file. */
export async function take(database: Database, to: string, signal: AbortSignal): Promise<Taken> {
  await using snapshot = await database.open({ folders: false }, signal);
  const counting = snapshot.count(signal);
  counting.catch(() => undefined);
  for await (const part of snapshot.parts(signal)) {
    if (part.kind !== 'stream') throw new Error('a stream was expected');
    await pipeline(part.open(signal), createWriteStream(to, { mode: 0o600 }));
  }
  const counts = await snapshot.settleSequences(await counting, signal);
  return { facts: snapshot.facts, counts, warnings: snapshot.warnings, isolation: snapshot.snapshot.isolation };
}

export function stored(path: string, trusted = true): StoredDump {
  return {
    format: 'file',
    trusted,
    rawBytes: null,
    open: async () => createReadStream(path),
    locally: async () => ({ path, [Symbol.asyncDispose]: async () => undefined }),
  };
}
