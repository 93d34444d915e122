import { existsSync } from 'node:fs';
import { createReadStream } from 'node:fs';
import type { Connection as DriverConnection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import type { Database, DumpFormat, StoredDump } from '../../src/engines/engine.ts';
import { mariadb } from '../../src/engines/mysql/mysql.ts';
import { databaseSchema } from '../../src/engines/mysql/options.ts';
import { startTemporaryServer } from '../../src/engines/mysql/temporary-server.ts';

export interface TestMariadb extends AsyncDisposable {
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The server's own folder (data, socket and log). */
  readonly folder: string;
  url(database: string, login?: { user: string; password: string }): string;
  sql<Row extends object = Record<string, unknown>>(database: string | null, ...statements: string[]): Promise<Row[]>;
  /** A session that stays open; ends when disposed. */
  session(database: string | null): Promise<DriverConnection & AsyncDisposable>;
  /** All but the server's own. */
  databases(): Promise<string[]>;
  /** Client sessions of everybody but the asking one. */
  connections(): Promise<{ id: number; user: string; database: string | null; info: string | null }[]>;
  restart(): Promise<void>;
}

export function hasMariadb(): boolean {
  return existsSync('/usr/sbin/mariadbd') && existsSync('/usr/bin/mariadb-install-db');
}

/** A real server of the test's own, gone when disposed. */
export async function startMariadb(settings: Record<string, string> = {}): Promise<TestMariadb> {
  const signal = new AbortController().signal;
  const server = await startTemporaryServer({ flavour: 'mariadb', version: null, settings }, signal);
  const { host, port, user } = server.address;
  const password = server.address.password?.reveal() ?? '';
  const open = async (database: string | null) => {
    const connection = await createConnection({
      host,
      port,
      user,
      password,
      charset: 'utf8mb4',
      supportBigNumbers: true,
      dateStrings: true,
      ...(database === null ? {} : { database }),
    });
    connection.on('error', () => undefined);
    return Object.assign(connection, { [Symbol.asyncDispose]: async () => connection.destroy() });
  };
  const sql = async <Row extends object>(database: string | null, ...statements: string[]): Promise<Row[]> => {
    await using connection = await open(database);
    let rows: unknown = [];
    for (const statement of statements) [rows] = await connection.query(statement);
    return Array.isArray(rows) ? (rows as Row[]) : [];
  };
  return {
    version: server.version,
    host,
    port,
    user,
    password,
    folder: server.folder,
    url: (database, login = { user, password }) =>
      `mariadb://${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@${host}:${port}/${encodeURIComponent(database)}`,
    sql,
    session: open,
    databases: async () => {
      const rows = await sql<{ name: string }>(
        null,
        'SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA ORDER BY 1',
      );
      return rows.map(({ name }) => name).filter((name) => !own.has(name));
    },
    connections: async () =>
      sql(
        null,
        `SELECT ID AS id, USER AS user, DB AS \`database\`, INFO AS info FROM information_schema.PROCESSLIST
         WHERE ID <> CONNECTION_ID() AND COMMAND <> 'Daemon'`,
      ),
    restart: () => server.restart(signal),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const own = new Set(['information_schema', 'mysql', 'performance_schema', 'sys']);

export interface OpenOptions {
  scratch: string;
  login?: { user: string; password: string };
  dump?: Record<string, unknown>;
  database?: Record<string, unknown>;
}

/** The database as the engine sees it. */
export function openMariadb(server: TestMariadb, name: string, options: OpenOptions): Database {
  return mariadb.connect(
    {
      database: databaseSchema.parse({
        engine: 'mariadb',
        url: server.url(name, options.login),
        ssl: 'disable',
        ...options.database,
      }),
      via: null,
      dump: dumpSchema.parse({ lockTimeout: '3s', ...options.dump }),
    },
    { clock: systemClock, logger: silentLogger, scratch: options.scratch },
  );
}

export function storedAt(path: string, format: DumpFormat, trusted = true): StoredDump {
  return {
    format,
    trusted,
    rawBytes: null,
    open: async () => createReadStream(path),
    locally: async () => ({ path, [Symbol.asyncDispose]: async () => undefined }),
  };
}
