import { Socket } from 'node:net';
import type { Client } from 'pg';
import { abortReason, throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import type { Tunnel } from '../../shared/container.ts';
import type { ServerAddress } from '../../shared/server-settings.ts';
import { driverError } from './errors.ts';
import { refuseLent, servingProcess } from './pooler.ts';
import { tlsAttempts, type SslMode, type TlsOptions } from './tls.ts';
import { valueTypes } from './value-types.ts';
import { asSocket, requestCancel } from './wire.ts';

/** A server, a role and a database. */
export interface Address extends ServerAddress<SslMode> {
  /** A host name, an address, or the folder of a unix socket (begins with `/`). */
  host: string;
}

export interface ConnectOptions {
  /** Ends the connection, and what it is doing on the server, when it fires. */
  signal: AbortSignal;
  /** What the server shows as `application_name`; default `holdfast`. */
  application?: string;
  tunnel?: Tunnel | null | undefined;
  /** `none` (default): every name in SQL must be qualified. `database`: as the database's own applications see it. */
  searchPath?: 'none' | 'database';
}

/** One session. Numbers beyond 32 bits, dates and everything unusual arrive as the server's text. */
export interface Connection extends AsyncDisposable {
  readonly address: Address;
  /** The server's process number of this session. */
  readonly pid: number;
  rows<T>(sql: string, parameters?: readonly unknown[]): Promise<T[]>;
  /** The first row; an error when there is none. */
  row<T>(sql: string, parameters?: readonly unknown[]): Promise<T>;
  /** The first column of the first row; an error when there is none. */
  value<T = string>(sql: string, parameters?: readonly unknown[]): Promise<T>;
}

export async function connect(address: Address, options: ConnectOptions): Promise<Connection> {
  const session = await openSession(address, options);
  try {
    // Before anything is set: what is lent by the transaction would keep it for whoever comes next.
    if ((await servingProcess(session)) !== session.pid)
      await refuseLent(session, (signal) => openSession(address, { ...options, signal }), options.signal);
    // First: a short limit of the role would end the statement below.
    await session.rows(`set statement_timeout = 0; ${sessionSettings(options.searchPath === 'database')}`);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return session;
}

/** Makes text output independent of how server, database and role are set, and ends every time limit on the session itself. */
const sessionSettings = (itsOwnPath: boolean) => `
  select pg_catalog.set_config(wanted.name, wanted.value, false)
  from (values
    ('search_path', case when ${itsOwnPath} then pg_catalog.current_setting('search_path') else '' end),
    ('client_encoding', 'UTF8'), ('client_min_messages', 'error'), ('standard_conforming_strings', 'on'),
    ('lock_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
    ('idle_session_timeout', '0'), ('transaction_timeout', '0'), ('row_security', 'off'), ('synchronize_seqscans', 'off'),
    ('timezone', 'UTC'), ('datestyle', 'ISO, YMD'), ('intervalstyle', 'postgres'), ('extra_float_digits', '3'),
    ('bytea_output', 'hex'), ('lc_monetary', 'C'), ('xmlbinary', 'base64'), ('quote_all_identifiers', 'off'), ('jit', 'off')
  ) as wanted(name, value)
  where exists (select from pg_catalog.pg_settings known where pg_catalog.lower(known.name) = wanted.name)`;

/** How long the server gets to end a cancelled statement, or a session, before its socket is simply closed. */
const endMs = 5000;

async function openSession(address: Address, options: ConnectOptions): Promise<Session> {
  const attempts = await tlsAttempts(address);
  for (const [index, tls] of attempts.entries()) {
    try {
      return await openOnce(address, tls, options);
    } catch (error) {
      const last = index === attempts.length - 1;
      if (last || options.signal.aborted || !isRefusedForTransport(error)) throw error;
    }
  }
  throw new HoldfastError('UNEXPECTED', 'there was no way to try the connection');
}

/** As libpq with `sslmode=prefer`: the other transport is tried when this one was the problem, not when the password was. */
function isRefusedForTransport(error: unknown): boolean {
  return (
    error instanceof HoldfastError && (error.code.startsWith('DATABASE_TLS_') || error.details['sqlstate'] === '28000')
  );
}

async function openOnce(address: Address, tls: TlsOptions | false, options: ConnectOptions): Promise<Session> {
  throwIfAborted(options.signal);
  // Loaded late: a command that needs no database starts without the driver.
  const { default: pg } = await import('pg');
  const socket = options.tunnel ? asSocket(options.tunnel()) : new Socket();
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    user: address.user,
    database: address.database,
    // Not null and not empty: the driver would look for PGPASSWORD and ~/.pgpass.
    password: () => {
      if (address.password) return address.password.reveal();
      throw new HoldfastError(
        'DATABASE_LOGIN_FAILED',
        `the server asks ${address.user} for a password, and none is configured`,
        {
          hint: 'Set the password of the database in the configuration, or write it into the address that was given (postgres://user:password@host/name), or allow this role in without one (pg_hba.conf).',
        },
      );
    },
    application_name: options.application ?? 'holdfast',
    ssl: tls,
    stream: () => socket,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    connectionTimeoutMillis: address.connectTimeoutMs,
    types: valueTypes,
  });
  // The driver fills gaps from the caller's PG* variables, which belong to somebody else's connection.
  Object.assign(Reflect.get(client, 'connectionParameters') as object, { options: undefined, replication: undefined });
  client.on('error', () => undefined); // whoever asks next is told, see `Session`

  const stop = () => socket.destroy();
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    await client.connect();
  } catch (error) {
    socket.destroy();
    throw options.signal.aborted ? abortReason(options.signal) : driverError(error, address);
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
  return new Session(address, client, socket, options);
}

