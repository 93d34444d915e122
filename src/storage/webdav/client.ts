import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { finished, type Readable } from 'node:stream';
import { abortReason, throwIfAborted } from '../../base/abort.ts';
import { systemErrno } from '../../base/errors.ts';
import { nodeHttp, nodeHttps } from '../../base/node-http.ts';
import { connectionError, timedOut, webdavError } from './errors.ts';
import type { WebdavOptions } from './options.ts';

/** What the storage's own `timeout` does not watch, such as a commit, ends after so long; what it does, it ends as it is set. */
const silenceMs = 600_000;
/** A proxy may take all of a dump before the server behind it gets any. */
const storingMs = 6 * 3_600_000;
const longestText = 256 * 1024 * 1024;

export interface Ask {
  signal: AbortSignal;
  headers?: Record<string, string>;
  body?: Readable | string;
}

/**
 * HTTP as WebDAV needs it. Node's own client and not `fetch`: it never follows a redirect, so credentials stay with their host, and
 * it tells a server that is silent from a dump that has nothing to say for a while.
 */
export class Client implements Disposable {
  readonly title: string;
  readonly #base: URL;
  readonly #options: WebdavOptions;
  readonly #authorization: string | null;
  readonly #agent: Agent;

  constructor(options: WebdavOptions, title: string) {
    this.title = title;
    this.#options = options;
    this.#base = new URL(`${options.url}/${encodePath(options.path)}`.replace(/\/$/, ''));
    this.#authorization = authorizationOf(options);
    this.#agent = new (this.#http().Agent)({ keepAlive: true, maxSockets: 64 });
  }

  /** For the folder above the storage's; null where the server's own part of the address begins. */
  aboveRoot(): Client | null {
    const { path } = this.#options;
    if (path === '') return null;
    return new Client({ ...this.#options, path: path.split('/').slice(0, -1).join('/') }, this.title);
  }

  /** The address of a path; a folder's ends with `/`. */
  urlOf(path: string): string {
    const base = this.#base.href.replace(/\/$/, '');
    return path === '' ? `${base}/` : `${base}/${encodePath(path)}`;
  }

  /** The path below the root that a server's `href` means; null when it lies elsewhere. */
  pathOf(href: string): string | null {
    try {
      const root = decodeURIComponent(this.#base.pathname).replace(/\/$/, '');
      const path = decodeURIComponent(new URL(href, this.#base).pathname).replace(/\/+$/, '');
      if (path === root) return '';
      return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : null;
    } catch {
      return null;
    }
  }

  async ask(method: string, path: string, ask: Ask): Promise<IncomingMessage> {
    // Neither content nor a move can be sent a second time, so neither goes over a connection that may just be closing.
    if (typeof ask.body === 'object' || method === 'MOVE') return this.#send(method, path, ask, this.#fresh());
    return this.#send(method, path, ask, this.#agent).catch((error: unknown) => {
      // The server closed an idle connection just when it was used again.
      if (ask.signal.aborted || (error as { reused?: unknown }).reused !== true) throw error;
      return this.#send(method, path, ask, this.#fresh());
    });
  }

  /** The status of an answer whose content does not matter. */
  async status(method: string, path: string, ask: Ask): Promise<number> {
    const answer = await this.ask(method, path, ask);
    answer.resume();
    await this.#ended(answer, ask.signal);
    return answer.statusCode ?? 0;
  }

  async text(answer: IncomingMessage, signal: AbortSignal): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    answer.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > longestText) answer.destroy(new Error('the answer is too long'));
      else chunks.push(chunk);
    });
    await this.#ended(answer, signal);
    return Buffer.concat(chunks).toString('utf8');
  }

  /** So a server says that a folder is a file, or a file a folder. One that has moved, or wants to be asked by https, sends elsewhere. */
  isOnlyASlashAway(answer: IncomingMessage, path: string): boolean {
    const asked = new URL(this.urlOf(path));
    const { location = '' } = answer.headers;
    const { pathname } = URL.parse(location, asked) ?? asked;
    return pathname !== asked.pathname && pathname.replace(/\/$/, '') === asked.pathname.replace(/\/$/, '');
  }

  refuse(answer: IncomingMessage, path: string): Error {
    answer.resume();
    const { location } = answer.headers;
    return webdavError(answer.statusCode ?? 0, path, this.title, location === undefined ? {} : { location });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, { signal, headers = {}, body }: Ask, agent: Agent): Promise<IncomingMessage> {
    throwIfAborted(signal);
    const request = this.#http().request(this.urlOf(path), {
      method,
      headers: {
        // Some servers take a request with a length left open for one with content.
        ...(body === undefined && method !== 'GET' ? { 'content-length': '0' } : {}),
        ...(this.#authorization === null ? {} : { authorization: this.#authorization }),
        ...headers,
      },
      agent,
    });
    return new Promise<IncomingMessage>((resolve, reject) => {
      const patienceMs = typeof body === 'object' ? storingMs : silenceMs;
      const watch = watchSilence(request, patienceMs, () => timedOut(this.title));
      const stop = () => request.destroy(abortReason(signal));
      signal.addEventListener('abort', stop, { once: true });
      request.once('close', () => {
        watch.stop();
        signal.removeEventListener('abort', stop);
      });
      let answered = false;
      request.once('response', (answer) => {
        answered = true;
        watch.reading(answer);
        resolve(answer);
      });
      request.on('error', (error) => {
        if (signal.aborted) return reject(abortReason(signal));
        const failure = connectionError(error, this.title);
        const reused = !answered && request.reusedSocket && systemErrno(error) === 'ECONNRESET';
        reject(reused ? Object.assign(failure, { reused }) : failure);
      });
      if (typeof body === 'object') send(body, request, watch);
      else {
        watch.waiting();
        request.end(body);
      }
    });
  }

  #fresh(): Agent {
    return new (this.#http().Agent)();
  }

  #http() {
    return this.#base.protocol === 'https:' ? nodeHttps() : nodeHttp();
  }

  async #ended(answer: IncomingMessage, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      finished(answer, { writable: false }, (error) => {
        if (!error) resolve();
        else reject(signal.aborted ? abortReason(signal) : connectionError(error, this.title));
      });
    });
  }
}

