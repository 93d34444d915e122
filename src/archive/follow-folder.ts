import { createHash, type Hash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../base/abort.ts';
import { toHoldfastError } from '../base/errors.ts';
import { digestFile, type Digest } from '../pipeline/digest.ts';

export interface FollowedFolder extends AsyncDisposable {
  /** The digest of a file once nobody writes it any more; `buffer` is the caller's, for reading. */
  digest(path: string, buffer: Buffer, signal: AbortSignal): Promise<Digest>;
}

const lookEveryMs = 250;
/** Smaller files are read whole in the end, which costs nothing: there may be thousands of them. */
const followFromBytes = 1024 * 1024;
/** How much may wait for the disk before it is told to write, so that the last sync has little left to do. */
const syncEveryBytes = 16 * 1024 * 1024;

interface Followed {
  hash: Hash;
  bytes: number;
  unsynced: number;
}

/**
 * Reads what a tool appends to the files of a folder while it still writes: later, a large dump would have left the memory and
 * had to be read from the disk again. Files only grow; one that was written anew would be told by the check that reads every
 * backup back.
 */
export function followFolder(folder: string, tell: (bytes: number) => void): FollowedFolder {
  const followed = new Map<string, Followed>();
  const buffer = Buffer.allocUnsafeSlow(followFromBytes);
  let over = false;
  let looking: Promise<void> | undefined;
  let lost: Error | undefined;

  const look = async () => {
    let sum = 0;
    for (const name of await readdir(folder, { recursive: true })) {
      if (over) return;
      const path = join(folder, name);
      const facts = await stat(path).catch(() => null);
      if (!facts?.isFile()) continue;
      sum += facts.size;
      if (facts.size >= followFromBytes) await catchUp(path, facts.size);
    }
    tell(sum);
  };

  const catchUp = async (path: string, size: number) => {
    const state = followed.get(path) ?? { hash: createHash('sha256'), bytes: 0, unsynced: 0 };
    followed.set(path, state);
    const grew = state.bytes < size;
    if (!grew && state.unsynced === 0) return;
    await using file = await open(path);
    while (state.bytes < size && !over) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - state.bytes), state.bytes);
      if (bytesRead === 0) break;
      state.hash.update(buffer.subarray(0, bytesRead));
      state.bytes += bytesRead;
      state.unsynced += bytesRead;
    }
    if (grew && state.unsynced < syncEveryBytes) return;
    state.unsynced = 0;
    // The system tells of a lost write only once: the sync at the end would find nothing wrong.
    await file.datasync().catch((error: unknown) => (lost ??= toHoldfastError(error)));
  };

  const timer = setInterval(() => {
    // Whatever goes wrong here goes wrong again in the end, where it is told.
    looking ??= look()
      .catch(() => undefined)
      .finally(() => (looking = undefined));
  }, lookEveryMs);

  const stop = async () => {
    over = true;
    clearInterval(timer);
    await looking;
  };

  return {
    digest: async (path, own, signal) => {
      await stop();
      if (lost) throw lost;
      const state = followed.get(path);
      if (!state) return digestFile(path, own, signal);
      followed.delete(path);
      return finish(path, state, own, signal);
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function finish(path: string, state: Followed, buffer: Buffer, signal: AbortSignal): Promise<Digest> {
  await using file = await open(path);
  // It became shorter: what was read of it is not what it is now.
  if ((await file.stat()).size < state.bytes) return await digestFile(path, buffer, signal);
  for (;;) {
    throwIfAborted(signal);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, state.bytes);
    if (bytesRead === 0) return { bytes: state.bytes, sha256: state.hash.digest('hex') };
    state.hash.update(buffer.subarray(0, bytesRead));
    state.bytes += bytesRead;
  }
}
