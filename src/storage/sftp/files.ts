import { Readable } from 'node:stream';
import type { SFTPWrapper } from 'ssh2';
import { abortReason, throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import { destroyOnAbort } from '../../base/streams.ts';
import type { Request } from './connection.ts';
import { endedEarly, isUnsupported, notFound } from './errors.ts';
import { fileMode, type Root } from './root.ts';

/** What every server takes in one request; some cut longer ones short. */
const pieceBytes = 32 * 1024;
/** Requests on their way: what the line and the server's disk need to stay busy, and all the memory a transfer takes. */
const inFlight = 64;

/**
 * Writes a new file and syncs it where the server can; leaves none behind when anything fails. `prepare` makes its folder, here
 * inside, so that whoever produces the content is stopped when there can be no folder.
 */
export async function writeFile(
  root: Root,
  path: string,
  content: Readable,
  signal: AbortSignal,
  prepare: () => Promise<void>,
): Promise<number> {
  destroyOnAbort(content, signal);
  // It may fail before anybody listens; the loop below is told of it all the same.
  content.on('error', () => undefined);
  try {
    throwIfAborted(signal);
    await prepare();
    const file = await openNew(root, path, signal, prepare);
    try {
      return await writeAll(root, file, path, content, signal);
    } catch (error) {
      await root.cleanUp((late) => root.remove(path, late));
      throw error;
    }
  } catch (error) {
    content.destroy();
    throw signal.aborted ? abortReason(signal) : toHoldfastError(error);
  }
}

async function openNew(root: Root, path: string, signal: AbortSignal, prepare: () => Promise<void>): Promise<OpenFile> {
  const open = () => openFile(root, path, 'wx', signal);
  try {
    return await open();
  } catch (error) {
    // Somebody removed the folder since it was last seen.
    if (!root.forgetWhenMissing(error)) throw await root.explain(error, path);
    await prepare();
    return open().catch(explained(root, path));
  }
}

/** A file that the server has open for us. Its handle is a number of one session, and in the next one that of another file. */
interface OpenFile {
  ask<T = void>(signal: AbortSignal, send: FileRequest<T>): Promise<T>;
  close(signal: AbortSignal): Promise<void>;
}

type FileRequest<T> = (sftp: SFTPWrapper, handle: Buffer, done: Parameters<Request<T>>[1]) => void;

async function openFile(root: Root, path: string, flags: 'wx' | 'r', signal: AbortSignal): Promise<OpenFile> {
  const attributes = flags === 'wx' ? { mode: fileMode } : {};
  const session = await root.session(signal);
  const handle = await session.ask<Buffer>(
    signal,
    (sftp, done) => sftp.open(path, flags, attributes, done),
    (sftp, late) => sftp.close(late, () => undefined),
  );
  let isClosed = false;
  return {
    ask: (until, send) => session.ask(until, (sftp, done) => send(sftp, handle, done)),
    close: async (until) => {
      // Twice would close what was opened meanwhile: the server gives the number anew, also when closing failed.
      if (isClosed) return;
      isClosed = true;
      await session.ask(until, (sftp, done) => sftp.close(handle, done));
    },
  };
}

function explained(root: Root, path: string): (error: unknown) => Promise<never> {
  return async (error) => {
    throw await root.explain(error, path);
  };
}

async function writeAll(
  root: Root,
  file: OpenFile,
  path: string,
  content: Readable,
  signal: AbortSignal,
): Promise<number> {
  const waiting = new Set<Promise<void>>();
  let position = 0;
  let failure: { error: unknown } | undefined;
  const send = async (piece: Buffer) => {
    if (waiting.size >= inFlight) await Promise.race(waiting);
    if (failure) throw failure.error;
    const at = position;
    position += piece.length;
    const sent = file
      .ask(signal, (sftp, handle, done) => sftp.write(handle, piece, 0, piece.length, at, done))
      .catch((error: unknown) => {
        failure ??= { error };
        // The producer may be silent for long; it need not go on.
        content.destroy();
      })
      .finally(() => waiting.delete(sent));
    waiting.add(sent);
  };
  try {
    for await (const piece of inPieces(content)) await send(piece);
    await Promise.all(waiting);
    if (failure) throw failure.error;
    await sync(file, signal).catch(explained(root, path));
    // Some servers say only now that their disk is full.
    await file.close(signal).catch(explained(root, path));
    return position;
  } catch (error) {
    await Promise.all(waiting);
    await root.cleanUp((late) => file.close(late));
    throw failure ? await root.explain(failure.error, path) : error;
  }
}

/** Dump tools write a few kilobytes at a time, compressors a megabyte; a request carries 32 KiB of either. */
async function* inPieces(content: Readable): AsyncGenerator<Buffer> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    let from = 0;
    while (keptBytes + chunk.length - from >= pieceBytes) {
      const until = from + pieceBytes - keptBytes;
      const head = chunk.subarray(from, until);
      yield keptBytes === 0 ? head : Buffer.concat([...kept, head]);
      kept = [];
      keptBytes = 0;
      from = until;
    }
    if (from === chunk.length) continue;
    kept.push(chunk.subarray(from));
    keptBytes += chunk.length - from;
  }
  if (keptBytes > 0) yield Buffer.concat(kept);
}

