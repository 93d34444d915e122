import { randomBytes } from 'node:crypto';
import { chown, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { pause, throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError, interrupted } from '../../../base/errors.ts';
import { runProcess, startProcess, type RunningProcess } from '../../../base/run-process.ts';
import { Secret } from '../../../base/secret.ts';
import { findServer } from './server-binaries.ts';
import { makeServerFolder, unprivilegedAccount, type Account } from '../../shared/server-folder.ts';
import { serverKind } from './server-kind.ts';

export interface TemporaryServerOptions {
  /** The folder with `initdb` and `postgres`; null: looked for by `major`. */
  bin?: string | null;
  /** The wanted major version; the nearest newer one is accepted. Null: the newest there is. */
  major?: number | null;
  /** Survive a crash of the machine; off for what is thrown away anyway. */
  durable?: boolean;
  settings?: Readonly<Record<string, string>>;
  /** Where its folder is made; default the system's folder for temporary files. */
  parent?: string;
}

export interface TemporaryServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly version: string;
  /** Its own folder: data and, when the path is short enough, the unix socket. */
  readonly folder: string;
  /** Stops it the way a crash (`immediate`) or an administrator (`fast`) does, and starts it again on the same port. */
  restart(how: 'fast' | 'immediate', signal: AbortSignal): Promise<void>;
}

const superuser = 'postgres';
const startTimeoutMs = 60_000;

/** A server of our own on a free loopback port. It lives until it is disposed, or until this process ends in any way. */
export async function startTemporaryServer(
  options: TemporaryServerOptions,
  signal: AbortSignal,
): Promise<TemporaryServer> {
  const { bin, version } = await findServer(options.bin ?? null, options.major ?? null, signal);
  const account = await unprivilegedAccount(serverKind);
  const folder = await makeServerFolder(serverKind, [options.parent ?? tmpdir(), tmpdir()], account);
  try {
    const password = new Secret(randomBytes(18).toString('base64url'));
    const place: Place = { bin, folder, account, password };
    await initialize(place, signal);
    let started = await startOnFreePort(place, options, signal);
    const { port } = started;
    return {
      host: '127.0.0.1',
      port,
      user: superuser,
      password,
      version,
      folder,
      restart: async (how, restartSignal) => {
        await stop(started.process, how);
        started = { port, process: await start(place, port, options, restartSignal) };
      },
      [Symbol.asyncDispose]: async () => {
        await stop(started.process, 'immediate');
        await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    throw error;
  }
}

interface Place {
  bin: string;
  folder: string;
  account: Account | null;
  password: Secret;
}

async function initialize(place: Place, signal: AbortSignal): Promise<void> {
  const passwordFile = join(place.folder, 'password');
  await writeFile(passwordFile, `${place.password.reveal()}\n`, { mode: 0o600 });
  if (place.account) await chown(passwordFile, place.account.uid, place.account.gid);
  const args = ['-D', join(place.folder, 'data'), '-U', superuser, `--pwfile=${passwordFile}`];
  // No locale: databases are created with the locale of their original, and messages stay in English.
  args.push('--auth=scram-sha-256', '--encoding=UTF8', '--no-locale', '--no-sync');
  try {
    await runProcess(command(place, 'initdb', args), { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw notStarted(error instanceof Error ? error.message : String(error), error);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function startOnFreePort(
  place: Place,
  options: TemporaryServerOptions,
  signal: AbortSignal,
): Promise<{ port: number; process: RunningProcess }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    try {
      return { port, process: await start(place, port, options, signal) };
    } catch (error) {
      // Somebody else took the port between our look and the server's.
      const taken = error instanceof HoldfastError && error.message.includes('could not create any TCP/IP sockets');
      if (!taken || attempt === 5) throw error;
    }
  }
}

async function start(
  place: Place,
  port: number,
  options: TemporaryServerOptions,
  signal: AbortSignal,
): Promise<RunningProcess> {
  throwIfAborted(signal);
  const settings = Object.entries({ ...serverSettings(place, port, options.durable ?? false), ...options.settings });
  const args = ['-D', join(place.folder, 'data'), ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  // Not the caller's signal: an abort must not send SIGTERM, on which the server would wait for its clients.
  const running = startProcess(command(place, 'postgres', args), { signal: new AbortController().signal });
  running.stdout?.resume();
  try {
    await accepting(running, place, port, signal);
    return running;
  } catch (error) {
    await stop(running, 'immediate');
    throw error;
  }
}

function serverSettings(place: Place, port: number, durable: boolean): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // A socket's whole path must stay under 108 bytes.
    unix_socket_directories: Buffer.byteLength(place.folder) < 85 ? place.folder : '',
    log_min_messages: 'fatal',
    max_wal_size: '4GB',
    maintenance_work_mem: '128MB',
    // A restore with jobs keeps two workers busy; the default of some builds is too small for wide partitions.
    max_locks_per_transaction: '256',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
}

async function accepting(running: RunningProcess, place: Place, port: number, signal: AbortSignal): Promise<void> {
  const ended = running.done.then(
    () => notStarted('the server ended at once'),
    (error: unknown) => notStarted(running.stderr().trim() || String(error), error),
  );
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    const outcome = await Promise.race([answers(port, place.password), ended]);
    if (outcome === true) return;
    if (outcome !== false) throw outcome;
    if (performance.now() > deadline) throw notStarted(`no answer within ${startTimeoutMs / 1000} s`);
    await pause(25, signal);
  }
}

async function answers(port: number, password: Secret): Promise<boolean> {
  const login = { host: '127.0.0.1', port, user: superuser, password: password.reveal(), database: 'template1' };
  const client = new Client({ ...login, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function stop(running: RunningProcess, how: 'fast' | 'immediate'): Promise<void> {
  const ended = running.done.catch(() => undefined);
  running.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
  const harder = setTimeout(() => running.kill('SIGQUIT'), 10_000);
  const hardest = setTimeout(() => running.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(harder);
  clearTimeout(hardest);
}

function command(place: Place, program: string, args: string[]) {
  return {
    program: join(place.bin, program),
    args,
    // The caller's working folder may be closed to that account.
    cwd: place.folder,
    env: { LC_ALL: 'C', HOME: place.folder },
    ...(place.account ? { user: place.account } : {}),
  };
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(interrupted())));
    });
  });
}

function notStarted(reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('POSTGRES_NOT_STARTED', `the temporary PostgreSQL server could not be started: ${reason}`, {
    cause,
    hint: 'Look at the reason above; often the disk for temporary files is full or the installation is incomplete.',
  });
}
