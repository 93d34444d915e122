import type { IncomingMessage } from 'node:http';
import { finished, pipeline, type Readable } from 'node:stream';
import { abortReason, throwIfAborted } from '../../base/abort.ts';
import { nodeHttp, nodeHttps } from '../../base/node-http.ts';
import { silent, unreachable } from './errors.ts';

export interface Ask {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string | Readable | undefined;
}

/**
 * One request over HTTP. Node's own client and not `fetch`: it goes after no redirect, so that what is secret stays with its host, and it
 * tells a server that is silent from one that is slow.
 */
export class Wire implements Disposable {
  readonly #title: string;
  readonly #silenceMs: number;
  readonly #http = new (nodeHttp().Agent)({ keepAlive: true, maxSockets: 64 });
  readonly #https = new (nodeHttps().Agent)({ keepAlive: true, maxSockets: 64 });

  constructor(title: string, silenceMs: number) {
    this.#title = title;
    this.#silenceMs = silenceMs;
  }

  async ask({ method, url, headers, body }: Ask, signal: AbortSignal): Promise<IncomingMessage> {
    throwIfAborted(signal);
    const secure = /^https:/i.test(url);
    // Node tells it by itself, but not of what is to be removed.
    const length = typeof body === 'string' ? { 'content-length': String(Buffer.byteLength(body)) } : {};
    const request = (secure ? nodeHttps() : nodeHttp()).request(url, {
      method,
      headers: { ...headers, ...length },
      agent: secure ? this.#https : this.#http,
    });
    let unread: IncomingMessage | null = null;
    request.setTimeout(this.#silenceMs, () => {
      // Silence counts only while somebody reads.
      if (unread === null || unread.readableLength === 0) request.destroy(silent(this.#title));
      else request.socket?.setTimeout(this.#silenceMs);
    });
    return new Promise<IncomingMessage>((resolve, reject) => {
      const stop = () => request.destroy(abortReason(signal));
      signal.addEventListener('abort', stop, { once: true });
      request.once('close', () => signal.removeEventListener('abort', stop));
      request.once('response', (answer) => {
        unread = answer;
        resolve(answer);
      });
      // It stays: what goes wrong once the answer has begun shows there, and must not end the process here.
      request.on('error', (error) => reject(signal.aborted ? abortReason(signal) : unreachable(error, this.#title)));
      if (typeof body !== 'object') request.end(body);
      else {
        pipeline(body, request, (error) => {
          if (error) reject(signal.aborted ? abortReason(signal) : unreachable(error, this.#title));
        });
      }
    });
  }

  /** The whole answer; null when it is longer than what may be, and the rest of it is not read. */
  async whole(answer: IncomingMessage, most: number, signal: AbortSignal): Promise<Buffer | null> {
    return new Promise<Buffer | null>((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const stop = () => answer.destroy(abortReason(signal));
      signal.addEventListener('abort', stop, { once: true });
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= most) return chunks.push(chunk);
        chunks.length = 0;
        resolve(null);
        answer.destroy();
      });
      finished(answer, { writable: false }, (error) => {
        signal.removeEventListener('abort', stop);
        if (!error) resolve(Buffer.concat(chunks, size));
        else reject(signal.aborted ? abortReason(signal) : unreachable(error, this.#title));
      });
      if (signal.aborted) stop();
    });
  }

  [Symbol.dispose](): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}
