import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemErrno } from './errors.ts';
import { giveBack, lend, reusedMemory } from './reuse.ts';

/** Of smaller ones a compressor waits for the next more often. */
const pieceBytes = 1024 * 1024;

/** Does one reading, or says with null that there shall be no more. */
type Gate = <T>(read: () => Promise<T>) => Promise<T> | null;

/** What is in a file, from its beginning, read into memory that is used again. */
export async function* filePieces(
  path: string,
  gate: Gate = async (read) => read(),
): AsyncGenerator<Buffer, void, void> {
  await using file = await open(path);
  for (;;) {
    const memory = reusedMemory(pieceBytes);
    const bytesRead = (await gate(() => file.read(memory, 0, memory.length, null)))?.bytesRead ?? 0;
    if (bytesRead === 0) {
      giveBack(lend(memory.subarray(0, 0)));
      return;
    }
    yield lend(memory.subarray(0, bytesRead));
  }
}

const betweenLooksMs = 5;

/**
 * The same of a file that is still being written, from its beginning to its end and never twice in one place; it need not be there yet.
 * `written` settles when that is done, and is what this fails with. What lies before `from` is left out.
 */
export async function* growingFilePieces(
  path: string,
  written: Promise<unknown>,
  from = 0,
): AsyncGenerator<Buffer, void, void> {
  let isWritten = false;
  const end = written.then(() => {
    isWritten = true;
  });
  // It may fail when nobody asks for more: a reader that was stopped, or one that is slow.
  end.catch(() => undefined);
  const more = () => Promise.race([end, sleep(betweenLooksMs)]);
  await using file = await openSoon(path, more, () => isWritten);
  let memory: Buffer<ArrayBuffer> | null = null;
  let at = from;
  for (;;) {
    memory ??= reusedMemory(pieceBytes);
    // Asked first: what is read afterwards is the rest then.
    const isAll = isWritten;
    const { bytesRead } = await file.read(memory, 0, memory.length, at);
    if (bytesRead > 0) {
      at += bytesRead;
      yield lend(memory.subarray(0, bytesRead));
      memory = null;
    } else if (isAll) return;
    else await more();
  }
}

async function openSoon(path: string, more: () => Promise<unknown>, isWritten: () => boolean): Promise<FileHandle> {
  for (;;) {
    const isLast = isWritten();
    try {
      return await open(path);
    } catch (error) {
      if (isLast || systemErrno(error) !== 'ENOENT') throw error;
      await more();
    }
  }
}
