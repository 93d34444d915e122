import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { abortReason, throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import { destroyOnAbort } from '../../base/streams.ts';
import { isRangeAskedFor, otherRange } from '../content-range.ts';
import type { Daemon } from './daemon.ts';
import { cut, lostProgram, notFound, rcloneError } from './errors.ts';

export const temporaryName = /^\.put-[0-9a-f]{12}$/;
const cleanUpMs = 30_000;

export interface Place {
  daemon: Daemon;
  remote: string;
  title: string;
  size(path: string, signal: AbortSignal): Promise<number | null>;
}

/** Uploads under another name and moves it: what a remote does with half an upload differs from remote to remote. */
export async function writeFile(
  place: Place,
  key: string,
  content: Readable,
  signal: AbortSignal,
  prepare: () => Promise<void>,
): Promise<number> {
  const { daemon, remote, title } = place;
  destroyOnAbort(content, signal);
  // It may fail before anybody listens.
  let broken: { error: unknown } | undefined;
  content.on('error', (error) => (broken = { error }));
  try {
    throwIfAborted(signal);
    await prepare();
    const folder = posix.dirname(key) === '.' ? '' : posix.dirname(key);
    const name = `.put-${randomBytes(6).toString('hex')}`;
    const temporary = posix.join(folder, name);
    try {
      let bytes = 0;
      content.on('data', (chunk: Buffer) => (bytes += chunk.length));
      content.pause();
      await daemon.upload(folder, name, content, signal);
      const found = await place.size(temporary, signal);
      if (found !== bytes) throw cut(key, title, { wanted: bytes, found: found ?? 0 });
      // Where a remote knows neither digests nor times, what has the same size would count as the same, and stay.
      const _config = { IgnoreTimes: true };
      const move = { srcFs: remote, srcRemote: temporary, dstFs: remote, dstRemote: key, _config };
      await daemon.call('operations/movefile', move, key, signal);
      return bytes;
    } catch (error) {
      const late = AbortSignal.timeout(cleanUpMs);
      await daemon
        .call('operations/deletefile', { fs: remote, remote: temporary }, temporary, late)
        .catch(() => undefined);
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
  place: Place,
  key: string,
  options: { signal: AbortSignal; start?: number; end?: number },
): Promise<Readable> {
  const { signal, start = 0, end } = options;
  const size = await place.size(key, signal);
  if (size === null) throw notFound(key, place.title);
  const wanted = Math.min(end ?? size - 1, size - 1) + 1 - start;
  if (wanted <= 0) return Readable.from([], { objectMode: false });
  const range = wanted === size ? null : `bytes=${start}-${start + wanted - 1}`;
  const answer = await place.daemon.download(key, range, signal);
  if (answer.statusCode !== 200 && answer.statusCode !== 206) {
    answer.resume();
    if (answer.statusCode === 404) throw notFound(key, place.title);
    throw rcloneError(`it answered ${answer.statusCode}`, key, place.title);
  }
  const rangeSaid = answer.headers['content-range'];
  const asked = { start, end: start + wanted - 1 };
  if (range === null ? answer.statusCode === 206 : !isRangeAskedFor(rangeSaid, asked)) {
    answer.resume();
    throw otherRange(key, place.title, rangeSaid);
  }
  const pieces = async function* () {
    let found = 0;
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        found += chunk.length;
        yield chunk;
      }
    } catch (error) {
      throw signal.aborted ? abortReason(signal) : lostProgram(place.title, error);
    } finally {
      answer.destroy();
    }
    if (found !== wanted) throw cut(key, place.title, { wanted, found });
  };
  answer.on('error', () => undefined);
  const stream = Readable.from(pieces(), { objectMode: false, highWaterMark: 1024 * 1024 });
  stream.once('close', () => answer.destroy());
  return destroyOnAbort(stream, signal);
}
