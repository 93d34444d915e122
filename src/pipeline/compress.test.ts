import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { crc32, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HoldfastError } from '../base/errors.ts';
import { throughProcess } from '../base/piped-program.ts';
import { letGo } from '../base/reuse.ts';
import { runProcess } from '../base/run-process.ts';
import { codecFacts, type Codec } from './codecs.ts';
import { compressor, decompressor } from './compress.ts';
import { digest } from './digest.ts';
import { through } from './pipeline.ts';

const { signal } = new AbortController();
const data = Buffer.concat([randomBytes(300_000), Buffer.alloc(700_000, 'abc')]);

const installed: Record<string, boolean> = {};
for (const codec of ['bzip2', 'xz', 'lz4']) {
  installed[codec] = await runProcess({ program: codec, args: ['--version'] }, { signal, input: '' }).then(
    () => true,
    () => false,
  );
}
const codecs = (['gzip', 'zstd', 'bzip2', 'xz', 'lz4'] as const).filter((codec) => installed[codec] ?? true);
const writable = codecs.filter((codec) => codec !== 'lz4');

async function compress(codec: Codec, content = data, level: number | null = null): Promise<Buffer> {
  // lz4 is only read, never written by us.
  const stage =
    codec === 'lz4'
      ? throughProcess({ program: 'lz4', args: ['-z', '-c'] }, { signal })
      : compressor({ codec, level }, signal);
  return buffer(through(Readable.from([content], { objectMode: false }), [stage], signal));
}

function decompress(codec: Codec, pieces: Buffer[]): Promise<Buffer> {
  return buffer(through(Readable.from(pieces, { objectMode: false }), [decompressor(codec, signal)], signal));
}

test.each(['gzip', 'zstd'] as const)(
  'what %s gives can be let go piece by piece, by whoever reads it last',
  async (codec) => {
    const large = Buffer.concat([randomBytes(3_000_000), Buffer.alloc(9_000_000, 'abc'), randomBytes(1_500_000)]);
    const packed = await compress(codec, large);
    for (const size of [1000, 65_536, 1_048_576]) {
      const pieces = Array.from({ length: Math.ceil(packed.length / size) }, (_, at) =>
        Buffer.from(packed.subarray(at * size, (at + 1) * size)),
      );
      const content = through(Readable.from(pieces, { objectMode: false }), [decompressor(codec, signal)], signal);
      const hash = createHash('sha256');
      let freed = 0;
      for await (const piece of content as AsyncIterable<Buffer>) {
        // Read late, as a full pipe does.
        await new Promise((resolve) => setImmediate(resolve));
        hash.update(piece);
        letGo(piece);
        if (piece.buffer.byteLength === 0) freed += 1;
      }
      expect(hash.digest('hex'), `${size}`).toBe(createHash('sha256').update(large).digest('hex'));
      expect(freed, `${size}`).toBeGreaterThan(5);
    }
  },
);

test.each([
  ['gzip', 6],
  ['zstd', 1],
  ['zstd', 9],
] as const)('%s %s: a reader that lets go of what it has read frees it, and reads the same', async (codec, level) => {
  const large = randomBytes(20_000_000);
  const stage = compressor({ codec, level }, signal);
  if (!stage) throw new Error('a stage was expected');
  const content = through(Readable.from([large], { objectMode: false }), [stage], signal);
  const packed: Buffer[] = [];
  let freed = 0;
  for await (const piece of content as AsyncIterable<Buffer>) {
    // Read late, as a slow disk does.
    await new Promise((resolve) => setImmediate(resolve));
    packed.push(Buffer.from(piece));
    letGo(piece);
    if (piece.buffer.byteLength === 0) freed += 1;
  }
  expect(freed).toBeGreaterThan(15);
  expect((await decompress(codec, packed)).equals(large)).toBe(true);
});

const damaged = { code: 'COMPRESSED_DAMAGED', kind: 'integrity' };

describe.each(codecs)('%s', (codec) => {
  test('forth and back, in whatever pieces', async () => {
    const packed = await compress(codec);
    expect(packed.length).toBeLessThan(data.length / 2);
    const pieces = [packed.subarray(0, 1), packed.subarray(1, 1000), packed.subarray(1000, -2), packed.subarray(-2)];
    expect(data.equals(await decompress(codec, pieces))).toBe(true);
  });

  test('nothing at all comes back as nothing', async () => {
    expect(await decompress(codec, [await compress(codec, Buffer.alloc(0))])).toHaveLength(0);
  });

  test('S5 a cut is refused, wherever it is', async () => {
    const packed = await compress(codec);
    for (const length of [3, 1000, packed.length >> 1, packed.length - 1]) {
      await expect(decompress(codec, [packed.subarray(0, length)]), `${length} bytes`).rejects.toMatchObject(damaged);
    }
  });

  test('S4 a flipped bit is refused', async () => {
    const packed = await compress(codec);
    packed.writeUInt8(packed.readUInt8(packed.length >> 2) ^ 4, packed.length >> 2);
    await expect(decompress(codec, [packed])).rejects.toMatchObject(damaged);
  });

  test('garbage after the end is refused, in the same piece and in one of its own', async () => {
    const packed = await compress(codec);
    const garbage = Buffer.from('something that does not belong here');
    await expect(decompress(codec, [Buffer.concat([packed, garbage])])).rejects.toMatchObject(damaged);
    await expect(decompress(codec, [packed, garbage])).rejects.toMatchObject(damaged);
  });

  test('two in a row are read as one', async () => {
    const packed = await compress(codec, Buffer.from('one and '));
    const more = await compress(codec, Buffer.from('two'));
    expect(String(await decompress(codec, [packed, more]))).toBe('one and two');
  });

  test('what is not compressed at all is refused', async () => {
    await expect(decompress(codec, [Buffer.from('-- PostgreSQL database dump\n')])).rejects.toMatchObject(damaged);
  });
});

