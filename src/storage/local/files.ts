import { constants } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { abortReason, throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { fileSink } from '../../base/file-sink.ts';
import { markPassing } from '../../base/reuse.ts';
import { destroyOnAbort } from '../../base/streams.ts';
import { localError } from './local-error.ts';
import { fileMode } from './root.ts';

const pieceBytes = 1024 * 1024;
/** How much may wait for the disk before it is told to write, so that the last sync has little left to do. */
const syncEveryBytes = 32 * 1024 * 1024;

/**
 * Writes a new file and syncs it; leaves none behind when anything fails. `prepare` makes its folder, here inside, so that whoever
 * produces the content is stopped when there can be no folder.
 */
export async function writeFile(
  path: string,
  content: Readable,
  signal: AbortSignal,
  prepare: () => Promise<unknown>,
): Promise<number> {
  destroyOnAbort(content, signal);
  // It may fail before the pipeline listens; the pipeline is told of it all the same.
  content.on('error', () => undefined);
  try {
    throwIfAborted(signal);
    await prepare();
    return await writeNew(path, content);
  } catch (error) {
    content.destroy();
    throw signal.aborted ? abortReason(signal) : toHoldfastError(error);
  }
}

async function writeNew(path: string, content: Readable): Promise<number> {
  const inOurWords = (error: unknown): never => {
    throw localError(error, path);
  };
  const file = await open(path, 'wx', fileMode).catch(inOurWords);
  try {
    // A default ACL can widen the mode, and a strange umask narrow it.
    await file.chmod(fileMode).catch(inOurWords);
    const sink = sinkInto(file, (error) => localError(error, path));
    await pipeline(content, sink.stream);
    await sink.synced().catch(inOurWords);
    return sink.bytes();
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

interface Sink {
  stream: Writable;
  bytes(): number;
  synced(): Promise<void>;
}

function sinkInto(file: FileHandle, explain: (error: unknown) => Error): Sink {
  let bytes = 0;
  let unsynced = 0;
  let syncing: Promise<void> | undefined;
  const written = (some: number) => {
    bytes += some;
    unsynced += some;
    if (unsynced < syncEveryBytes || syncing !== undefined) return;
    unsynced = 0;
    syncing = file.datasync().finally(() => (syncing = undefined));
    // When it fails, the one at the end may not: the system tells of a lost write only once.
    syncing.catch((error: unknown) => stream.destroy(explain(error)));
  };
  const stream = fileSink(file, { explain, written });
  return {
    stream,
    bytes: () => bytes,
    synced: async () => {
      await syncing;
      await file.sync();
    },
  };
}

/** Reads a range of a file (both ends included); null when there is no such file. Fails when there is less than was promised. */
export async function readFile(
  path: string,
  options: { signal: AbortSignal; start?: number; end?: number },
): Promise<Readable | null> {
  const { signal, start = 0 } = options;
  throwIfAborted(signal);
  const file = await openToRead(path);
  if (file === null) return null;
  const facts = await file.stat();
  if (!facts.isFile()) {
    await file.close();
    return null;
  }
  const end = Math.min(options.end ?? facts.size - 1, facts.size - 1);
  return destroyOnAbort(streamOf(file, path, start, end), signal);
}

async function openToRead(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw localError(error, path);
  }
}

function streamOf(file: FileHandle, path: string, start: number, end: number): Readable {
  let position = start;
  return new Readable({
    highWaterMark: pieceBytes,
    read() {
      const wanted = Math.min(pieceBytes, end + 1 - position);
      if (wanted <= 0) {
        this.push(null);
        return;
      }
      file.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, position).then(
        ({ bytesRead, buffer }) => {
          position += bytesRead;
          markPassing(buffer);
          if (bytesRead === 0) this.destroy(endedEarly(path, position));
          else this.push(bytesRead === wanted ? buffer : buffer.subarray(0, bytesRead));
        },
        (error: unknown) => this.destroy(localError(error, path)),
      );
    },
    destroy: (error, next) => {
      file.close().then(
        () => next(error),
        (failure: Error) => next(error ?? failure),
      );
    },
  });
}

function endedEarly(path: string, position: number): HoldfastError {
  return new HoldfastError('STORAGE_CUT', `${path} became shorter while it was read: it ended at ${position} bytes`, {
    kind: 'integrity',
  });
}

/** Makes names in a folder durable: a file that was synced can still be lost with its name. */
export async function syncFolder(path: string): Promise<void> {
  try {
    await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    await folder.sync();
  } catch (error) {
    // Some network file systems cannot sync a folder; they have no need to.
    if (['EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
    throw localError(error, path);
  }
}
