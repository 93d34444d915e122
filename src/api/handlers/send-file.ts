import type { Readable } from 'node:stream';
import type { Call } from '../register.ts';

/** Answers with these bytes, as a file. */
export function begin(
  call: Call,
  name: string,
  type: string,
  content: Readable,
  headers: Record<string, string | number>,
): void {
  const plain = name.replaceAll(/[^\w.-]/g, '_');
  call.reply
    .headers({ ...headers, 'content-type': type, 'content-disposition': `attachment; filename="${plain}"` })
    .send(content)
    .then(
      () => undefined,
      () => undefined,
    );
}

/** Rejects when whoever asked did not get all of it. */
export async function finished({ reply, signal }: Call): Promise<void> {
  if (reply.raw.writableFinished) return;
  await new Promise<void>((resolve, reject) => {
    reply.raw.once('finish', resolve);
    reply.raw.once('close', () =>
      reply.raw.writableFinished
        ? resolve()
        : reject(signal.aborted ? signal.reason : new Error('the connection was closed')),
    );
  });
}
