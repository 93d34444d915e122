import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../base/errors.ts';
import { lend, reusedMemory } from '../base/reuse.ts';
import { throughProcess } from '../base/piped-program.ts';
import { until } from '../../test/support/until.ts';
import { decompressor } from './compress.ts';
import { bufferedBytes, through } from './pipeline.ts';
import { zstdFrames, zstdStream } from '../base/zstd-frames.ts';

const { signal } = new AbortController();
const frameBytes = 1000;

function compress(pieces: Iterable<Buffer>, lanes = 2, bytes = frameBytes): Promise<Buffer> {
  const source = Readable.from(pieces, { objectMode: false });
  return buffer(through(source, [zstdFrames(1, { frameBytes: bytes, lanes })], signal));
}

function framesIn(packed: Buffer): number {
  return windowsIn(packed).length;
}

/** How far back each frame looks; each says that it has a checksum. */
function windowsIn(packed: Buffer): number[] {
  const windows: number[] = [];
  for (let at = 0; at < packed.length;) {
    expect(packed.readUInt32LE(at)).toBe(0xfd2fb528);
    const descriptor = packed.readUInt8(at + 4);
    expect(descriptor & 4).toBe(4);
    const single = (descriptor >> 5) & 1;
    const window = packed.readUInt8(at + 5);
    windows.push(single ? 0 : 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8));
    at += 5 + (single ? 0 : 1) + ([single, 2, 4, 8][descriptor >> 6] ?? 0);
    for (let last = false; !last;) {
      const head = packed.readUIntLE(at, 3);
      last = (head & 1) === 1;
      // A block of the second kind is one byte that is repeated.
      at += 3 + (((head >> 1) & 3) === 1 ? 1 : head >> 3);
    }
    at += 4;
  }
  return windows;
}

