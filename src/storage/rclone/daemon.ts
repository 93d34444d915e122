import { randomBytes } from 'node:crypto';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortReason, throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { nodeHttp } from '../../base/node-http.ts';
import { startProcess, type RunningProcess } from '../../base/run-process.ts';
import { Secret } from '../../base/secret.ts';
import { toolFailure } from '../../base/tool-failure.ts';
import { answeredEarly, endOfProgram, lostProgram, notStarted, rcloneError, timedOut } from './errors.ts';
import type { RcloneOptions } from './options.ts';

const startMs = 20_000;
const silenceMs = 300_000;
/** That its connections are gone is seen before it is known to have ended. */
const endMs = 2000;
/** Where a remote cannot take a stream, or cannot move, rclone sends all of it once more, and says nothing until then. */
const storingMs = 6 * 3_600_000;
/** By itself it ends every request after an hour, however well it gets on. Who is silent is watched here. */
const noTimeouts = ['--rc-server-read-timeout', '0', '--rc-server-write-timeout', '0'];

interface Running {
  port: number;
  authorization: string;
  child: RunningProcess;
}

/**
 * One `rclone rcd` for all calls, started by the first: starting the program takes longer than most of what it is asked. It listens on
 * the loopback only, with a password that is made up for it and told by environment.
 */
export class Daemon implements AsyncDisposable {
  readonly #options: RcloneOptions;
  readonly #title: string;
  readonly #stopping = new AbortController();
  #running: Promise<Running> | undefined;

  constructor(options: RcloneOptions, title: string) {
    this.#options = options;
    this.#title = title;
  }

  /** One of rclone's remote-control calls. */
  async call<T>(name: string, params: Record<string, unknown>, key: string, signal: AbortSignal): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    const patienceMs = name === 'operations/movefile' ? storingMs : silenceMs;
    const answer = await this.#send('POST', `/${name}`, { signal, headers, body: JSON.stringify(params), patienceMs });
    const said = await this.#text(answer, signal);
    if (answer.statusCode !== 200) throw rcloneError(errorIn(said), key, this.#title);
    return JSON.parse(said) as T;
  }

