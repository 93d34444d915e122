import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { abortReason, throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import { destroyOnAbort } from '../../base/streams.ts';
import { bytesOfRange, isRangeAskedFor, otherRange } from '../content-range.ts';
import type { PutOptions } from '../storage.ts';
import { answeredEarly, connectionError, cut, notFound, webdavError } from './errors.ts';
import type { Root } from './root.ts';

/**
 * Writes a file and asks for its size: some servers keep what came before a connection was cut, and call it a file. Leaves none behind
 * when anything fails. `prepare` makes its folder, here inside, so that whoever produces the content is stopped when there can be none.
 */
export async function writeFile(
  root: Root,
  path: string,
  content: Readable,
  options: PutOptions,
  prepare: () => Promise<void>,
): Promise<number> {
  const { signal, size } = options;
  destroyOnAbort(content, signal);
  // It may fail before anybody listens.
  let broken: { error: unknown } | undefined;
  content.on('error', (error) => (broken = { error }));
  try {
    throwIfAborted(signal);
    await prepare();
    const length = size === undefined ? {} : { 'content-length': String(size) };
    const send = async () => {
      let bytes = 0;
      content.on('data', (chunk: Buffer) => (bytes += chunk.length));
      content.pause();
      const status = await root.client.status('PUT', path, {
        signal,
        body: content,
        headers: { 'content-type': 'application/octet-stream', ...length },
      });
      if (status < 200 || status >= 300) throw webdavError(status, path, root.title);
      if (!content.readableEnded) throw answeredEarly(path, root.title);
      return bytes;
    };
    try {
      const bytes = await send();
      const facts = await root.facts(path, signal);
      if (facts?.bytes !== bytes) throw cut(path, root.title, { wanted: bytes, found: facts?.bytes ?? 0 });
      return bytes;
    } catch (error) {
      root.forget();
      await root.cleanUp((late) => root.remove(path, late));
      throw error;
    }
  } catch (error) {
    content.destroy();
    if (signal.aborted) throw abortReason(signal);
    throw toHoldfastError(broken ? broken.error : error);
  }
}

/** Reads a range of a file (both ends included). Fails when there is less than was promised. */
export async function readFile(
  root: Root,
  path: string,
  options: { signal: AbortSignal; start?: number; end?: number },
): Promise<Readable> {
  const { signal, start = 0, end } = options;
  const ranged = start > 0 || end !== undefined;
  const headers: Record<string, string> = ranged ? { range: `bytes=${start}-${end ?? ''}` } : {};
  const answer = await root.client.ask('GET', path, { signal, headers });
  const { statusCode } = answer;
  const rangeSaid = answer.headers['content-range'];
  const other = () => {
    answer.resume();
    return otherRange(path, root.title, rangeSaid);
  };
  if (statusCode === 416) {
    const total = Number(/^bytes \*\/(\d+)$/i.exec(rangeSaid ?? '')?.[1] ?? 0);
    if (total > start) throw other();
    answer.resume();
    return Readable.from([], { objectMode: false });
  }
  // A folder.
  if ((statusCode === 301 && root.client.isOnlyASlashAway(answer, path)) || statusCode === 405) {
    answer.resume();
    throw notFound(path, root.title);
  }
  if (statusCode === 404) await root.assertServer(signal);
  // What is moved away between being looked for and being opened is refused by Apache.
  if (statusCode === 403 && (await root.facts(path, signal)) === null) {
    answer.resume();
    throw notFound(path, root.title);
  }
  if (statusCode !== 200 && statusCode !== 206) throw root.client.refuse(answer, path);
  if (statusCode === 206 && !(ranged && isRangeAskedFor(rangeSaid, { start, end }))) throw other();
  const said = answer.headers['content-length'];
  const promisedBytes = async () => {
    if (statusCode === 206) return bytesOfRange(rangeSaid ?? '');
    if (said !== undefined) return Number(said);
    if (answer.headers['transfer-encoding'] !== undefined) return 0;
    // Where the end of the connection is all that ends the answer, a cut looks the same.
    const facts = await root.facts(path, signal);
    if (facts === null) throw notFound(path, root.title);
    return facts.bytes;
  };
  const window =
    statusCode === 206 || !ranged ? { from: 0, until: Infinity } : { from: start, until: (end ?? Infinity) + 1 };
  const pieces = async function* () {
    let position = 0;
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        // Servers that do not know ranges send everything.
        const piece = chunk.subarray(
          Math.max(0, window.from - position),
          Math.max(0, Math.min(chunk.length, window.until - position)),
        );
        position += chunk.length;
        if (piece.length > 0) yield piece;
      }
    } catch (error) {
      throw signal.aborted ? abortReason(signal) : connectionError(error, root.title);
    } finally {
      answer.destroy();
    }
    const promised = await promisedBytes();
    if (position < promised) throw cut(path, root.title, { wanted: promised, found: position });
  };
  const stream = Readable.from(pieces(), { objectMode: false, highWaterMark: 1024 * 1024 });
  stream.once('close', () => answer.destroy());
  void finished(answer).catch(() => undefined);
  return destroyOnAbort(stream, signal);
}
