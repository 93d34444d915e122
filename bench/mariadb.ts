import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatBytes } from '../src/base/units.ts';
import { startMysql, type TestMysql } from '../test/support/mysql-server.ts';
import { besides, comparedFindings, type Bound } from './compared.ts';
import { measureShell } from './measure.ts';
import type { Finding } from './report.ts';
import { rounds, say, type Taken } from './rounds.ts';
import { backUpUntilSealed, configure, plainEnvironment, type SealedTask } from './sealed.ts';
import { fillStatements } from './shop-data.ts';

const names = {
  limit: 'mariadb-dump >/dev/null (the limit)',
  gzip: 'mariadb-dump | gzip',
  mydumper: 'mydumper -t 2',
  'mydumper -c': 'mydumper -t 2 --compress',
  plain: 'holdfast backup, plain, until sealed',
  directory: 'holdfast backup, directory, until sealed',
} as const;
type Contender = keyof typeof names;

const database = 'bench';

export interface MariadbTask {
  program: string;
  /** Of the dump's text, about. */
  bytes: number;
  runs: number;
  signal: AbortSignal;
}

/** One stream beside the dump tool that keeps nothing, and two beside the best known tool that has several. */
export async function benchmarkMariadb({ program, bytes, runs, signal }: MariadbTask): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const server = cleanup.use(await startMysql(serverSettings(bytes)));
  await fill(server, bytes, signal);

  const env = plainEnvironment();
  const options = join(folder, 'client.cnf');
  const login = `host=${server.host}\nport=${server.port}\nuser=${server.user}\npassword=${server.password}\n`;
  await writeFile(options, `[client]\n${login}[mydumper]\n${login}`, { mode: 0o600 });
  const dump = `mariadb-dump --defaults-file=${options} ${dumpOptions} ${database}`;
  const raw = Number((await measureShell(`${dump} | wc -c`, env, signal)).stdout);
  say(`MariaDB ${server.version}: ${formatBytes(raw)} of dump text`);
  const source = (format: string) => ({
    database: { engine: 'mariadb', url: server.url(database), ssl: 'disable' },
    dump: { format, jobs: format === 'directory' ? 2 : 1 },
  });
  const sources = { plain: source('plain'), directory: source('directory') };
  const task: SealedTask = { program, folder, sources, env, signal };
  await configure(task);

  const out = join(folder, 'out');
  const mydumper = `mydumper --defaults-file=${options} -B ${database} -t 2 -G -E -R -o ${out}`;
  const lines: Partial<Record<Contender, string>> = {
    limit: `${dump} >/dev/null`,
    gzip: `${dump} | gzip >${out}`,
    mydumper,
    'mydumper -c': `${mydumper} --compress`,
  };
  const turn = async (who: Contender): Promise<Taken> => {
    const line = lines[who];
    if (line === undefined) return backUpUntilSealed(task, who);
    const measured = await measureShell(line, env, signal);
    if (who === 'limit') return measured;
    const stored = Number((await measureShell(`du -sb ${out} | cut -f1`, env, signal)).stdout);
    await rm(out, { recursive: true });
    return { ...measured, bytes: stored };
  };
  const several = existsSync('/usr/bin/mydumper');
  if (!several) say('mydumper left out: not found (Debian: apt install mydumper)');
  const all: Contender[] = ['limit', 'gzip', ...(several ? mydumpers : []), 'plain', 'directory'];
  const bounds = several ? [...usualBounds, besideMydumper] : usualBounds;
  const results = await rounds<Contender>(runs, all, turn, signal, besides(bounds));
  return comparedFindings({ group: `MariaDB, ${formatBytes(raw)}`, names, results }, bounds);
}

const mydumpers: readonly Contender[] = ['mydumper', 'mydumper -c'];

const usualBounds: readonly Bound<Contender>[] = [{ ours: 'plain', beside: 'limit', words: 'x limit', most: 1.15 }];
/** Both compress, both with two threads. */
const besideMydumper: Bound<Contender> = {
  ours: 'directory',
  beside: 'mydumper -c',
  words: 'x mydumper --compress',
  most: 1,
};

/** What a dump of ours asks for, too. */
const dumpOptions =
  '--single-transaction --quick --hex-blob --default-character-set=utf8mb4 --skip-add-locks --routines --triggers --events';

/** All in memory, as far as it goes: what is measured is dumping, not a disk. */
function serverSettings(bytes: number): Record<string, string> {
  return {
    innodb_buffer_pool_size: String(Math.max(256 * 1024 ** 2, Math.min(2 * bytes, 8 * 1024 ** 3))),
    innodb_log_file_size: '1G',
    innodb_flush_log_at_trx_commit: '0',
    max_allowed_packet: '64M',
  };
}

async function fill(server: TestMysql, bytes: number, signal: AbortSignal): Promise<void> {
  await server.sql(null, `create database ${database} character set utf8mb4`);
  await using session = await server.session(database);
  await session.query(`set sql_mode = 'PIPES_AS_CONCAT'`);
  for (const statement of fillStatements(bytes)) {
    signal.throwIfAborted();
    await session.query(statement);
  }
}
