import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { giveBack, lend, reusedMemory } from '../../../base/reuse.ts';
import type { Compression } from '../../engine.ts';
import { splitTables, type Piece } from './split-tables.ts';
import { TableFiles } from './table-files.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-table-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

const settings = '-- MariaDB dump\n\n/*!40101 SET NAMES utf8mb4 */;\n';
const footer = `\n/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n${'-- and what else was set\n'.repeat(20)}\n-- Dump completed\n`;

function table(name: string, bytes: number): string {
  const row = `(1,'\\n--\\n-- Table structure for table','${name} -- ')`;
  const rows = Array.from({ length: Math.floor(bytes / row.length) }, () => row).join(',\n');
  return `\n--\n-- Table structure for table \`${name}\`\n--\n\nCREATE TABLE \`${name}\`;\nINSERT INTO \`${name}\` VALUES\n${rows};\n`;
}

/** As a tool's output is read: into memory that is used again when it was given back. Sizes repeat. */
async function* read(text: string, sizes: readonly number[], seen: Set<ArrayBufferLike>) {
  const all = Buffer.from(text);
  for (let at = 0, count = 0; at < all.length; count += 1) {
    const size = sizes[count % sizes.length] ?? 1;
    const memory = reusedMemory(300_000);
    seen.add(memory.buffer);
    const piece = memory.subarray(0, all.copy(memory, 0, at, at + size));
    at += size;
    yield lend(piece);
  }
}

async function write(text: string, names: readonly string[], inside: Compression | null, sizes: readonly number[]) {
  const seen = new Set<ArrayBufferLike>();
  const output = Readable.from(read(text, sizes, seen), { objectMode: false, highWaterMark: 1 });
  await pipeline(output, new TableFiles(folder, names, { compression: inside, besides: true }));
  return seen.size;
}

const codecs = [
  [{ codec: 'zstd', level: 1 }, zstdDecompressSync],
  [{ codec: 'zstd', level: 9 }, zstdDecompressSync],
  [{ codec: 'gzip', level: 1 }, gunzipSync],
  [null, (bytes: Buffer) => bytes],
] as const;

test.each(codecs)('tables of any size, in pieces of any size, have a file each: %j', async (inside, unpacked) => {
  const bytes = fc.oneof(fc.nat(300), fc.nat(20_000), fc.nat(600_000));
  const size = fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 200_000, max: 262_144 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(bytes, { minLength: 1, maxLength: 6 }),
      fc.array(size, { minLength: 1, maxLength: 4 }),
      async (lengths, sizes) => {
        const scripts = lengths.map((length, at) => table(`table ${at}`, length));
        const names = scripts.map((_, at) => `t${at}`);
        await write(`${settings}${scripts.join('')}${footer}`, names, inside, sizes);
        for (const [at, script] of scripts.entries()) {
          const content = unpacked(await readFile(join(folder, `t${at}`))).toString();
          expect(content === `${settings}${script}\n-- Dump completed\n`, `table ${at}`).toBe(true);
        }
      },
    ),
    { numRuns: 25 },
  );
});

test('a table begins wherever a piece ends', async () => {
  const [first, second] = [table('a', 10_000), table('b', 10_000)];
  const start = Buffer.byteLength(settings + first);
  for (let cut = start - 2; cut < start + 40; cut += 1) {
    await write(`${settings}${first}${second}${footer}`, ['a', 'b'], null, [cut, 100_000]);
    const files = await Promise.all(['a', 'b'].map((name) => readFile(join(folder, name), 'utf8')));
    expect(files, `cut at ${cut}`).toEqual([first, second].map((each) => `${settings}${each}\n-- Dump completed\n`));
  }
});

test('memory goes back when all that came out of it did, and not before', async () => {
  const tables = Array.from({ length: 40 }, (_, at) => table(`t${at}`, at % 2 === 0 ? 200 : 15_000));
  const all = Buffer.from(`${settings}${tables.join('')}${footer}`);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 100, max: 30_000 }), async (size) => {
      const parted = splitTables();
      const out = new Map<ArrayBufferLike, number>();
      const returned: ArrayBuffer[] = [];
      const passed: Buffer[] = [];
      const add = (pieces: readonly Piece[]) => {
        for (const piece of pieces) {
          if (piece.kind === 'table') continue;
          passed.push(piece.bytes);
          out.set(piece.bytes.buffer, (out.get(piece.bytes.buffer) ?? 0) + piece.bytes.length);
        }
      };
      let given = 0;
      for (let at = 0; at < all.length; at += size) {
        given += 1;
        const takeBack = (memory: ArrayBuffer) => {
          expect(out.get(memory) ?? 0).toBe(0);
          returned.push(memory);
        };
        add(parted.take(lend(Buffer.from(new Uint8Array(all.subarray(at, at + size)).buffer), takeBack)));
      }
      add(parted.end());
      // Its last bytes by themselves: given back too early, the memory would be free before them.
      for (const piece of passed.flatMap((each) => [each.subarray(0, -16), each.subarray(-16)])) {
        out.set(piece.buffer, (out.get(piece.buffer) ?? 0) - piece.length);
        giveBack(piece);
      }
      expect(new Set(returned).size).toBe(returned.length);
      // What stands behind the last table is left out.
      expect(given - returned.length).toBeLessThanOrEqual(1 + Math.ceil(footer.length / size));
    }),
  );
});

test.each(codecs)('what the tool wrote is not kept in memory that grows with it: %j', async (inside) => {
  const text = `${settings}${table('a', 20_000_000)}${table('b', 100)}${table('c', 10_000_000)}${footer}`;
  expect(await write(text, ['a', 'b', 'c'], inside, [250_000])).toBeLessThan(30);
  expect(await readdir(folder)).toEqual(['a', 'b', 'c']);
});

test('what holds next to nothing needs next to nothing to be read', async () => {
  await write(`${settings}${table('a', 100)}${footer}`, ['a'], { codec: 'zstd', level: 1 }, [250_000]);
  const packed = await readFile(join(folder, 'a'));
  const [single, checksum] = [0b10_0000, 0b100];
  // All of it is one block without a window of its own, and is checked when it is read.
  expect(packed.readUInt8(4) & (single | checksum)).toBe(single | checksum);
});

test.each([
  ['fewer', ['a'], 'wrote 1 tables where 2 were asked for'],
  ['more', ['a', 'b', 'c'], 'wrote 3 tables where 2 were asked for'],
])('%s tables than were asked for are none', async (_, there, message) => {
  const text = `${settings}${there.map((name) => table(name, 500)).join('')}${footer}`;
  await expect(write(text, ['a', 'b'], null, [1000])).rejects.toMatchObject({ code: 'DUMP_CUT_OFF', retryable: true });
  await expect(write(text, ['a', 'b'], null, [1000])).rejects.toThrow(message);
});

test('where a file cannot be written, the reason is told, and nobody writes any more', async () => {
  const files = new TableFiles(join(folder, 'missing'), ['a'], { compression: null, besides: true });
  const text = `${settings}${table('a', 1_000_000)}${footer}`;
  await expect(pipeline(Readable.from(read(text, [100_000], new Set())), files)).rejects.toMatchObject({
    code: 'ENOENT',
  });
  await files.abandon();
});
