import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { wholeFile } from './read-through.ts';

const { signal } = new AbortController();
const script = Buffer.from('INSERT INTO `t` VALUES (1);\n-- Dump completed on 2026-11-20  5:15:00\n');
const strange = Buffer.from('what does not belong here');

test.each([
  ['gzip', '.gz', gzipSync(script)],
  ['zstd', '.zst', zstdCompressSync(script)],
] as const)('a file in %s is read to its end, and what follows it is damage', async (compression, ending, stored) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-read-through-'));
  try {
    const read = async (content: Buffer) => {
      await writeFile(join(folder, `t.sql${ending}`), content);
      return Buffer.concat(await Array.fromAsync(wholeFile(folder, 't.sql', { compression }, signal)));
    };
    expect(await read(stored)).toEqual(script);
    const damaged = { code: 'DUMP_DAMAGED', kind: 'integrity' };
    await expect(read(Buffer.concat([stored, strange]))).rejects.toMatchObject(damaged);
    await expect(read(stored.subarray(0, -5))).rejects.toMatchObject(damaged);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