describe('zstd in frames', () => {
  test('comes back as it was, in whatever pieces and on however many lanes', async () => {
    const pieces = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 3 * frameBytes }),
        fc
          .record({ byte: fc.nat(255), length: fc.nat(5 * frameBytes) })
          .map((run) => Buffer.alloc(run.length, run.byte)),
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: 1, max: 3 }), async (some, lanes) => {
        const content = some.map((piece) => Buffer.from(piece));
        const whole = Buffer.concat(content);
        const packed = await compress(content, lanes);
        expect(zstdDecompressSync(packed).equals(whole)).toBe(true);
        expect(framesIn(packed)).toBe(Math.max(1, Math.ceil(whole.length / frameBytes)));
      }),
    );
  });

  test.each([1, 2, 3, 4])(
    'at level %s a frame is as long as its window, and the buffer does not wrap around in it',
    async (level) => {
      const source = Readable.from([randomBytes(9 * 1024 * 1024)], { objectMode: false });
      const packed = await buffer(through(source, [zstdStream(level)], signal));
      expect(windowsIn(packed)).toEqual([2 ** 22, 2 ** 22, 2 ** 22]);
    },
  );

  test.each([
    ['nothing', 0, 1],
    ['a byte', 1, 1],
    ['a byte less than a frame', frameBytes - 1, 1],
    ['a frame', frameBytes, 1],
    ['a byte more', frameBytes + 1, 2],
    ['seven frames', 7 * frameBytes, 7],
  ])('%s', async (_, length, frames) => {
    const content = randomBytes(length);
    const packed = await compress([content]);
    expect(framesIn(packed)).toBe(frames);
    expect(zstdDecompressSync(packed).equals(content)).toBe(true);
  });

  test('an end that comes when all is done is an end', async () => {
    const stage = zstdFrames(1, { frameBytes, lanes: 2 });
    const packed: Buffer[] = [];
    stage.on('data', (piece: Buffer) => packed.push(piece));
    const content = randomBytes(2 * frameBytes);
    stage.write(content);
    await until(() => Buffer.concat(packed).length > content.length, 'both frames are out');
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
    stage.end();
    await once(stage, 'end');
    expect(zstdDecompressSync(Buffer.concat(packed)).equals(content)).toBe(true);
  });

  test('the stock program reads it and finds every checksum right', async () => {
    const content = Buffer.concat([randomBytes(3_000_000), Buffer.alloc(30_000_000, 'holdfast ')]);
    const stock = throughProcess({ program: 'zstd', args: ['-d', '-c', '-q'] }, { signal });
    const source = Readable.from([content], { objectMode: false });
    expect(content.equals(await buffer(through(source, [zstdStream(1), stock], signal)))).toBe(true);
  });

  test('S4: a flipped bit in any of the frames is refused', async () => {
    const packed = await compress([Buffer.from('a line of text\n'.repeat(400))]);
    for (let at = 0; at < packed.length; at += 7) {
      const flipped = Buffer.from(packed);
      flipped[at] = (flipped[at] ?? 0) ^ 16;
      const reading = buffer(
        through(Readable.from([flipped], { objectMode: false }), [decompressor('zstd', signal)], signal),
      );
      await expect(reading, `byte ${at}`).rejects.toMatchObject({ code: 'COMPRESSED_DAMAGED' });
    }
  });

  test('while nobody reads, it takes no more than its frames hold', async () => {
    const stage = zstdFrames(1, { frameBytes: 1024 * 1024, lanes: 2 });
    const piece = randomBytes(256 * 1024);
    let taken = 0;
    const write = () => stage.write(piece, () => (taken += piece.length));
    while (write());
    // Whatever it compresses meanwhile must not make room for more: nothing leaves it.
    for (let turn = 0; turn < 200; turn += 1) {
      if (stage.writableLength < bufferedBytes) while (write());
      await nextTurn();
    }
    expect(taken).toBeLessThanOrEqual(5 * 1024 * 1024);
    expect(taken).toBeGreaterThanOrEqual(2 * 1024 * 1024);
    stage.destroy();
  });

  test('memory is filled anew only when what was in it is compressed', async () => {
    const bytes = 100_000;
    const seen = new Set<ArrayBufferLike>();
    const numbers = Array.from({ length: 400 }, (_, at) => at % 251);
    const source = Readable.from(
      (async function* pieces() {
        for (const number of numbers) {
          const memory = reusedMemory(bytes);
          seen.add(memory.buffer);
          yield lend(memory.fill(number));
          if (number % 10 === 0) await nextTurn();
        }
      })(),
      { objectMode: false },
    );
    const packed = await buffer(through(source, [zstdFrames(1, { frameBytes: 640_000, lanes: 2 })], signal));
    const expected = Buffer.concat(numbers.map((number) => Buffer.alloc(bytes, number)));
    expect(zstdDecompressSync(packed).equals(expected)).toBe(true);
    expect(seen.size).toBeLessThan(numbers.length / 4);
  });

  test('a slow reader gets all of it', async () => {
    const content = randomBytes(6_000_000);
    const packed: Buffer[] = [];
    const stage = through(
      Readable.from([content], { objectMode: false }),
      [zstdFrames(1, { frameBytes: 700_000, lanes: 2 })],
      signal,
    );
    for await (const piece of stage) {
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
      packed.push(piece as Buffer);
    }
    expect(zstdDecompressSync(Buffer.concat(packed)).equals(content)).toBe(true);
  });

  test('S22: ends at once with the reason of whoever gave up', async () => {
    const controller = new AbortController();
    const endless = Readable.from(
      (function* pieces() {
        for (;;) yield randomBytes(100_000);
      })(),
      { objectMode: false },
    );
    const stage = zstdFrames(1, { frameBytes: 300_000, lanes: 3 });
    const stream = through(endless, [stage], controller.signal);
    const reason = new HoldfastError('DUMP_TIMEOUT', 'enough');
    const reading = (async () => {
      let pieces = 0;
      for await (const _ of stream) if ((pieces += 1) === 20) controller.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    if (!stage.closed) await once(stage, 'close');
    expect(endless.destroyed).toBe(true);
  });

  test('S2: what fails above it is never an end', async () => {
    const failing = Readable.from(
      (async function* pieces() {
        yield randomBytes(5000);
        await nextTurn();
        throw new Error('the tool died');
      })(),
      { objectMode: false },
    );
    const reading = buffer(through(failing, [zstdFrames(1, { frameBytes, lanes: 2 })], signal));
    await expect(reading).rejects.toThrow('the tool died');
  });

  test('high levels are one frame: they are for small files, and take much memory', async () => {
    const content = Buffer.alloc(20_000_000, 'abc');
    const packed = await buffer(through(Readable.from([content], { objectMode: false }), [zstdStream(5)], signal));
    expect(framesIn(packed)).toBe(1);
  });
});
