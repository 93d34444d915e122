import type { FileHandle } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { doneWith } from './reuse.ts';

const bufferedBytes = 4 * 1024 * 1024;

interface FileSinkOptions {
  /** An error of the file in other words. */
  explain?: (error: unknown) => Error;
  written?: (bytes: number) => void;
}

/**
 * Where a stream ends in an open file. Its content is let go once it is written, so whoever sends it must not look at it again. The file is
 * neither synced nor closed.
 */
export function fileSink(file: FileHandle, { explain, written }: FileSinkOptions = {}): Writable {
  const write = async (chunks: Buffer[], next: (error?: Error | null) => void) => {
    try {
      for (let left = chunks; left.length > 0;) {
        const { bytesWritten } = await file.writev(left);
        written?.(bytesWritten);
        left = after(left, bytesWritten);
      }
      for (const chunk of chunks) doneWith(chunk);
      next();
    } catch (error) {
      next(explain ? explain(error) : (error as Error));
    }
  };
  return new Writable({
    highWaterMark: bufferedBytes,
    write: (chunk: Buffer, _encoding, next) => void write([chunk], next),
    writev: (entries, next) =>
      void write(
        entries.map(({ chunk }) => chunk as Buffer),
        next,
      ),
  });
}

/** What is left of the chunks after some bytes were written: a nearly full disk takes less than it is given. */
function after(chunks: Buffer[], written: number): Buffer[] {
  let skip = written;
  for (const [index, chunk] of chunks.entries()) {
    if (skip < chunk.length) return [chunk.subarray(skip), ...chunks.slice(index + 1)];
    skip -= chunk.length;
  }
  return [];
}