describe('S4 gzip of several members', () => {
  const contents = ['one', 'two', 'three'].map((word) => Buffer.from(word.repeat(100_000)));
  const [one = data, two = data, three = data] = contents.map((content) => gzipSync(content));
  const zeros = (bytes: number) => Buffer.alloc(bytes);
  const sizes = [7, 1000, 1_000_000];
  const inPieces = (packed: Buffer, size: number) =>
    Array.from({ length: Math.ceil(packed.length / size) }, (_, at) => packed.subarray(at * size, (at + 1) * size));

  test.each(sizes)('zeros behind the last are padding, however many (in pieces of %i)', async (size) => {
    for (const padding of [0, 1, 3000]) {
      const packed = Buffer.concat([one, two, three, zeros(padding)]);
      const read = await decompress('gzip', inPieces(packed, size));
      expect(read.equals(Buffer.concat(contents))).toBe(true);
    }
  });

  test.each(sizes)('zeros in the place of one are damage, not an end (in pieces of %i)', async (size) => {
    for (const holed of [
      [one, zeros(two.length), three],
      [one, zeros(1), two.subarray(1), three],
      [one, two, three, zeros(3000), Buffer.of(1)],
      [one, zeros(4096), two],
    ]) {
      await expect(decompress('gzip', inPieces(Buffer.concat(holed), size))).rejects.toMatchObject(damaged);
    }
  });

  test('all of it is read, so that a digest before it is compared', async () => {
    const differs = new HoldfastError('DIGEST_MISMATCH', 'it is not what was stored', { kind: 'integrity' });
    const packed = [one, zeros(2_000_000)];
    const read = () =>
      through(Readable.from(packed), [digest(() => differs).stream, decompressor('gzip', signal)], signal);
    await expect(buffer(read())).rejects.toBe(differs);
  });
});

describe('what asks for much memory to be decompressed, as files of foreign origin may', () => {
  /** A frame of zstd with a window of so many bits. */
  const zstdWith = (windowLog: number) =>
    Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) * 8, 0x29, 0, 0]), Buffer.from('hello')]);
  const tooMuch = { code: 'DECOMPRESSION_MEMORY', kind: 'refused', hint: expect.any(String) };

  test('zstd --long=30 is read, and more is refused as what it is, not called damage', async () => {
    expect((await decompress('zstd', [zstdWith(30)])).toString()).toBe('hello');
    await expect(decompress('zstd', [zstdWith(31)])).rejects.toMatchObject(tooMuch);
  });

  test.runIf(codecs.includes('xz'))('xz with a dictionary of three gigabytes is refused likewise', async () => {
    const xz = { program: 'xz', args: ['-z', '-c', '-T1'] };
    const packed = await buffer(through(Readable.from([data]), [throughProcess(xz, { signal })], signal));
    // The header of its block: size, flags, filter, length of its properties, dictionary; and a checksum at its end.
    const header = packed.subarray(12, 12 + (packed.readUInt8(12) + 1) * 4);
    expect([...header.subarray(1, 4)]).toEqual([0, 0x21, 1]);
    header[4] = 39;
    header.writeUInt32LE(crc32(header.subarray(0, -4)), header.length - 4);
    await expect(decompress('xz', [packed])).rejects.toMatchObject(tooMuch);
  });
});

describe.each(writable)('%s', (codec) => {
  test('every level works', async () => {
    const { lowest, highest } = codecFacts[codec].levels;
    for (const level of [lowest, highest]) {
      expect(data.equals(await decompress(codec, [await compress(codec, data, level)]))).toBe(true);
    }
  });
});

afterEach(() => vi.unstubAllEnvs());

describe('compressing', () => {
  test('zstd carries a checksum of the content', async () => {
    const packed = await compress('zstd');
    // Frame header descriptor: bit 2 is the checksum flag.
    expect(packed.readUInt8(4) & 4).toBe(4);
  });

  test('none needs no stage', () => {
    expect(compressor({ codec: 'none', level: null }, signal)).toBeNull();
    expect(decompressor('none', signal)).toBeNull();
  });

  test('what cannot be done is said before anything starts', () => {
    expect(() => compressor({ codec: 'lz4', level: null }, signal)).toThrow(expect.objectContaining({ kind: 'usage' }));
    expect(() => compressor({ codec: 'zstd', level: 99 }, signal)).toThrow('no level 99');
  });

  test('a missing program is named, with the package to install', async () => {
    vi.stubEnv('PATH', '/nowhere');
    await expect(decompress('xz', [Buffer.from('x')])).rejects.toMatchObject({
      code: 'COMPRESSOR_MISSING',
      hint: expect.stringContaining('apt install xz-utils'),
    });
  });
});
