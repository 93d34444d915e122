import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { HoldfastError } from '../../base/errors.ts';
import type { Call } from '../register.ts';

/** What a browser should make of an answer that is a file. */
export interface FileHead {
  name: string;
  type: string;
  headers: Record<string, string | number>;
}

/**
 * Answers with these pieces, as a file, each given away before the next is asked for: they may lie in the same memory. Rejects when
 * whoever asked did not get all of it.
 */
export async function sendPieces(
  call: Call,
  head: FileHead,
  pieces: AsyncGenerator<Buffer, void, void>,
): Promise<void> {
  const { reply, signal } = call;
  // Before anything is said: what fails now still gets an answer that tells why.
  let next = await pieces.next();
  try {
    void reply.headers(headersOf(head)).hijack();
    reply.raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders);
    while (!next.done) {
      await given(reply.raw, next.value, signal);
      next = await pieces.next();
    }
    reply.raw.end();
  } finally {
    await pieces.return();
  }
  await finished(call);
}

/** Resolves when nobody here needs the bytes any more. */
function given(to: ServerResponse, piece: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const hungUp = () => reject(whyGone(signal));
    if (signal.aborted) return hungUp();
    signal.addEventListener('abort', hungUp, { once: true });
    to.write(piece, (error) => {
      signal.removeEventListener('abort', hungUp);
      if (error) hungUp();
      else resolve();
    });
  });
}

/** Answers with these bytes, as a file. */
export function begin(call: Call, head: FileHead, content: Readable): void {
  call.reply
    .headers(headersOf(head))
    .send(content)
    .then(
      () => undefined,
      () => undefined,
    );
}

function headersOf({ name, type, headers }: FileHead): Record<string, string | number> {
  const plain = name.replaceAll(/[^\w.-]/g, '_');
  return { ...headers, 'content-type': type, 'content-disposition': `attachment; filename="${plain}"` };
}

/** Rejects when whoever asked did not get all of it. */
export async function finished({ reply, signal }: Call): Promise<void> {
  if (reply.raw.writableFinished) return;
  await new Promise<void>((resolve, reject) => {
    reply.raw.once('finish', resolve);
    reply.raw.once('close', () => (reply.raw.writableFinished ? resolve() : reject(whyGone(signal))));
  });
}

function whyGone(signal: AbortSignal): unknown {
  return signal.aborted
    ? signal.reason
    : new HoldfastError('INTERRUPTED', 'the connection was closed', { kind: 'interrupted' });
}
