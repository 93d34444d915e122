import { readFile } from 'node:fs/promises';
import type { Client, ConnectConfig, SFTPWrapper } from 'ssh2';
import { abortReason, throwIfAborted, unlessAborted } from '../../base/abort.ts';
import type { HoldfastError } from '../../base/errors.ts';
import { connectError, connectionLost, hostKeyRefused, timedOut, unusableFile } from './errors.ts';
import { fingerprint, trustedKeys } from './host-key.ts';
import type { SftpOptions } from './options.ts';

const connectMs = 20_000;
const openMs = 20_000;
/**
 * A server that answers nothing for so long, while something was asked of it, hangs. A sync of much data takes its time; a connection that
 * is gone shows by itself, and a storage's own `timeout` is shorter.
 */
const silenceMs = 1_200_000;
const keepaliveMs = 15_000;
const closeMs = 2000;

/** One connection for all calls, opened by the first and opened again when it was lost. */
export class Connection implements AsyncDisposable {
  readonly #options: SftpOptions;
  readonly #title: string;
  #session: Promise<Session> | undefined;

  constructor(options: SftpOptions, title: string) {
    this.#options = options;
    this.#title = title;
  }

  /** Sends one request and waits for its answer. `late` undoes what is answered when nobody waits any more. */
  async ask<T = void>(
    signal: AbortSignal,
    send: Request<T>,
    late?: (sftp: SFTPWrapper, result: T) => void,
  ): Promise<T> {
    return (await this.session(signal)).ask(signal, send, late);
  }

  /** For what belongs to one session and means something else in the next. */
  async session(signal: AbortSignal): Promise<Session> {
    throwIfAborted(signal);
    return await unlessAborted(this.#open(), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    await session?.close();
  }

  #open(): Promise<Session> {
    this.#session ??= connect(this.#options, this.#title).then(
      (session) => {
        session.onEnd(() => (this.#session = undefined));
        return session;
      },
      (error: unknown) => {
        this.#session = undefined;
        throw error;
      },
    );
    return this.#session;
  }
}

export type Request<T> = (sftp: SFTPWrapper, done: (error?: Error | null, result?: T) => void) => void;

export class Session {
  readonly #client: Client;
  readonly #sftp: SFTPWrapper;
  readonly #title: string;
  readonly #waiting = new Set<(error: HoldfastError) => void>();
  readonly #ended: (() => void)[] = [];
  #silence: NodeJS.Timeout | undefined;
  #over: HoldfastError | undefined;

