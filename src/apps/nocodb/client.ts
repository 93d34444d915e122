import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pause, throwIfAborted, withGrace } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Secret } from '../../base/secret.ts';
import { notNocodb, refused, statusOf } from './errors.ts';
import { slots, type Slots } from './slots.ts';
import { Wire } from './wire.ts';

export interface ClientSettings {
  url: string;
  token: Secret;
  concurrency: number;
  timeoutMs: number;
}

export interface ClientContext {
  logger: Logger;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 up to 1. */
  random?: () => number;
}

export type Query = Readonly<Record<string, string | number | boolean | readonly (string | number)[] | undefined>>;

export interface Sending {
  query?: Query;
  body?: unknown;
  /**
   * `safe`: doing it twice does no harm, so that it is tried again whatever went wrong. `once`: only when it is sure that nothing was
   * done; otherwise the error is thrown, and who asked finds out what became of it.
   */
  repeat: 'safe' | 'once';
  signal: AbortSignal;
}

export interface Upload {
  query?: Query;
  name: string;
  mimetype: string;
  /** Called for every try. */
  open: () => Promise<Readable>;
  signal: AbortSignal;
}

const firstDelayMs = 500;
const longestDelayMs = 30_000;
/** Whoever asks to be left alone for longer is not waited for. */
const longestRestMs = 300_000;
const tries = 5;
/** A server that is silent is not asked five times. */
const triesOfSilence = 2;
/** NocoDB answers 500 also to what it will never do. */
const triesOfFailure = 3;
const restsInARow = 20;
/** Node cannot make a longer text of bytes. */
const longestAnswer = 512 * 1024 * 1024 - 32;
const redirects = 5;
/**
 * NocoDB goes on with what it was sent, whoever has hung up: who looked right after an interruption would not see it yet, and make
 * it a second time. So the answer is waited for, but not for long.
 */
const graceMs = 15_000;

/** NocoDB's HTTP API: tries again what failed for a passing reason, rests when it is told to, and sends the token nowhere else. */
export class Client implements Disposable {
  /** `NocoDB at http://nocodb:8080` */
  readonly title: string;
  readonly url: string;
  readonly #token: Secret;
  readonly #wire: Wire;
  readonly #slots: Slots;
  readonly #logger: Logger;
  readonly #wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #random: () => number;
  /** Nobody asks before; one who was told so tells all. */
  #restUntil = 0;

  constructor({ url, token, concurrency, timeoutMs }: ClientSettings, { logger, wait, random }: ClientContext) {
    this.title = `NocoDB at ${url}`;
    this.url = url;
    this.#token = token;
    this.#wire = new Wire(this.title, timeoutMs);
    this.#slots = slots(concurrency);
    this.#logger = logger;
    this.#wait = wait ?? pause;
    this.#random = random ?? Math.random;
  }

  async get(path: string, query: Query, signal: AbortSignal): Promise<unknown> {
    return (await this.getMeasured(path, query, { signal })).value;
  }

  /** Also says how long the answer was. Where it is longer than `most` it throws `NOCODB_ANSWER_TOO_LONG`. */
  async getMeasured(
    path: string,
    query: Query,
    { signal, most = longestAnswer }: { signal: AbortSignal; most?: number },
  ): Promise<{ value: unknown; bytes: number }> {
    return this.#ask({ method: 'GET', path, query, most, repeat: 'safe', signal });
  }

