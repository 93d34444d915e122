import { Readable } from 'node:stream';
import { HoldfastError } from '../../base/errors.ts';
import type { PutOptions, Storage } from '../../storage/storage.ts';

/** More than a manifest of a hundred thousand files needs; a larger one is not ours. */
const largestBytes = 256 * 1024 * 1024;

/** A small object as a whole; null when it does not exist. */
export async function readSmall(storage: Storage, key: string, signal: AbortSignal): Promise<Buffer | null> {
  let content: Readable;
  try {
    content = await storage.get(key, { signal });
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'STORAGE_NOT_FOUND') return null;
    throw error;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBytes)
      throw new HoldfastError('FILE_TOO_LARGE', `${key} is too large to be ours`, { kind: 'integrity' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function writeJson(
  storage: Storage,
  key: string,
  value: unknown,
  options: Pick<PutOptions, 'signal' | 'ifAbsent'>,
): Promise<void> {
  const content = Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  await storage.put(key, Readable.from([content], { objectMode: false }), { ...options, size: content.length });
}
