import { existsSync, statSync } from 'node:fs';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Client } from 'pg';
import { Secret } from '../../src/base/secret.ts';
import { startTemporaryServer, type TemporaryServer } from '../../src/engines/postgres/temporary/temporary-server.ts';

export type Major = 14 | 15 | 16 | 17 | 18;

export interface PostgresOptions {
  /** Debian's 15 by default; the others come from npm. */
  version?: Major;
  settings?: Record<string, string>;
}

export interface Session {
  pid: number;
  database: string | null;
  application: string;
  state: string | null;
  query: string;
}

export interface TestPostgres extends AsyncDisposable {
  readonly version: string;
  readonly major: Major;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The server's own folder (data and socket). */
  readonly folder: string;
  url(database: string, login?: { user: string; password: string }): string;
  sql<Row extends object = Record<string, unknown>>(database: string, text: string, params?: unknown[]): Promise<Row[]>;
  /** A session that stays open; ends when disposed. */
  session(database: string): Promise<Client & AsyncDisposable>;
  createDatabase(name: string, options?: string): Promise<void>;
  /** All but the server's own templates. */
  databases(): Promise<string[]>;
  /** Client sessions of everybody but the asking one. */
  connections(): Promise<Session[]>;
  restart(how?: 'fast' | 'immediate'): Promise<void>;
}

/** A real server of the test's own, gone when disposed. */
export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const major = options.version ?? 15;
  const signal = new AbortController().signal;
  await using cleanup = new AsyncDisposableStack();
  const bin = await serverBin(major, cleanup);
  if (bin === null)
    throw new Error(`no PostgreSQL server ${major} for the tests: run npm ci, or install postgresql-15`);
  const server = cleanup.use(await startTemporaryServer({ bin, settings: options.settings ?? {} }, signal));
  const kept = cleanup.move();
  return {
    version: server.version,
    major,
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password.reveal(),
    folder: server.folder,
    url: (database, login) => urlOf(server, database, login),
    sql: (database, text, params) => query(server, database, text, params),
    session: (database) => openSession(server, database),
    createDatabase: async (name, extra = '') => {
      await query(server, 'postgres', `create database ${quote(name)} ${extra}`);
    },
    databases: async () => {
      const rows = await query<{ datname: string }>(
        server,
        'postgres',
        'select datname from pg_database where not datistemplate order by 1',
      );
      return rows.map((row) => row.datname);
    },
    connections: () => query<Session>(server, 'postgres', sessionsQuery),
    restart: (how = 'fast') => server.restart(how, signal),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Which servers can be started here. */
export function hasServer(major: Major): boolean {
  return majorFolder(major) !== null;
}

/** The folder of the client tools of a major version, or null where they are not installed. */
export function clientTools(major: number): string | null {
  const folders = [
    `/usr/lib/postgresql/${major}/bin`,
    join(homedir(), '.cache/postgres-clients', String(major), 'bin'),
  ];
  return folders.find((folder) => existsSync(join(folder, 'pg_dump'))) ?? null;
}

const sessionsQuery = `select pid, datname as database, application_name as application, state, query
  from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() order by pid`;

function majorFolder(major: Major): string | null {
  const packaged = resolve(import.meta.dirname, `../../node_modules/pg-server-${major}/native/bin`);
  const folders = major === 15 ? ['/usr/lib/postgresql/15/bin', packaged] : [packaged];
  return folders.find((folder) => existsSync(join(folder, 'postgres'))) ?? null;
}

/** Root's servers run as another user, who may be unable to read a checkout below /root: then from a copy. */
async function serverBin(major: Major, cleanup: AsyncDisposableStack): Promise<string | null> {
  const bin = majorFolder(major);
  if (bin === null || process.getuid?.() !== 0 || isOpenToAll(bin)) return bin;
  const copy = await mkdtemp(join(tmpdir(), `holdfast-server-${major}-`));
  cleanup.defer(() => rm(copy, { recursive: true, force: true }));
  await cp(dirname(bin), join(copy, 'native'), { recursive: true, verbatimSymlinks: true });
  await chmod(copy, 0o755);
  return join(copy, 'native/bin');
}

function isOpenToAll(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

function urlOf(server: TemporaryServer, database: string, login?: { user: string; password: string }): string {
  const user = encodeURIComponent(login?.user ?? server.user);
  const password = encodeURIComponent(login?.password ?? server.password.reveal());
  return `postgres://${user}:${password}@${server.host}:${server.port}/${encodeURIComponent(database)}`;
}

async function query<Row extends object = Record<string, unknown>>(
  server: TemporaryServer,
  database: string,
  text: string,
  params?: unknown[],
): Promise<Row[]> {
  await using client = await openSession(server, database);
  const result = params === undefined ? await client.query<Row>(text) : await client.query<Row>(text, params);
  // Several statements give several results: the last one counts.
  const results: unknown = result;
  const last = Array.isArray(results) ? (results.at(-1) as typeof result) : result;
  return last.rows;
}

async function openSession(server: TemporaryServer, database: string): Promise<Client & AsyncDisposable> {
  const password = new Secret(server.password.reveal());
  const client = new Client({
    host: server.host,
    port: server.port,
    user: server.user,
    password: password.reveal(),
    database,
    application_name: 'test',
  });
  // A server that is restarted on purpose, or a session that a test wants ended.
  client.on('error', () => undefined);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => undefined) });
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
