import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { Database, DumpFormat, StoredDump } from '../../src/engines/engine.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import { databaseSchema } from '../../src/engines/postgres/options.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { readTocOfFolder, readTocOfStream, type TocEntry } from '../../src/engines/postgres/read/toc.ts';
import { clientTools, type TestPostgres } from './postgres.ts';

const run = promisify(execFile);

/** A folder for a test's files, gone when disposed. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface OpenOptions {
  /** Major version of the client tools; default the server's, and Debian's where those are not installed. */
  tools?: number;
  login?: { user: string; password: string };
  scratch: string;
}

/** The database as the engine sees it. */
export function openDatabase(server: TestPostgres, name: string, options: OpenOptions): Database {
  const folder = clientTools(options.tools ?? server.major);
  return postgres.connect(
    {
      database: databaseSchema.parse({
        url: server.url(name, options.login),
        ssl: 'disable',
        ...(folder === null ? {} : { tools: folder }),
      }),
      via: null,
      dump: dumpSchema.parse({ lockTimeout: '2s' }),
    },
    { clock: systemClock, logger: silentLogger, scratch: options.scratch },
  );
}

/** Dumps with the stock tool, without this program. */
export async function stockDump(
  server: TestPostgres,
  database: string,
  format: DumpFormat,
  path: string,
  options: { tools?: number; args?: string[] } = {},
): Promise<StoredDump> {
  const folder = clientTools(options.tools ?? server.major);
  const args = [`--format=${format}`, `--file=${path}`, ...(options.args ?? []), '--dbname', server.url(database)];
  await run(join(folder ?? '', 'pg_dump'), args);
  return storedDump(path, format);
}

export function storedDump(path: string, format: DumpFormat, trusted = true): StoredDump {
  return {
    format,
    trusted,
    rawBytes: null,
    open: async () => createReadStream(path),
    locally: async () => ({ path, [Symbol.asyncDispose]: async () => undefined }),
  };
}

/** What a dump of the database would hold, without numbers that differ from database to database. */
export async function shapeOf(server: TestPostgres, database: string, tools?: number): Promise<string[]> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'shape');
  await stockDump(server, database, 'custom', path, {
    args: ['--schema-only'],
    ...(tools === undefined ? {} : { tools }),
  });
  const { entries } = await readTocOfStream(createReadStream(path), 'custom');
  return entries.map(shapeOfEntry).toSorted();
}

export async function entriesOf(dump: StoredDump): Promise<TocEntry[]> {
  if (dump.format !== 'directory') {
    return (await readTocOfStream(await dump.open(AbortSignal.timeout(10_000)), dump.format)).entries;
  }
  await using local = await dump.locally(AbortSignal.timeout(10_000));
  return (await readTocOfFolder(local.path)).entries;
}

function shapeOfEntry({ kind, schema, name, owner, definition }: TocEntry): string {
  return JSON.stringify([kind, schema, name, owner, definition]);
}
