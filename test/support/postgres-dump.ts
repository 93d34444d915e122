import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { runProcess } from '../../src/base/run-process.ts';
import type { DumpPart, Snapshot } from '../../src/engines/engine.ts';
import { clientTools, startPostgres, type PostgresOptions, type TestPostgres } from './postgres.ts';
import { accessTo, type AccessOptions } from './postgres-access.ts';

const { signal } = new AbortController();

/** A server whose databases are made and dumped in tests, and a folder for what comes out. */
export interface DumpLab extends AsyncDisposable {
  readonly server: TestPostgres;
  readonly folder: string;
  /** A database with what is asked for in it. */
  databaseWith(name: string, sql: string): Promise<string>;
  access(database: string, dump?: Record<string, unknown>, options?: AccessOptions): ReturnType<typeof accessTo>;
  emptyFolder(): Promise<string>;
  /** What pg_restore sees in a dump, written as a script. */
  script(dump: Buffer): Promise<string>;
  /** Sessions of holdfast on the server, by their names. */
  ourSessions(): Promise<string[]>;
}

export async function openDumpLab(options: PostgresOptions = {}): Promise<DumpLab> {
  const server = await startPostgres(options);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-dump-test-'));
  return {
    server,
    folder,
    databaseWith: async (name, sql) => {
      await server.createDatabase(name);
      if (sql) await server.sql(name, sql);
      return name;
    },
    access: (database, dump = {}, more = {}) => accessTo(server.url(database), { dump, ...more }),
    emptyFolder: () => mkdtemp(join(folder, 'dir-')),
    script: async (dump) => {
      const path = join(folder, 'a.dump');
      await writeFile(path, dump);
      const program = join(clientTools(15) ?? '', 'pg_restore');
      return (await runProcess({ program, args: ['-f', '-', path] }, { signal })).stdout;
    },
    ourSessions: async () => {
      const names = (await server.connections()).map((each) => each.application);
      return names.filter((name) => name.startsWith('holdfast'));
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function partsOf(snapshot: Snapshot): Promise<DumpPart[]> {
  return await Array.fromAsync(snapshot.parts(signal));
}

export async function databasePart(snapshot: Snapshot): Promise<DumpPart> {
  const part = (await partsOf(snapshot)).find((each) => each.role === 'database');
  if (!part) throw new Error('no database part');
  return part;
}

export async function consume(part: DumpPart): Promise<Buffer> {
  if (part.kind === 'stream') return await buffer(part.open(signal));
  throw new Error('a stream was expected');
}

/** A little of everything that a dump treats differently. */
export const assortedTables = `
  create table users (id serial primary key, name text); insert into users (name) select 'user ' || n from generate_series(1, 50) n;
  create table empty (id int);
  create table "odd ""name""; drop" (x text); insert into "odd ""name""; drop" values ('a'), ('b');
  create unlogged table cache (x int); insert into cache values (1);
  create table measured (at date, v int) partition by range (at);
  create table measured_2025 partition of measured for values from ('2025-01-01') to ('2026-01-01');
  create table measured_2026 partition of measured for values from ('2026-01-01') to ('2027-01-01');
  insert into measured values ('2025-05-05', 1), ('2026-05-05', 2), ('2026-05-06', 3);
  create table parent (x int); create table child () inherits (parent); insert into parent values (1); insert into child values (2), (3);
  create view user_names as select name from users; create materialized view user_count as select count(*) from users;
  select lo_from_bytea(0, 'large'::bytea);`;
