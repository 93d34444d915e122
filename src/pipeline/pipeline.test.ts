import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../base/errors.ts';
import { compressor, decompressor } from './compress.ts';
import { digest, digestFile, expectDigest } from './digest.ts';
import { meter } from './meter.ts';
import { through } from './pipeline.ts';

const { signal } = new AbortController();
const content = Buffer.alloc(3_000_000, 'holdfast ');
const sha256 = createHash('sha256').update(content).digest('hex');

function source(): Readable {
  return Readable.from([content.subarray(0, 1_000_000), content.subarray(1_000_000)], { objectMode: false });
}

describe('through', () => {
  test('observers see what flows by, and have results afterwards', async () => {
    const told: number[] = [];
    const raw = meter((bytes) => told.push(bytes));
    const stored = digest();
    const zstd = compressor({ codec: 'zstd', level: 1 }, signal);
    const packed = await buffer(through(source(), [raw.stream, zstd, stored.stream], signal));
    expect(raw.bytes()).toBe(content.length);
    expect(told.at(-1)).toBe(content.length);
    expect(stored.result()).toEqual({
      bytes: packed.length,
      sha256: createHash('sha256').update(packed).digest('hex'),
    });

    const back = through(
      Readable.from([packed]),
      [expectDigest(stored.result(), 'x'), decompressor('zstd', signal)],
      signal,
    );
    expect(content.equals(await buffer(back))).toBe(true);
  });

  test('without stages it is the source', () => {
    const readable = source();
    expect(through(readable, [null], signal)).toBe(readable);
    readable.destroy();
  });

  test('the first cause is the error, and everything is destroyed', async () => {
    const cause = new HoldfastError('TOOL_FAILED', 'pg_dump ended with status 1');
    const failing = new Readable({ read: () => undefined });
    failing.push(content.subarray(0, 1000));
    setImmediate(() => failing.destroy(cause));
    const stages = [meter().stream, digest().stream];
    await expect(buffer(through(failing, stages, signal))).rejects.toBe(cause);
    expect(stages.map((stage) => stage.destroyed)).toEqual([true, true]);
  });

  test('a failing stage in the middle destroys source and end', async () => {
    const readable = source();
    const broken = new Transform({ transform: (_chunk, _encoding, next) => next(new Error('broken stage')) });
    await expect(buffer(through(readable, [meter().stream, broken, digest().stream], signal))).rejects.toThrow(
      'broken stage',
    );
    expect(readable.destroyed).toBe(true);
  });

  test('a reader that gives up destroys the source', async () => {
    const readable = source();
    const end = through(readable, [meter().stream, digest().stream], signal);
    const closed = new Promise((resolve) => readable.once('close', resolve));
    end.destroy();
    await closed;
    expect(readable.destroyed).toBe(true);
  });

  test('the signal ends it with its own reason', async () => {
    const controller = new AbortController();
    const readable = new Readable({ read: () => undefined });
    const reading = buffer(through(readable, [meter().stream, digest().stream], controller.signal));
    controller.abort(new HoldfastError('DUMP_TIMEOUT', 'the dump took longer than 30 min'));
    await expect(reading).rejects.toMatchObject({ code: 'DUMP_TIMEOUT' });
  });

  test('S13 nobody downstream sees an end of bytes that are not the expected ones', async () => {
    for (const wrong of [
      { bytes: content.length, sha256: sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) },
      { bytes: content.length + 1, sha256 },
    ]) {
      const ends: string[] = [];
      const last = new Transform({
        transform: (chunk, _encoding, next) => next(null, chunk),
        flush: () => void ends.push('end'),
      });
      const reading = buffer(through(source(), [expectDigest(wrong, 'database.dump'), last], signal));
      await expect(reading).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', kind: 'integrity' });
      expect(ends).toEqual([]);
    }
  });
});

test('digestFile reads a file with a small buffer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-digest-'));
  try {
    const path = join(folder, 'file');
    await writeFile(path, content);
    expect(await digestFile(path, Buffer.alloc(1000), signal)).toEqual({ bytes: content.length, sha256 });
  } finally {
    await rm(folder, { recursive: true });
  }
});
