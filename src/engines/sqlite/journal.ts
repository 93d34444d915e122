import { open, stat } from 'node:fs/promises';

/** What a rollback journal has of its own at its beginning; who keeps the file beyond a transaction makes these zero. */
const headBytes = 28;

/**
 * Whether somebody is about to change the file: he notes down what was there before he asks for the lock that readers keep from him.
 * Not the sign of a journal is looked for, its first eight bytes, because that is written only when he has the lock.
 */
export async function isBeingWritten(path: string): Promise<boolean> {
  const journal = `${path}-journal`;
  try {
    const found = await stat(journal);
    if (!found.isFile() || found.size === 0) return false;
    await using file = await open(journal);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead).some((byte) => byte !== 0);
  } catch {
    // There is none, it has just gone, or it may not be read: no sign is seen.
    return false;
  }
}