/** Gives the content away as fast as the server takes it; a content that fails is never shown an end. */
function send(content: Readable, request: ClientRequest, watch: Watch): void {
  content.on('data', (chunk: Buffer) => {
    if (request.write(chunk)) return;
    content.pause();
    watch.waiting();
  });
  request.on('drain', () => {
    watch.idle();
    content.resume();
  });
  content.once('end', () => {
    watch.waiting();
    request.end();
  });
  content.once('error', (error) => request.destroy(error));
  content.once('close', () => {
    if (!content.readableEnded) request.destroy(content.errored ?? new Error('the content ended early'));
  });
  // Whoever listens to it besides may have stopped it.
  content.resume();
  // An answer before the end is a refusal; nobody reads the rest.
  request.once('response', () => {
    if (!content.readableEnded) content.destroy();
  });
}

interface Watch {
  /** The server's turn: it takes, or answers. */
  waiting(): void;
  /** Our own turn. */
  idle(): void;
  reading(answer: IncomingMessage): void;
  stop(): void;
}

function watchSilence(request: ClientRequest, patienceMs: number, onSilence: () => Error): Watch {
  let timer: NodeJS.Timeout | undefined;
  const idle = () => clearTimeout(timer);
  const waiting = () => {
    idle();
    timer = setTimeout(() => request.destroy(onSilence()), patienceMs);
  };
  return {
    waiting,
    idle,
    stop: idle,
    reading: (answer) => {
      idle();
      const { socket } = answer;
      // Silence counts only while somebody reads.
      const onTimeout = () => {
        if (!answer.isPaused() && answer.readableLength === 0) answer.destroy(onSilence());
      };
      socket.setTimeout(silenceMs);
      socket.on('timeout', onTimeout);
      answer.once('close', () => {
        socket.setTimeout(0);
        socket.off('timeout', onTimeout);
      });
    },
  };
}

function authorizationOf({ user, password, token }: WebdavOptions): string | null {
  if (token !== undefined) return `Bearer ${token}`;
  if (user === undefined) return null;
  return `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
