import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fileSink } from './file-sink.ts';
import { lend, markPassing } from './reuse.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-sink-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** The parts of the chunks as stages pass them on, one after the other. */
function parts(all: readonly Buffer[]): Readable {
  const each = all.flatMap((chunk) => [chunk.subarray(0, 60_001), chunk.subarray(60_001)]);
  return Readable.from(each, { objectMode: false });
}

function chunks(): Buffer[] {
  return Array.from({ length: 30 }, (_, at) => Buffer.alloc(100_000, at + 1));
}

test('what was written is let go: lent memory goes back, what passes is freed, the rest stays', async () => {
  const returned: ArrayBuffer[] = [];
  const lent = chunks().map((chunk) =>
    lend(chunk, (memory) => {
      returned.push(memory);
    }),
  );
  const passing = chunks();
  for (const chunk of passing) markPassing(chunk);
  const own = chunks();
  const all = [...lent, ...passing, ...own];
  const expected = Buffer.concat(all);
  const path = join(folder, 'file');
  {
    await using file = await open(path, 'wx');
    await pipeline(parts(all), fileSink(file));
  }
  expect(readFileSync(path).equals(expected)).toBe(true);
  expect(returned.length).toBe(lent.length);
  expect(passing.every(({ buffer }) => buffer.byteLength === 0)).toBe(true);
  expect(own.every(({ buffer }) => buffer.byteLength === 100_000)).toBe(true);
});

test('S7 a disk that takes less than it is given gets the rest, and nothing is freed before', async () => {
  await using file = await open(join(folder, 'file'), 'wx');
  const prototype = Object.getPrototypeOf(file) as FileHandle;
  let calls = 0;
  vi.spyOn(prototype, 'writev').mockImplementation(async function (this: FileHandle, given) {
    calls += 1;
    const some = Buffer.concat(given as Buffer[]).subarray(0, 70_007);
    const { bytesWritten } = await this.write(some);
    return { bytesWritten, buffers: given };
  });
  const all = chunks();
  for (const chunk of all) markPassing(chunk);
  const expected = Buffer.concat(all);
  const counted: number[] = [];
  await pipeline(parts(all), fileSink(file, { written: (bytes) => counted.push(bytes) }));
  expect(calls).toBeGreaterThan(40);
  expect(counted.reduce((sum, bytes) => sum + bytes, 0)).toBe(expected.length);
  expect(readFileSync(join(folder, 'file')).equals(expected)).toBe(true);
});

test('a write that fails ends the stream in the words of the caller', async () => {
  await using file = await open('/dev/full', 'r+');
  const explain = (error: unknown) => new Error(`in other words: ${(error as NodeJS.ErrnoException).code}`);
  await expect(pipeline(parts(chunks()), fileSink(file, { explain }))).rejects.toThrow('in other words: ENOSPC');
});
