import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { writeBehind } from './write-behind.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-write-behind-'));
afterAll(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;
const inThread = () => ({ threads: { left: 1 }, signal: never });
const here = () => ({ threads: { left: 0 }, signal: never });
const megabyte = 1024 * 1024;
let made = 0;
const fresh = () => join(folder, `file-${(made += 1)}`);

/** Pieces as the network brings them: each with memory of its own, none a divisor of what is written at once. */
function* inPieces(content: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < content.length; at += size) {
    const part = content.subarray(at, at + size);
    const own = Buffer.allocUnsafeSlow(part.length);
    part.copy(own);
    yield own;
  }
}
const streamed = (content: Buffer, size = 65_000) => Readable.from(inPieces(content, size), { objectMode: false });
const digestOf = (content: Buffer) => ({
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
});

describe.each([
  ['in a thread', inThread],
  ['here', here],
])('a stream written into a file, its digest taken %s', (_title, given) => {
  test.each([
    [0, 1],
    [1, 1],
    [megabyte - 1, 65_536],
    [megabyte, 65_536],
    [megabyte + 1, 65_536],
    [23 * megabyte + 7, 65_000],
    [13 * megabyte, 5 * megabyte],
  ])('whole and in order, with its digest: %i bytes in pieces of %i', async (bytes, size) => {
    const content = randomBytes(bytes);
    const path = fresh();
    expect(await writeBehind(streamed(content, size), path, given())).toEqual(digestOf(content));
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('what shares its memory with others is left alone', async () => {
    const content = randomBytes(3 * megabyte);
    const whole = Buffer.from(content);
    const parts = [whole.subarray(0, megabyte), whole.subarray(megabyte)];
    expect(await writeBehind(Readable.from(parts, { objectMode: false }), fresh(), given())).toEqual(digestOf(content));
    expect(whole.equals(content)).toBe(true);
  });

  test('a file that is there already is not touched', async () => {
    const path = fresh();
    await writeBehind(streamed(Buffer.from('first')), path, given());
    await expect(writeBehind(streamed(Buffer.from('second')), path, given())).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(path, 'utf8')).toBe('first');
  });

  test('S22 ends with its reason when it is interrupted, and with its error when the source breaks off', async () => {
    const stop = new AbortController();
    const endless = new Readable({ read: () => undefined });
    endless.push(randomBytes(2 * megabyte));
    const writing = writeBehind(endless, fresh(), { ...given(), signal: stop.signal });
    stop.abort();
    await expect(writing).rejects.toMatchObject({ name: 'AbortError' });
    const broken = new Readable({ read: () => undefined });
    broken.push(randomBytes(2 * megabyte));
    const other = writeBehind(broken, fresh(), given());
    broken.destroy(new Error('the connection broke'));
    await expect(other).rejects.toThrow('the connection broke');
  });
});
