import { open } from 'node:fs/promises';
import { lend, reusedMemory } from './reuse.ts';

const pieceBytes = 256 * 1024;

/** What is in a file, from its beginning, read into memory that is used again. */
export async function* filePieces(path: string): AsyncGenerator<Buffer, void, void> {
  await using file = await open(path);
  for (;;) {
    const memory = reusedMemory(pieceBytes);
    const { bytesRead } = await file.read(memory, 0, memory.length, null);
    if (bytesRead === 0) return;
    yield lend(memory.subarray(0, bytesRead));
  }
}