class Session implements Connection {
  readonly address: Address;
  readonly pid: number;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #options: ConnectOptions;
  readonly #secretKey: number;
  #running = 0;
  #closing: Promise<void> | undefined;
  #ended = false;
  /** What ended it while nobody asked for anything. */
  #loss: Error | undefined;

  constructor(address: Address, client: Client, socket: Socket, options: ConnectOptions) {
    this.address = address;
    this.#client = client;
    this.#socket = socket;
    this.#options = options;
    this.pid = Number(Reflect.get(client, 'processID'));
    this.#secretKey = Number(Reflect.get(client, 'secretKey'));
    client.once('end', () => {
      this.#ended = true;
    });
    // The first says why; after it come others, of a socket that is closed.
    client.on('error', (error) => {
      this.#loss ??= error;
    });
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
  }

  async rows<T>(sql: string, parameters?: readonly unknown[]): Promise<T[]> {
    const { signal } = this.#options;
    if (signal.aborted) await this.#close();
    throwIfAborted(signal);
    if (this.#loss || this.#ended || this.#closing)
      throw driverError(this.#loss ?? new Error('Connection terminated unexpectedly'), this.address);
    this.#running += 1;
    try {
      const result = await this.#client.query(sql, parameters === undefined ? undefined : [...parameters]);
      return (Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows) as T[];
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
    if (this.#running > 0) this.#cancel();
    else void this.#close();
  };

  /** Asks the server to end the running statement until it did: a request that overtakes the statement is lost. */
  #cancel(): void {
    const ask = () => {
      if (this.#running > 0 && !this.#ended)
        requestCancel(this.address, this.pid, this.#secretKey, this.#options.tunnel);
      else clearInterval(again);
    };
    const again = setInterval(ask, 300);
    ask();
    const giveUp = setTimeout(() => this.#socket.destroy(), endMs);
    this.#client.once('end', () => {
      clearInterval(again);
      clearTimeout(giveUp);
    });
  }

  /** The server closes the socket when its process ends, so after this the session is gone there too. */
  #close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#options.signal.removeEventListener('abort', this.#onAbort);
      if (this.#ended) return;
      const giveUp = setTimeout(() => this.#socket.destroy(), endMs);
      await this.#client.end().catch(() => undefined);
      clearTimeout(giveUp);
    })();
    return this.#closing;
  }
}
