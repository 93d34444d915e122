import type { Connection as DriverConnection } from 'mysql2/promise';
import { abortReason, throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { withoutSecrets } from '../../../base/secret.ts';
import type { Tunnel } from '../../shared/container.ts';
import type { ServerAddress } from '../../shared/server-settings.ts';
import { driverError } from './errors.ts';
import { describeFault } from './faults.ts';
import { tlsAttempts, type SslMode, type TlsOptions } from './tls.ts';

/** A server, a user and a database. */
export interface Address extends ServerAddress<SslMode> {
  /** The path of a unix socket, which then counts instead of host and port. */
  socket: string | null;
}

export interface ConnectOptions {
  /** Ends the connection, and what it is doing on the server, when it fires. */
  signal: AbortSignal;
  /** Null: no database is entered; for what concerns the whole server. */
  database: string | null;
  tunnel?: Tunnel | null;
}

/** One session. Numbers beyond 53 bits, decimals and dates arrive as the server's text. */
export interface Connection extends AsyncDisposable {
  readonly address: Address;
  /** The server's number of this session. */
  readonly id: number;
  /** Whether what goes over the wire is encrypted. */
  readonly encrypted: boolean;
  rows<T>(sql: string, parameters?: readonly unknown[]): Promise<T[]>;
  /** The first row; an error when there is none. */
  row<T>(sql: string, parameters?: readonly unknown[]): Promise<T>;
  /** The first column of the first row; an error when there is none. */
  value<T = string>(sql: string, parameters?: readonly unknown[]): Promise<T>;
}

export async function connect(address: Address, options: ConnectOptions): Promise<Connection> {
  const session = await openSession(address, options);
  try {
    await session.rows(sessionSettings);
    // Each server has its own, and knows none of the other's.
    await session.rows(`SET SESSION ${mariadbLimits}`).catch(unlessUnknown);
    await session.rows('SET SESSION max_execution_time = 0').catch(unlessUnknown);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return session;
}

/** A GRANT never makes an account, which would have no password: so MariaDB has to be told, and MySQL, which passes over this comment, does not. */
export const ownMode = "sql_mode = CONCAT('NO_AUTO_VALUE_ON_ZERO' /*M!100000 , ',NO_AUTO_CREATE_USER' */)";

// Fixed, so that texts do not depend on how server and user are set; and no limit of theirs ends a long count or an idle snapshot.
const sessionSettings = `SET SESSION ${ownMode}, time_zone = '+00:00', wait_timeout = 2147483,
  net_write_timeout = 3600, net_read_timeout = 3600, sql_quote_show_create = 1, group_concat_max_len = 1048576, autocommit = 1,
  @holdfast_select_limit = @@SESSION.sql_select_limit, SESSION sql_select_limit = 18446744073709551615`;

/** One of two sessions that show the same moment waits in its transaction for as long as the other counts. */
const mariadbLimits =
  'max_statement_time = 0, idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0, idle_write_transaction_timeout = 0';

function unlessUnknown(error: unknown): void {
  if (!(error instanceof HoldfastError) || error.details['errno'] !== 1193) throw error;
}

/** How long the server gets to end a session before its socket is simply closed. */
const endMs = 5000;

async function openSession(address: Address, options: ConnectOptions): Promise<Session> {
  const attempts = await tlsAttempts(address);
  for (const [index, tls] of attempts.entries()) {
    try {
      return await openOnce(address, tls, options);
    } catch (error) {
      const last = index === attempts.length - 1;
      // The other transport is tried when this one was the problem, not when the password was.
      const transport = error instanceof HoldfastError && error.code.startsWith('DATABASE_TLS_');
      if (last || options.signal.aborted || !transport) throw error;
    }
  }
  throw new HoldfastError('UNEXPECTED', 'there was no way to try the connection');
}

async function openOnce(address: Address, tls: TlsOptions | false, options: ConnectOptions): Promise<Session> {
  throwIfAborted(options.signal);
  // Loaded late: a command that needs no database starts without the driver.
  const { createConnection } = await import('mysql2/promise');
  const { tunnel } = options;
  const opening = createConnection({
    ...(address.socket === null ? { host: address.host, port: address.port } : { socketPath: address.socket }),
    ...(tunnel ? { stream: () => tunnel() } : {}),
    user: address.user,
    ...(address.password ? { password: address.password.reveal() } : {}),
    ...(options.database === null ? {} : { database: options.database }),
    ...(tls ? { ssl: tls } : {}),
    charset: 'utf8mb4',
    connectTimeout: address.connectTimeoutMs,
    enableKeepAlive: true,
    keepAliveInitialDelay: 30_000,
    supportBigNumbers: true,
    dateStrings: true,
    jsonStrings: true,
    multipleStatements: false,
    // What a server could ask a client for: a file of this machine.
    flags: ['-LOCAL_FILES'],
  });
  let late = false;
  const aborted = new Promise<never>((_resolve, reject) => {
    const stop = () => {
      late = true;
      reject(abortReason(options.signal));
    };
    options.signal.addEventListener('abort', stop, { once: true });
    const forget = () => options.signal.removeEventListener('abort', stop);
    opening.then(forget, forget);
  });
  aborted.catch(() => undefined);
  opening.then(
    (connection) => (late ? connection.destroy() : undefined),
    () => undefined,
  );
  try {
    const connection = await Promise.race([opening, aborted]);
    return new Session(address, connection, tls !== false, options);
  } catch (error) {
    if (options.signal.aborted) throw abortReason(options.signal);
    throw tunnel ? throughTunnel(error, address) : driverError(error, address);
  }
}

/** A way that ends before there is an answer is none. */
function throughTunnel(error: unknown, address: Address): HoldfastError {
  const known = driverError(error, address);
  if (known.code !== 'DATABASE_CONNECTION_LOST') return known;
  const { message } = error as Error;
  return describeFault('unreachable', { at: address, message: withoutSecrets(message), cause: known, errno: null });
}

class Session implements Connection {
  readonly address: Address;
  readonly id: number;
  readonly encrypted: boolean;
  readonly #driver: DriverConnection;
  readonly #options: ConnectOptions;
  #running = 0;
  #closing: Promise<void> | undefined;
  #ended = false;
  /** Rejects when the socket was closed from here: what the driver was asked before it then never answers. */
  readonly #given = Promise.withResolvers<never>();

  constructor(address: Address, driver: DriverConnection, encrypted: boolean, options: ConnectOptions) {
    this.address = address;
    this.#driver = driver;
    this.#options = options;
    this.encrypted = encrypted;
    this.id = driver.threadId;
    this.#given.promise.catch(() => undefined);
    driver.on('error', () => undefined); // whoever asks next is told, see `rows`
    driver.on('end', () => {
      this.#ended = true;
    });
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
  }

  async rows<T>(sql: string, parameters?: readonly unknown[]): Promise<T[]> {
    const { signal } = this.#options;
    if (signal.aborted) await this.#close();
    throwIfAborted(signal);
    if (this.#ended || this.#closing) throw driverError(new Error('Connection lost'), this.address);
    this.#running += 1;
    try {
      const asked = this.#driver.query(sql, parameters === undefined ? undefined : [...parameters]);
      const [rows] = await Promise.race([asked, this.#given.promise]);
      return Array.isArray(rows) ? (rows as T[]) : [];
    } catch (error) {
      if (!signal.aborted) throw driverError(error, this.address);
      await this.#close();
      throw abortReason(signal);
    } finally {
      this.#running -= 1;
    }
  }

  async row<T>(sql: string, parameters?: readonly unknown[]): Promise<T> {
    const [row] = await this.rows<T>(sql, parameters);
    if (row === undefined) throw new HoldfastError('DATABASE_NO_ROW', 'the database answered without a row');
    return row;
  }

  async value<T = string>(sql: string, parameters?: readonly unknown[]): Promise<T> {
    return Object.values(await this.row<Record<string, unknown>>(sql, parameters))[0] as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  readonly #onAbort = (): void => {
    if (this.#running > 0) void this.#kill();
    else void this.#close();
  };

  /** A closed socket is noticed by the server only when the statement has ended: another session must end it. */
  async #kill(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(endMs);
      await using other = await openSession(this.address, { ...this.#options, signal, database: null });
      await other.rows(`KILL ${this.id}`);
    } catch {
      // Gone already, or the server is.
    }
    this.#giveUp();
  }

  #giveUp(): void {
    this.#driver.destroy();
    this.#given.reject(new Error('Connection lost'));
  }

  #close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#options.signal.removeEventListener('abort', this.#onAbort);
      if (this.#ended) return;
      const giveUp = setTimeout(() => this.#giveUp(), endMs);
      await Promise.race([this.#driver.end(), this.#given.promise]).catch(() => undefined);
      clearTimeout(giveUp);
      this.#giveUp();
    })();
    return this.#closing;
  }
}