  constructor(client: Client, sftp: SFTPWrapper, title: string) {
    this.#client = client;
    this.#sftp = sftp;
    this.#title = title;
    client.on('error', (error) => this.#end(connectionLost(title, error)));
    client.on('close', () => this.#end(connectionLost(title)));
    sftp.on('close', () => this.#end(connectionLost(title)));
    sftp.on('error', (error: unknown) => this.#end(connectionLost(title, error)));
  }

  onEnd(listener: () => void): void {
    if (this.#over) listener();
    else this.#ended.push(listener);
  }

  ask<T>(signal: AbortSignal, send: Request<T>, late?: (sftp: SFTPWrapper, result: T) => void): Promise<T> {
    if (this.#over) return Promise.reject(this.#over);
    return new Promise<T>((resolve, reject) => {
      let settled = false;
      const settle = (outcome: () => void) => {
        if (settled) return;
        settled = true;
        this.#waiting.delete(fail);
        signal.removeEventListener('abort', stop);
        this.#watch();
        outcome();
      };
      const fail = (error: HoldfastError) => settle(() => reject(error));
      const stop = () => fail(abortReason(signal));
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.add(fail);
      if (this.#waiting.size === 1) this.#watch();
      try {
        send(this.#sftp, (error, result) => {
          if (settled && !error) late?.(this.#sftp, result as T);
          // When the channel dies the library gives every request an error of its own; the reason is told by `#end`.
          if (error && (error as { code?: unknown }).code === undefined) {
            setImmediate(() => settle(() => reject(this.#over ?? connectionLost(this.#title, error))));
          } else settle(() => (error ? reject(error) : resolve(result as T)));
        });
      } catch (error) {
        settle(() => reject(error));
      }
    });
  }

  async close(): Promise<void> {
    if (this.#over) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#client.destroy();
        resolve();
      }, closeMs);
      this.onEnd(() => {
        clearTimeout(timer);
        resolve();
      });
      this.#client.end();
    });
  }

  #watch(): void {
    clearTimeout(this.#silence);
    if (this.#waiting.size === 0 || this.#over) return;
    this.#silence = setTimeout(() => this.#end(timedOut(this.#title)), silenceMs);
  }

  #end(reason: HoldfastError): void {
    if (this.#over) return;
    this.#over = reason;
    clearTimeout(this.#silence);
    for (const listener of this.#ended) listener();
    for (const fail of this.#waiting) fail(reason);
    this.#client.destroy();
  }
}

async function connect(options: SftpOptions, title: string): Promise<Session> {
  const { host, port, user, password, hostKey } = options;
  const trusted = await trustedKeys(hostKey, host, port);
  const privateKey = options.key === undefined ? undefined : await privateKeyOf(options.key);
  // Loaded where it is used: most commands of most people never need it.
  const ssh2 = await import('ssh2');
  const client = new ssh2.default.Client();
  let refused: HoldfastError | undefined;
  const config: ConnectConfig = {
    host,
    port,
    username: user,
    ...(password === undefined ? {} : { password, tryKeyboard: true }),
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(options.keyPassphrase === undefined ? {} : { passphrase: options.keyPassphrase }),
    readyTimeout: connectMs,
    keepaliveInterval: keepaliveMs,
    keepaliveCountMax: 3,
    // The library's first choice is computed in JavaScript where its own native part is not built; these in OpenSSL.
    algorithms: {
      cipher: { prepend: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'], append: [], remove: [] },
      ...serverHostKey(trusted.kinds),
    },
    hostVerifier: (key: Buffer) => {
      const problem = trusted.problem(key);
      if (problem !== null) refused = hostKeyRefused(title, fingerprint(key), problem);
      return problem === null;
    },
  };
  // Servers that ask through PAM want the password in answer to a question.
  client.on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) =>
    answer(prompts.map(() => password ?? '')),
  );
  let timer: NodeJS.Timeout | undefined;
  try {
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
      // The library watches the login. A server that is silent after it would be waited for ever, by every later call as well.
      timer = setTimeout(() => reject(timedOut(title)), connectMs + openMs);
      client.on('error', reject);
      client.on('close', () => reject(connectionLost(title)));
      client.once('ready', () => client.sftp((error, opened) => (error ? reject(error) : resolve(opened))));
      client.connect(config);
      // A request waits for the acknowledgement of the one before it otherwise: 40 ms for each file.
      client.setNoDelay(true);
    });
    return new Session(client, sftp, title);
  } catch (error) {
    client.destroy();
    throw refused ?? connectError(error, title);
  } finally {
    clearTimeout(timer);
  }
}

/** A server shows one of its keys: it is asked for a kind that is known. */
function serverHostKey(
  kinds: readonly string[] | null,
): Pick<NonNullable<ConnectConfig['algorithms']>, 'serverHostKey'> {
  const offered = (kinds ?? []).flatMap((kind) =>
    kind === 'ssh-rsa' ? (['rsa-sha2-512', 'rsa-sha2-256'] as const) : isKind(kind) ? [kind] : [],
  );
  return offered.length === 0 ? {} : { serverHostKey: offered };
}

const kinds = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'] as const;

function isKind(kind: string): kind is (typeof kinds)[number] {
  return (kinds as readonly string[]).includes(kind);
}

async function privateKeyOf(key: string): Promise<string> {
  if (key.includes('PRIVATE KEY-----') || key.startsWith('PuTTY-User-Key-File')) return key;
  return readFile(key, 'utf8').catch((error: unknown) => {
    throw unusableFile(key, 'private key', error);
  });
}