  /** Stores a stream as `folder/name`, name being plain ASCII. */
  async upload(folder: string, name: string, content: Readable, signal: AbortSignal): Promise<void> {
    const boundary = randomBytes(20).toString('hex');
    const query = new URLSearchParams({ fs: this.#options.remote, remote: folder });
    const answer = await this.#send('POST', `/operations/uploadfile?${String(query)}`, {
      signal,
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: content,
      patienceMs: storingMs,
      before: `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`,
      after: `\r\n--${boundary}--\r\n`,
    });
    const said = await this.#text(answer, signal);
    const path = `${folder}/${name}`;
    if (answer.statusCode !== 200) throw rcloneError(errorIn(said), path, this.#title);
    if (!content.readableEnded) throw answeredEarly(path, this.#title);
  }

  async download(path: string, range: string | null, signal: AbortSignal): Promise<IncomingMessage> {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    const at = `/${encodeURIComponent(`[${this.#options.remote}]`)}/${encoded}`;
    return this.#send('GET', at, { signal, headers: range === null ? {} : { range } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = await this.#running?.catch(() => undefined);
    this.#running = undefined;
    this.#stopping.abort();
    await running?.child.done.catch(() => undefined);
  }

  async #text(answer: IncomingMessage, signal: AbortSignal): Promise<string> {
    return text(answer).catch(async (error: unknown) => {
      throw signal.aborted ? abortReason(signal) : await this.#lost(error);
    });
  }

  /** Its connection is gone: it has ended, mostly. Then it says why, and the next call starts another one. */
  async #lost(cause: unknown): Promise<HoldfastError> {
    const running = await this.#running?.catch(() => undefined);
    if (running === undefined) return lostProgram(this.#title, cause);
    const ended = running.child.done.catch(() => undefined);
    await Promise.race([ended, sleep(endMs, undefined, { ref: false })]);
    return endOfProgram(this.#title, running.child.stderr(), cause) ?? lostProgram(this.#title, cause);
  }

  async #send(method: string, path: string, ask: Ask): Promise<IncomingMessage> {
    throwIfAborted(ask.signal);
    this.#running ??= this.#start();
    const { port, authorization } = await this.#running;
    throwIfAborted(ask.signal);
    const { signal, body } = ask;
    const request = nodeHttp().request({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { authorization, ...ask.headers },
      agent: false,
    });
    return new Promise<IncomingMessage>((resolve, reject) => {
      const stop = () => request.destroy(abortReason(signal));
      signal.addEventListener('abort', stop, { once: true });
      let timer: NodeJS.Timeout | undefined;
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => request.destroy(timedOut(this.#title)), ask.patienceMs ?? silenceMs);
      };
      request.once('close', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
      });
      request.once('response', (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      request.on('error', (error) => {
        if (signal.aborted) reject(abortReason(signal));
        else if (error instanceof HoldfastError) reject(error);
        else void this.#lost(error).then(reject);
      });
      if (typeof body === 'object') pour(body, request, ask, wait, () => clearTimeout(timer));
      else {
        wait();
        request.end(body);
      }
    });
  }

  async #start(): Promise<Running> {
    const password = new Secret(randomBytes(24).toString('hex'));
    const { promise: port, resolve, reject } = Promise.withResolvers<number>();
    let said = '';
    const { program, config, env } = this.#options;
    const child = startProcess(
      {
        program,
        args: ['rcd', '--rc-addr', '127.0.0.1:0', '--rc-serve', '--use-json-log=false', ...noTimeouts],
        env: {
          ...env,
          ...(config === undefined ? {} : { RCLONE_CONFIG: config }),
          RCLONE_RC_USER: 'holdfast',
          RCLONE_RC_PASS: password.reveal(),
          // It would wait for somebody to type the password of an encrypted configuration.
          RCLONE_ASK_PASSWORD: 'false',
        },
      },
      {
        signal: this.#stopping.signal,
        stdout: 'ignore',
        onStderr: (line) => {
          said = `${said}\n${line}`.slice(-2000);
          const found = /Serving remote control on http:\/\/[^ ]*:(\d+)/.exec(line)?.[1];
          if (found !== undefined) resolve(Number(found));
        },
      },
    );
    const timer = setTimeout(() => reject(notStarted(this.#title, said)), startMs);
    child.done.then(
      () => reject(notStarted(this.#title, said)),
      (error: Error) => reject(endOfProgram(this.#title, toolFailure(error)?.stderr ?? '', error) ?? error),
    );
    const forget = () => (this.#running = undefined);
    child.done.then(forget, forget);
    try {
      const basic = Buffer.from(`holdfast:${password.reveal()}`).toString('base64');
      return { port: await port, authorization: `Basic ${basic}`, child };
    } catch (error) {
      child.kill();
      forget();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

interface Ask {
  signal: AbortSignal;
  headers: Record<string, string>;
  body?: Readable | string;
  /** Of silence. */
  patienceMs?: number;
  before?: string;
  after?: string;
}

/** A content that fails is never shown an end: rclone then sees its input cut and stores nothing. */
function pour(content: Readable, request: ClientRequest, ask: Ask, wait: () => void, idle: () => void): void {
  request.write(ask.before ?? '');
  content.on('data', (chunk: Buffer) => {
    if (request.write(chunk)) return;
    content.pause();
    wait();
  });
  request.on('drain', () => {
    idle();
    content.resume();
  });
  content.once('end', () => {
    wait();
    request.end(ask.after ?? '');
  });
  content.once('error', (error) => request.destroy(error));
  content.once('close', () => {
    if (!content.readableEnded) request.destroy(content.errored ?? new Error('the content ended early'));
  });
  request.once('response', () => {
    if (!content.readableEnded) content.destroy();
  });
  content.resume();
}

function errorIn(said: string): string {
  try {
    return (JSON.parse(said) as { error?: string }).error ?? said;
  } catch {
    return said;
  }
}
