import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatBytes } from '../src/base/units.ts';
import { startPostgres, type Major } from '../test/support/postgres.ts';
import { dataStatements, type DataKind } from './data.ts';
import { backupBounds, backupFindings } from './backup-findings.ts';
import { database, environment, run, shell, writeConfig, type Place } from './place.ts';
import type { Finding } from './report.ts';
import { restoreFindings } from './restore-findings.ts';
import { benchmarkStorages } from './storages.ts';
import { rounds, say, type Contender, type Restorer, type Taken } from './rounds.ts';

export interface ClientTask {
  major: Major;
  /** The folder with pg_dump and pg_restore. */
  tools: string;
  /** Of the dump's text. */
  bytes: number;
  runs: number;
  program: string;
  backups: boolean;
  restores: boolean;
  storages: boolean;
  data: DataKind;
  signal: AbortSignal;
}

const copy = 'bench_copy';

/** One version of PostgreSQL: data, then rounds in which everyone takes a turn, each round beginning with another one. */
export async function benchmarkClient(task: ClientTask): Promise<Finding[]> {
  const { major, bytes, runs, program, signal } = task;
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const server = cleanup.use(await startPostgres({ version: major, settings: serverSettings }));
  const env = environment(server, task.tools);
  const place: Place = { folder, program, server, tools: task.tools, env, globals: true, signal };
  place.globals = await hasWorkingDumpall(place);
  await fill(place, bytes, task.data);

  const zstd = major >= 16;
  const raw = Number((await shell(place, `pg_dump -Fc -Z0 -d ${database} | wc -c`)).stdout);
  say(`server ${server.version}: ${formatBytes(raw)} of dump text`);
  const title = `client ${major}, ${formatBytes(raw)}`;
  const findings: Finding[] = [];
  if (task.storages) findings.push(...(await benchmarkStorages(place, title, runs)));
  if (!task.backups && !task.restores) return findings;
  await configure(place);
  const all: readonly Contender[] = task.backups ? contendersOf(zstd) : ['directory', 'custom'];
  const backups = await rounds<Contender>(
    runs,
    all,
    (who, last) => takeTurn(place, who, last),
    signal,
    task.backups ? { directory: 'limit', custom: 'limit' } : {},
  );
  if (task.backups) findings.push(...backupFindings(title, backups, backupBounds(zstd)));
  if (!task.restores) return findings;
  const restores = await rounds<Restorer>(
    runs,
    ['pg_restore directory', 'directory', 'pg_restore custom', 'custom'],
    (who) => bringBack(place, who),
    signal,
  );
  return [...findings, ...restoreFindings(title, restores)];
}

/** What a server for this purpose has: enough cache, no work of its own in the middle of a measurement. */
const serverSettings = {
  shared_buffers: '256MB',
  maintenance_work_mem: '128MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  wal_level: 'minimal',
  max_wal_senders: '0',
  autovacuum: 'off',
};

function contendersOf(zstd: boolean): Contender[] {
  return ['limit', 'gzip', 'pg_dump -Fc', ...(zstd ? (['zstd:5'] as const) : []), 'directory', 'custom'];
}

async function takeTurn(place: Place, who: Contender, last: boolean): Promise<Taken> {
  const file = join(place.folder, 'dump');
  const lines = {
    limit: `pg_dump -Fc -Z0 -d ${database} >/dev/null`,
    gzip: `pg_dump -d ${database} | gzip >${file}`,
    'pg_dump -Fc': `pg_dump -Fc -d ${database} >${file}`,
    'zstd:5': `pg_dump -Fc --compress=zstd:5 -d ${database} >${file}`,
  };
  if (who === 'directory' || who === 'custom') return backUp(place, who, last);
  const measured = await shell(place, lines[who]);
  const stored = who === 'limit' ? 0 : Number((await shell(place, `stat -c %s ${file}`)).stdout);
  await rm(file, { force: true });
  return { ...measured, ...(stored > 0 ? { bytes: stored } : {}) };
}

/** From the start of the command until the backup was sealed, without the structure check and the retention that follow. */
async function backUp(place: Place, source: 'directory' | 'custom', last: boolean): Promise<Taken> {
  const measured = await run(place, ['backup', source, '--json']);
  const { bytes, verifyMs, sealedAt } = JSON.parse(measured.stdout) as {
    bytes: number;
    verifyMs: number;
    sealedAt: string;
  };
  // The last one is what the restores read.
  if (!last) await rm(join(place.folder, 'backups', source), { recursive: true });
  return { ...measured, bytes, seconds: (Date.parse(sealedAt) - measured.startedAt) / 1000, apart: verifyMs / 1000 };
}

async function bringBack(place: Place, who: Restorer): Promise<Taken> {
  const format = who.endsWith('directory') ? 'directory' : 'custom';
  try {
    if (who === 'directory' || who === 'custom') {
      const measured = await run(place, ['restore', 'latest', '--source', format, '--into', copy, '--yes', '--json']);
      const { loadSeconds } = JSON.parse(measured.stdout) as { loadSeconds: number };
      return { ...measured, seconds: loadSeconds, apart: measured.seconds - loadSeconds };
    }
    await place.server.createDatabase(copy);
    return await shell(place, await restoreLine(place, format));
  } finally {
    await place.server.sql('postgres', `drop database if exists ${copy}`);
  }
}

/** The same files, with stock tools. */
async function restoreLine(place: Place, format: 'directory' | 'custom'): Promise<string> {
  const source = join(place.folder, 'backups', format);
  const id = (await readdir(source)).find((name) => /^\d{4}-/.test(name));
  if (id === undefined) throw new Error(`no backup in ${source}`);
  if (format === 'directory') return `pg_restore -j2 -d ${copy} ${join(source, id, 'database.dir')}`;
  const file = (await readdir(join(source, id))).find((name) => name.startsWith('database.dump'));
  const path = join(source, id, file ?? 'database.dump');
  return path.endsWith('.zst') ? `zstd -dcq ${path} | pg_restore -d ${copy}` : `pg_restore -d ${copy} ${path}`;
}

async function fill({ server, signal }: Place, bytes: number, data: DataKind): Promise<void> {
  say(`server ${server.version}: making ${formatBytes(bytes)} ...`);
  await server.createDatabase(database);
  await using session = await server.session(database);
  for (const statement of dataStatements(bytes, data)) {
    signal.throwIfAborted();
    await session.query(statement);
  }
}

async function configure(place: Place): Promise<void> {
  await writeConfig(place, {
    sources: { directory: { dump: { format: 'directory' } }, custom: { dump: { format: 'custom' } } },
    storages: { local: { type: 'local', path: './backups' } },
  });
}

async function hasWorkingDumpall(place: Place): Promise<boolean> {
  try {
    await shell(place, 'pg_dumpall --globals-only >/dev/null');
    return true;
  } catch {
    say('pg_dumpall of these tools does not run (unpacked tools cannot call each other): roles are left out');
    return false;
  }
}
