import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { abortReason, throwIfAborted, withTimeout } from '../base/abort.ts';
import { nodeHttp, nodeHttps } from '../base/node-http.ts';
import { connectionError, refusal, timedOut } from './errors.ts';
import { clip, oneLine } from './outline.ts';
import type { Service } from './service.ts';

const longestAnswer = 64 * 1024;
const longestWait = 3_600_000;

export interface Post {
  url: string;
  method?: 'POST' | 'GET';
  headers?: Record<string, string>;
  /** Sent exactly so. */
  body?: string | Uint8Array;
}

export interface Answer {
  status: number;
  text: string;
}

/** One request. Resolves with what a service that accepted said; never goes after a redirect, which could lead what is secret elsewhere. */
export async function post(service: Service, sent: Post, signal: AbortSignal): Promise<Answer> {
  throwIfAborted(signal);
  using limited = withTimeout(signal, service.timeoutMs, () => timedOut(service));
  try {
    const headers = { 'user-agent': `Holdfast/${service.version}`, ...sent.headers };
    const answer = await exchange({ ...sent, headers }, limited.signal);
    const text = await beginningOf(answer);
    const { statusCode: status = 0 } = answer;
    if (status >= 200 && status < 300) return { status, text };
    throw refusal(service, {
      status,
      // Cut only once it is clean: half a token would not be known for one.
      said: wordsOf(service.hide(text)),
      retryAfterMs: retryAfterMs(answer.headers['retry-after'] ?? null, text),
    });
  } catch (error) {
    if (limited.signal.aborted) throw abortReason(limited.signal);
    throw connectionError(service, error);
  }
}

/** Node's own client and not `fetch`, which refuses some ports that services of one's own may well have. */
async function exchange({ url, method = 'POST', headers, body }: Post, signal: AbortSignal): Promise<IncomingMessage> {
  const { request: start } = /^https:/i.test(url) ? nodeHttps() : nodeHttp();
  // One message in hours: a connection kept for the next would only be found dead.
  const request = start(url, { method, headers: { ...headers, connection: 'close' }, signal });
  request.on('error', () => undefined); // also after the answer has begun, when nobody waits for it any more
  request.end(body);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return answer;
}

export async function postJson(
  service: Service,
  { url, headers = {}, content }: { url: string; headers?: Record<string, string>; content: unknown },
  signal: AbortSignal,
): Promise<Answer> {
  const body = JSON.stringify(content);
  return post(service, { url, headers: { 'content-type': 'application/json', ...headers }, body }, signal);
}

/** What a service says is for an error: its beginning is enough, however much it sends. */
async function beginningOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > longestAnswer) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The sentence in an answer, whichever of the usual shapes it has. */
export function wordsOf(text: string): string {
  const plain = text.replaceAll(/<(script|style)[^]*?<\/\1>|<[^>]*>/gi, ' ');
  return clip(oneLine(sentenceIn(text) ?? plain), 200);
}

function sentenceIn(text: string): string | null {
  try {
    const answer = JSON.parse(text) as Record<string, unknown> | null;
    const words = ['description', 'message', 'msg', 'error', 'detail', 'title'].map((key) => answer?.[key]);
    const nested = (answer?.['error'] as { message?: unknown } | undefined)?.message;
    const found = [...words, nested].find((word) => typeof word === 'string' && word !== '');
    return typeof found === 'string' ? found : null;
  } catch {
    return null;
  }
}

/** By header in seconds or as a date, or in the answer: Discord `retry_after`, Telegram `parameters.retry_after`, both in seconds. */
export function retryAfterMs(header: string | null, text: string, now = Date.now()): number | null {
  const seconds = header !== null && /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) : secondsIn(text);
  if (seconds !== null) return Math.min(Math.ceil(seconds * 1000), longestWait);
  const date = header === null ? Number.NaN : Date.parse(header);
  return Number.isNaN(date) ? null : Math.min(Math.max(0, date - now), longestWait);
}

function secondsIn(text: string): number | null {
  try {
    const answer = JSON.parse(text) as { retry_after?: unknown; parameters?: { retry_after?: unknown } } | null;
    const found = [answer?.retry_after, answer?.parameters?.retry_after].find(
      (value) => typeof value === 'number' && value >= 0,
    );
    return typeof found === 'number' ? found : null;
  } catch {
    return null;
  }
}
