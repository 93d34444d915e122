import { randomBytes } from 'node:crypto';
import { chown, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from '../../../base/abort.ts';
import { HoldfastError, interrupted, toHoldfastError } from '../../../base/errors.ts';
import { runProcess, startProcess, type RunningProcess } from '../../../base/run-process.ts';
import { Secret } from '../../../base/secret.ts';
import { connect, type Address } from '../connect/connection.ts';
import { findServer, type ServerBinaries } from './server-binaries.ts';
import { makeServerFolder, unprivilegedAccount, type Account } from '../../shared/server-folder.ts';
import { serverKind } from './server-kind.ts';
import type { ToolFlavour } from '../connect/tool-version.ts';

export interface TemporaryServerOptions {
  flavour: ToolFlavour;
  /** As old as this or newer; null: the newest there is. */
  version: string | null;
  settings?: Readonly<Record<string, string>>;
  /** Where its folder is made; default the system's folder for temporary files. */
  parent?: string;
}

export interface TemporaryServer extends AsyncDisposable {
  readonly address: Address;
  readonly version: string;
  /** Its own folder: data and socket. */
  readonly folder: string;
  /** Ends it as a crash does, and starts it again on the same port. */
  restart(signal: AbortSignal): Promise<void>;
}

const startTimeoutMs = 60_000;
const lowerCase = 'lower-case-table-names';

/** A server of our own on a free loopback port. It lives until it is disposed, or until this process ends in any way. */
export async function startTemporaryServer(
  options: TemporaryServerOptions,
  signal: AbortSignal,
): Promise<TemporaryServer> {
  const binaries = await findServer(options.flavour, options.version, signal);
  const account = await unprivilegedAccount(serverKind);
  const folder = await makeServerFolder(serverKind, [options.parent ?? tmpdir(), tmpdir()], account);
  try {
    const place: Place = { binaries, folder, account, settings: options.settings ?? {} };
    await initialize(place, signal);
    const address = await firstAddress();
    let running = await start(place, address, signal);
    return {
      address,
      version: binaries.version,
      folder,
      restart: async (restartSignal) => {
        await stop(running);
        running = await start(place, address, restartSignal);
      },
      [Symbol.asyncDispose]: async () => {
        await stop(running);
        await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    throw error;
  }
}

interface Place {
  binaries: ServerBinaries;
  folder: string;
  account: Account | null;
  settings: Readonly<Record<string, string>>;
}

async function firstAddress(): Promise<Address> {
  return {
    host: '127.0.0.1',
    port: await freePort(),
    socket: null,
    user: 'root',
    password: new Secret(randomBytes(18).toString('base64url')),
    database: '',
    ssl: { mode: 'disable', ca: null, cert: null, key: null },
    connectTimeoutMs: 30_000,
  };
}

async function initialize({ binaries, folder, account, settings }: Place, signal: AbortSignal): Promise<void> {
  const data = `--datadir=${join(folder, 'data')}`;
  // MySQL wants to know it before there is anything.
  const folds = settings[lowerCase];
  const folding = folds === undefined ? [] : [`--${lowerCase}=${folds}`];
  const command =
    binaries.install === null
      ? { program: binaries.server, args: ['--no-defaults', '--initialize-insecure', data, ...folding] }
      : {
          program: binaries.install,
          args: [
            '--no-defaults',
            data,
            '--auth-root-authentication-method=normal',
            '--skip-test-db',
            '--skip-name-resolve',
            '--force',
          ],
        };
  try {
    await runProcess(runAs(command, folder, account), { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw notStarted(error instanceof Error ? error.message : String(error), error);
  }
}

async function start(place: Place, address: Address, signal: AbortSignal): Promise<RunningProcess> {
  const { binaries, folder, account } = place;
  const first = join(folder, 'first.sql');
  // Before anybody can get in: until this file has run, root has no password.
  await writeFile(first, firstStatements(address), { mode: 0o600 });
  if (account) await chown(first, account.uid, account.gid);
  const settings = { ...settingsFor(place, address, first), ...place.settings };
  const args = Object.entries(settings).map(([name, value]) => (value === null ? `--${name}` : `--${name}=${value}`));
  // Not the caller's signal: the server is ended by our own `stop`.
  const running = startProcess(runAs({ program: binaries.server, args: ['--no-defaults', ...args] }, folder, account), {
    signal: new AbortController().signal,
  });
  running.stdout?.resume();
  try {
    await accepting(running, address, signal);
    await rm(first, { force: true });
    return running;
  } catch (error) {
    await stop(running);
    throw error;
  }
}

function firstStatements({ password }: Address): string {
  const secret = password?.reveal() ?? '';
  return [
    `ALTER USER root@localhost IDENTIFIED BY '${secret}';`,
    `CREATE USER IF NOT EXISTS root@'127.0.0.1';`,
    `ALTER USER root@'127.0.0.1' IDENTIFIED BY '${secret}';`,
    `GRANT ALL PRIVILEGES ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;`,
    '',
  ].join('\n');
}

/** No second port, no folder for its files (the usual one need not be there, and is not ours), and no binary log, which is usual. */
const onlyMysql = { mysqlx: '0', 'secure-file-priv': 'NULL', 'skip-log-bin': null };

function settingsFor({ binaries, folder }: Place, address: Address, first: string): Record<string, string | null> {
  return {
    datadir: join(folder, 'data'),
    'bind-address': '127.0.0.1',
    port: String(address.port),
    // A socket's whole path must stay under 108 bytes.
    socket: Buffer.byteLength(folder) < 95 ? join(folder, 'sock') : join('/tmp', `holdfast-${address.port}.sock`),
    'pid-file': join(folder, 'pid'),
    'init-file': first,
    'skip-name-resolve': '1',
    'max-allowed-packet': '1G',
    // Thrown away anyway: nothing has to survive a crash of the machine.
    'innodb-flush-log-at-trx-commit': '0',
    'innodb-doublewrite': '0',
    'sync-binlog': '0',
    'innodb-buffer-pool-size': '256M',
    ...(binaries.flavour === 'mariadb' ? { 'innodb-log-file-size': '256M' } : onlyMysql),
  };
}

async function accepting(running: RunningProcess, address: Address, signal: AbortSignal): Promise<void> {
  const ended = running.done.then(
    () => notStarted('the server ended at once'),
    (error: unknown) => notStarted(complaints(running.stderr()) || String(error), error),
  );
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    const outcome = await Promise.race([answers(address, signal), ended.then((error) => ({ error, over: true }))]);
    if (outcome === null) return;
    if (outcome.over) throw outcome.error;
    if (performance.now() > deadline)
      throw notStarted(`no answer within ${startTimeoutMs / 1000} s (${outcome.error.message})`, outcome.error);
    await pause(25, signal);
  }
}

/** Of all it tells about its start, what was wrong. */
function complaints(log: string): string {
  const lines = log.trim().split('\n');
  const errors = lines.flatMap((line) => /\[ERROR\]\s*(?:\[\S+\]\s*)*(.*)/.exec(line)?.[1] ?? []);
  return errors.join('; ') || (lines.at(-1) ?? '');
}

/** Null when it does. */
async function answers(address: Address, signal: AbortSignal): Promise<{ error: Error; over: boolean } | null> {
  try {
    await using session = await connect(address, { signal, database: null });
    await session.value('SELECT 1');
    return null;
  } catch (error) {
    return { error: toHoldfastError(error), over: false };
  }
}

async function stop(running: RunningProcess): Promise<void> {
  // Nothing of it is needed: no time is spent on writing it down.
  running.kill('SIGKILL');
  await running.done.catch(() => undefined);
}

function runAs(command: { program: string; args: string[] }, folder: string, account: Account | null) {
  return {
    ...command,
    // The caller's working folder may be closed to that account.
    cwd: folder,
    env: { LC_ALL: 'C', HOME: folder, TMPDIR: folder },
    ...(account ? { user: account } : {}),
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
  return new HoldfastError('MYSQL_NOT_STARTED', `the temporary server could not be started: ${reason}`, {
    cause,
    hint: 'Look at the reason above; often the disk for temporary files is full or the installation is incomplete.',
  });
}
