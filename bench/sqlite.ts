import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { formatBytes } from '../src/base/units.ts';
import { besides, comparedFindings, type Bound } from './compared.ts';
import { measureShell } from './measure.ts';
import type { Finding } from './report.ts';
import { rounds, say } from './rounds.ts';
import { backUpUntilSealed, configure, plainEnvironment } from './sealed.ts';
import { fillStatements } from './shop-data.ts';

const names = {
  stock: "sqlite3 '.backup'",
  gzip: "sqlite3 '.backup', then gzip",
  holdfast: 'holdfast backup, until sealed',
} as const;
type Contender = keyof typeof names;

const bounds: readonly Bound<Contender>[] = [{ ours: 'holdfast', beside: 'stock', words: "x '.backup'", most: 1.2 }];

export interface SqliteTask {
  program: string;
  bytes: number;
  runs: number;
  signal: AbortSignal;
}

/** With a write-ahead log, as applications have it, and with the rollback journal that a file has by itself. */
export async function benchmarkSqlite(task: SqliteTask): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const journal of ['wal', 'delete']) findings.push(...(await benchmarkJournal(task, journal)));
  return findings;
}

async function benchmarkJournal({ program, bytes, runs, signal }: SqliteTask, journal: string): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  try {
    const path = join(folder, 'live.sqlite');
    fill(path, bytes, journal, signal);
    const { size } = await stat(path);
    say(`SQLite, journal ${journal}: ${formatBytes(size)}`);
    const env = plainEnvironment();
    const sources = { sqlite: { database: { engine: 'sqlite', path } } };
    const own = { program, folder, sources, env, signal };
    await configure(own);
    const copy = join(folder, 'copy.sqlite');
    const lines = {
      stock: `sqlite3 ${path} ".backup '${copy}'"`,
      gzip: `sqlite3 ${path} ".backup '${copy}'" && gzip ${copy}`,
    };
    const turn = async (who: Contender) => {
      if (who === 'holdfast') return backUpUntilSealed(own, 'sqlite');
      const measured = await measureShell(lines[who], env, signal);
      const { size: stored } = await stat(who === 'gzip' ? `${copy}.gz` : copy);
      for (const name of [copy, `${copy}.gz`]) await rm(name, { force: true });
      return { ...measured, bytes: stored };
    };
    const results = await rounds<Contender>(runs, ['stock', 'gzip', 'holdfast'], turn, signal, besides(bounds));
    return comparedFindings({ group: `SQLite, ${formatBytes(size)}, journal ${journal}`, names, results }, bounds);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function fill(path: string, bytes: number, journal: string, signal: AbortSignal): void {
  using db = new DatabaseSync(path);
  db.exec('pragma journal_mode = off; pragma synchronous = off');
  db.exec('begin');
  for (const statement of fillStatements(bytes)) {
    signal.throwIfAborted();
    db.exec(statement);
  }
  db.exec('commit');
  db.exec('vacuum');
  db.exec(`pragma journal_mode = ${journal}`);
}