async function sync(file: OpenFile, signal: AbortSignal): Promise<void> {
  await file
    .ask(signal, (sftp, handle, done) => sftp.ext_openssh_fsync(handle, done))
    .catch((error: unknown) => {
      if (!isUnsupported(error)) throw error;
    });
}

/** Reads a range of a file (both ends included). Fails when there is less than was promised. */
export async function readFile(
  root: Root,
  key: string,
  options: { signal: AbortSignal; start?: number; end?: number },
): Promise<Readable> {
  const { signal, start = 0 } = options;
  const path = root.at(key);
  throwIfAborted(signal);
  const facts = await root.facts(path, signal);
  if (!facts?.isFile) throw notFound(key, root.title);
  const end = Math.min(options.end ?? facts.bytes - 1, facts.bytes - 1);
  const file = await openFile(root, path, 'r', signal).catch(explained(root, path));
  const pieces = readPieces(root, file, { key, path, start, end, signal });
  const content = Readable.from(pieces, { objectMode: false, highWaterMark: pieceBytes });
  // Of what nobody began to read, not a line of the generator is run, its end neither.
  content.once('close', () => void root.cleanUp((late) => file.close(late)));
  return destroyOnAbort(content, signal);
}

interface Range {
  key: string;
  path: string;
  start: number;
  end: number;
  signal: AbortSignal;
}

async function* readPieces(root: Root, file: OpenFile, range: Range): AsyncGenerator<Buffer> {
  const { start, end } = range;
  const waiting: Promise<Buffer>[] = [];
  let next = start;
  try {
    for (;;) {
      while (next <= end && waiting.length < inFlight) {
        const piece = readPiece(root, file, next, Math.min(pieceBytes, end + 1 - next), range);
        // One after it may fail first; its turn to say so comes.
        piece.catch(() => undefined);
        waiting.push(piece);
        next += pieceBytes;
      }
      const first = waiting.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(waiting);
    await root.cleanUp((late) => file.close(late));
  }
}

async function readPiece(root: Root, file: OpenFile, position: number, length: number, range: Range): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  // A server may give less than was asked for; only nothing is the end.
  for (let filled = 0; filled < length;) {
    const from = filled;
    const bytes = await file
      .ask<number>(range.signal, (sftp, handle, done) =>
        sftp.read(handle, buffer, from, length - from, position + from, (error, read) => done(error, read)),
      )
      .catch(async (error: unknown) => {
        if ((error as { code?: unknown }).code === endOfFile) return 0;
        throw await root.explain(error, range.path);
      });
    if (bytes === 0) throw endedEarly(range.key, position + filled, root.title);
    filled += bytes;
  }
  return buffer;
}

const endOfFile = 1;
