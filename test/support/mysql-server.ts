import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection as DriverConnection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger, type Logger } from '../../src/base/logger.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import type { Database, DumpFormat, StoredDump } from '../../src/engines/engine.ts';
import { mariadb, mysql } from '../../src/engines/mysql/mysql.ts';
import { databaseSchema } from '../../src/engines/mysql/options.ts';
import { viaSchema } from '../../src/engines/via-options.ts';
import { startTemporaryServer } from '../../src/engines/mysql/temporary/temporary-server.ts';

export interface TestMysql extends AsyncDisposable {
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The server's own folder (data and socket). */
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

const folder = process.env['HOLDFAST_TEST_MYSQL'];
const otherMariadb = process.env['HOLDFAST_TEST_MARIADB'];

/**
 * What the tests of this engine run on: MariaDB, or MySQL where `npm run test:mysql` says in which folder its programs are.
 * `npm run test:mariadb` names those of another MariaDB.
 */
export const product = folder === undefined ? 'mariadb' : 'mysql';

export const productName = { mariadb: 'MariaDB', mysql: 'MySQL' }[product];

/** Its own programs; the server's product is asked by its own tools. */
export const stockTools = {
  mariadb: { dump: 'mariadb-dump', client: 'mariadb' },
  mysql: { dump: 'mysqldump', client: 'mysql' },
}[product];

/** The folder of its own client programs. */
export const toolFolder = folder ?? otherMariadb ?? '/usr/bin';

/** What each calls an event that was switched off for a copy. */
export const asleep = { mariadb: 'SLAVESIDE_DISABLED', mysql: 'REPLICA_SIDE_DISABLED' }[product];

export function hasMysql(): boolean {
  if (folder !== undefined) return existsSync(join(folder, 'mysqld'));
  if (otherMariadb !== undefined) return existsSync(join(otherMariadb, 'mariadbd'));
  return existsSync('/usr/sbin/mariadbd') && existsSync('/usr/bin/mariadb-install-db');
}

/** A real server of the test's own, gone when disposed. */
export async function startMysql(settings: Record<string, string> = {}): Promise<TestMysql> {
  const signal = new AbortController().signal;
  const server = await startTemporaryServer({ flavour: product, version: wanted(), settings }, signal);
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
      `${product}://${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@${host}:${port}/${encodeURIComponent(database)}`,
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

/** The newest on this machine, unless another one was named. */
function wanted(): string | null {
  if (otherMariadb === undefined) return null;
  const said = execFileSync(join(otherMariadb, 'mariadbd'), ['--no-defaults', '--version'], { encoding: 'utf8' });
  return /Ver ([\d.]+)/.exec(said)?.[1] ?? null;
}

const engines = { mariadb, mysql };

const own = new Set(['information_schema', 'mysql', 'performance_schema', 'sys']);

export interface OpenOptions {
  scratch: string;
  login?: { user: string; password: string };
  dump?: Record<string, unknown>;
  database?: Record<string, unknown>;
  logger?: Logger;
  container?: string;
}

/** The database as the engine sees it. */
export function openMysql(server: TestMysql, name: string, options: OpenOptions): Database {
  return engines[product].connect(
    {
      database: databaseSchema.parse({
        engine: product,
        url: server.url(name, options.login),
        ssl: 'disable',
        ...options.database,
      }),
      via: options.container === undefined ? null : viaSchema.parse({ container: options.container }),
      dump: dumpSchema.parse({ lockTimeout: '3s', ...options.dump }),
    },
    { clock: systemClock, logger: options.logger ?? silentLogger, scratch: options.scratch },
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

/** Something to select `seq` from, 1 to `count`: a table that both products make in one statement. */
export function numbersTo(count: number): string {
  const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS n`).join(' UNION ALL ');
  const places = ['a', 'b', 'c', 'd', 'e'].map((name) => `(${digits}) ${name}`).join(', ');
  return `(SELECT 1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n AS seq FROM ${places} HAVING seq <= ${count}) numbers`;
}