  async send(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, sending: Sending): Promise<unknown> {
    const { query = {}, body, repeat, signal } = sending;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string> = text === undefined ? {} : { 'content-type': 'application/json' };
    return (await this.#ask({ method, path, query, headers, body: () => text, repeat, signal, whole: true })).value;
  }

  /** One file as a form; the answer says where it lies. A second try leaves a file that nothing points at. */
  async upload(path: string, { query = {}, name, mimetype, open, signal }: Upload): Promise<unknown> {
    const boundary = `holdfast-${randomBytes(12).toString('hex')}`;
    const quoted = name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
    const type = /^[\w.+-]+\/[\w.+-]+$/.test(mimetype) ? mimetype : 'application/octet-stream';
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${quoted}"\r\ncontent-type: ${type}\r\n\r\n`;
    const form = async () =>
      Readable.from(framed(head, await open(), `\r\n--${boundary}--\r\n`), { objectMode: false });
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    return (await this.#ask({ method: 'POST', path, query, headers, body: form, repeat: 'safe', signal })).value;
  }

  /**
   * A file by its address, absolute or below NocoDB's; the token is not sent, not even to NocoDB. Goes after redirects. `from`: how many
   * bytes are there already; `skipped` says how many of them the answer repeats.
   */
  async file(
    address: string,
    { signal, from = 0 }: { signal: AbortSignal; from?: number },
  ): Promise<{ answer: IncomingMessage; skipped: number }> {
    let url = this.fileUrl(address);
    for (let hops = 0; ; hops += 1) {
      const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
      await this.#rest(signal);
      const answer = await this.#wire.ask({ method: 'GET', url, headers, body: undefined }, signal);
      const { statusCode: status = 0 } = answer;
      if (status === 200) return { answer, skipped: 0 };
      if (status === 206 && answer.headers['content-range']?.startsWith(`bytes ${from}-`) === true)
        return { answer, skipped: from };
      const { location } = answer.headers;
      const next = location !== undefined && URL.canParse(location, url) ? new URL(location, url) : null;
      answer.resume();
      if (status >= 300 && status < 400 && next !== null && /^https?:$/.test(next.protocol) && hops < redirects) {
        url = next.href;
        continue;
      }
      if (status === 429) this.#restFor(restMs(answer) ?? firstDelayMs);
      throw refused(this.title, { status, asked: `GET ${new URL(url).pathname}`, location });
    }
  }

  fileUrl(address: string): string {
    if (/^https?:\/\//i.test(address)) return address;
    return `${this.url}/${address.replace(/^\/+/, '').split('/').map(encodeSegment).join('/')}`;
  }

  /** Works until it is done; for what is more than one request. */
  async again<T>(work: () => Promise<T>, repeat: 'safe' | 'once', signal: AbortSignal): Promise<T> {
    let rests = 0;
    for (let attempt = 1; ;) {
      throwIfAborted(signal);
      await this.#rest(signal);
      try {
        return await work();
      } catch (error) {
        // Whatever a late answer says: the reason for the end is the interruption.
        throwIfAborted(signal);
        if (!(error instanceof HoldfastError)) throw error;
        if (statusOf(error) === 429 && rests < restsInARow) {
          rests += 1;
          continue;
        }
        if (attempt >= triesFor(error, repeat)) throw error;
        const ms = Math.round(Math.min(firstDelayMs * 2 ** (attempt - 1), longestDelayMs) * (0.5 + this.#random() / 2));
        this.#logger.log('warn', `trying again in ${ms} ms: ${error.message}`, { code: error.code, attempt });
        attempt += 1;
        await this.#wait(ms, signal);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]();
  }

  async #ask(asking: {
    method: string;
    path: string;
    query: Query;
    headers?: Record<string, string>;
    body?: () => string | undefined | Promise<Readable>;
    most?: number;
    repeat: 'safe' | 'once';
    signal: AbortSignal;
    /** Once it was sent, an interruption waits for the answer. */
    whole?: boolean;
  }): Promise<{ value: unknown; bytes: number }> {
    const { method, path, query, headers = {}, body, most = longestAnswer, repeat, signal, whole = false } = asking;
    const url = `${this.url}${path}${queryText(query)}`;
    const asked = `${method} ${path}`;
    return this.again(
      async () => {
        using _slot = await this.#slots.take(signal);
        using late = withGrace(signal, whole ? graceMs : 0);
        const all = { accept: 'application/json', 'xc-token': this.#token.reveal(), ...headers };
        const answer = await this.#wire.ask({ method, url, headers: all, body: await body?.() }, late.signal);
        const { statusCode: status = 0 } = answer;
        const content = await this.#wire.whole(answer, status < 400 ? most : 1024 * 1024, late.signal);
        if (status === 429) this.#restFor(restMs(answer) ?? firstDelayMs);
        if (status < 200 || status >= 300) {
          const { location } = answer.headers;
          throw refused(this.title, { status, asked, location, said: content === null ? undefined : saidIn(content) });
        }
        if (content === null) {
          throw new HoldfastError('NOCODB_ANSWER_TOO_LONG', `an answer of ${this.title} is too long: ${asked}`, {
            hint: 'Lower pageSize of the app.',
          });
        }
        return { value: this.#parse(content, asked), bytes: content.length };
      },
      repeat,
      signal,
    );
  }

  #parse(content: Buffer, asked: string): unknown {
    if (content.length === 0) return null;
    try {
      return JSON.parse(content.toString('utf8'));
    } catch {
      throw notNocodb(this.title, `gave no JSON for ${asked}`);
    }
  }

  async #rest(signal: AbortSignal): Promise<void> {
    for (let left = this.#restUntil - Date.now(); left > 0; left = this.#restUntil - Date.now())
      await this.#wait(left, signal);
  }

  #restFor(ms: number): void {
    const until = Date.now() + Math.min(ms, longestRestMs);
    if (until <= this.#restUntil) return;
    this.#restUntil = until;
    this.#logger.log('warn', `${this.title} asks for a rest of ${Math.ceil(ms / 1000)} s`, {});
  }
}

function triesFor(error: HoldfastError, repeat: 'safe' | 'once'): number {
  if (!error.retryable) return 1;
  if (repeat === 'once') return error.details['connected'] === false ? tries : 1;
  if (error.code === 'NOCODB_TIMEOUT') return triesOfSilence;
  return statusOf(error) === 500 ? triesOfFailure : tries;
}

/** By header, in seconds or as a date. */
function restMs(answer: IncomingMessage): number | null {
  const written = answer.headers['retry-after']?.trim();
  if (written === undefined) return null;
  if (/^\d+(\.\d+)?$/.test(written)) return Math.ceil(Number(written) * 1000);
  const date = Date.parse(written);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

/** Both shapes: `{error, message}` and the older `{msg}`. What else stands there (`innerError` with a stack) is not looked at. */
function saidIn(content: Buffer): { code: string | null; message: string | null } {
  try {
    const said = JSON.parse(content.toString('utf8')) as Record<string, unknown> | null;
    const message = said?.['message'] ?? said?.['msg'];
    return {
      code: typeof said?.['error'] === 'string' ? said['error'] : null,
      message: typeof message === 'string' ? message : null,
    };
  } catch {
    return { code: null, message: null };
  }
}

function queryText(query: Query): string {
  const parts = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const values = Array.isArray(value)
      ? (value as readonly (string | number)[])
      : [value as string | number | boolean];
    return values.map((each) => `${encodeURIComponent(name)}=${encodeURIComponent(each)}`);
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** What NocoDB has encoded already stays as it is in effect; what it has not (`#`, `%`, spaces) becomes part of the path. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment);
}

async function* framed(head: string, content: Readable, tail: string): AsyncGenerator<Buffer> {
  yield Buffer.from(head);
  yield* content as AsyncIterable<Buffer>;
  yield Buffer.from(tail);
}
