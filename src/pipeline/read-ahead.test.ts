import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { readAhead } from './read-ahead.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-read-ahead-'));
afterAll(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;
const megabyte = 1024 * 1024;

function made(bytes: number) {
  const content = randomBytes(bytes);
  const path = join(folder, `file-${bytes}`);
  writeFileSync(path, content);
  return { path, content, expected: { bytes, sha256: createHash('sha256').update(content).digest('hex') } };
}

async function whole(pieces: AsyncIterable<Buffer>, each: () => Promise<unknown> = async () => undefined) {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of pieces) {
    // What is read meanwhile must not lie in the piece that was given.
    await each();
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

describe.each([
  ['in a thread', 1],
  ['here', 0],
])('a file read ahead, its digest taken %s', (_title, left) => {
  test.each([0, 1, megabyte - 1, megabyte, megabyte + 1, 4 * megabyte, 5 * megabyte, 23 * megabyte + 7])(
    'comes whole and in order: %i bytes',
    async (bytes) => {
      const { path, expected } = made(bytes);
      expect(await whole(readAhead(path, { expected, what: 'x', threads: { left }, signal: never }))).toEqual(expected);
    },
  );

  test('a piece stays as it is until the next is asked for, however slow its reader', async () => {
    const { path, expected } = made(9 * megabyte);
    const slow = async () => {
      for (let turns = 0; turns < 50; turns += 1) await turn();
    };
    expect(await whole(readAhead(path, { expected, what: 'x', threads: { left }, signal: never }), slow)).toEqual(
      expected,
    );
  });

  test('S4 a byte that was changed ends in an error, and before all bytes are given', async () => {
    const { path, content, expected } = made(6 * megabyte + 1);
    let given = 0;
    content[5 * megabyte] = (content[5 * megabyte] ?? 0) ^ 1;
    writeFileSync(path, content);
    const counted = async function* counted() {
      for await (const piece of readAhead(path, { expected, what: 'the dump', threads: { left }, signal: never })) {
        given += piece.length;
        yield piece;
      }
    };
    await expect(whole(counted())).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      kind: 'integrity',
      message: expect.stringContaining('the dump'),
    });
    expect(given).toBeLessThan(content.length);
    truncateSync(path, 3 * megabyte);
    await expect(
      whole(readAhead(path, { expected, what: 'the dump', threads: { left }, signal: never })),
    ).rejects.toMatchObject({
      message: expect.stringContaining(`${3 * megabyte} bytes instead of`),
    });
  });

  test('what cannot be read, or is a link, is told', async () => {
    const { path, expected } = made(megabyte);
    const link = join(folder, `link-${left}`);
    symlinkSync(path, link);
    for (const wrong of [link, join(folder, 'nothing'), folder]) {
      await expect(
        whole(readAhead(wrong, { expected, what: 'the dump', threads: { left }, signal: never })),
      ).rejects.toMatchObject({
        code: 'ARTIFACT_UNREADABLE',
        message: expect.stringContaining('the dump cannot be read: E'),
      });
    }
  });

  test('S22 ends at once when it is interrupted, and when nobody wants the rest', async () => {
    const { path, expected } = made(30 * megabyte);
    const stop = new AbortController();
    const pieces = readAhead(path, { expected, what: 'x', threads: { left }, signal: stop.signal });
    await pieces.next();
    stop.abort();
    await expect(whole(pieces)).rejects.toMatchObject({ kind: 'interrupted' });
    const others = readAhead(path, { expected, what: 'x', threads: { left }, signal: never });
    await others.next();
    await others.return();
    expect(await others.next()).toEqual({ done: true, value: undefined });
  });
});
