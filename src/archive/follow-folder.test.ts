import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, open, rm, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { followFolder } from './follow-folder.ts';

const { signal } = new AbortController();
const buffer = Buffer.alloc(64 * 1024);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-follow-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes pieces into a file while it is followed, each only after the one before was seen. */
async function write(path: string, pieces: readonly Buffer[]) {
  let seen = 0;
  const followed = followFolder(folder, (bytes) => (seen = bytes));
  let written = 0;
  for (const piece of pieces) {
    await appendFile(path, piece);
    written += piece.length;
    await expect.poll(() => seen, { interval: 10, timeout: 5000 }).toBe(written);
  }
  return followed;
}

function digestOf(...pieces: Buffer[]) {
  const content = Buffer.concat(pieces);
  return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

test('the digest of a file that grew while it was followed is that of its bytes', async () => {
  const path = join(folder, 'data');
  const pieces = [randomBytes(3_000_000), randomBytes(1), randomBytes(1_500_000)];
  await using followed = await write(path, pieces);
  const last = randomBytes(70_000);
  await appendFile(path, last);
  expect(await followed.digest(path, buffer, signal)).toEqual(digestOf(...pieces, last));
});

test('a small file is read whole in the end', async () => {
  const path = join(folder, 'small');
  await using followed = await write(path, [Buffer.from('toc')]);
  expect(await followed.digest(path, buffer, signal)).toEqual(digestOf(Buffer.from('toc')));
});

test('a file that became shorter is read again from its beginning', async () => {
  const path = join(folder, 'data');
  await using followed = await write(path, [randomBytes(2_000_000)]);
  await truncate(path, 0);
  const anew = randomBytes(1_200_000);
  await writeFile(path, anew);
  expect(await followed.digest(path, buffer, signal)).toEqual(digestOf(anew));
});

test('a file that disappeared is an error and not an empty digest', async () => {
  const path = join(folder, 'data');
  await using followed = await write(path, [randomBytes(2_000_000)]);
  await rm(path);
  await expect(followed.digest(path, buffer, signal)).rejects.toMatchObject({ code: 'ENOENT' });
});

/** What the system says when it is told to write a file to the disk. */
async function onSync(answer: () => Promise<void>) {
  await using file = await open(folder);
  return vi.spyOn(Object.getPrototypeOf(file) as FileHandle, 'datasync').mockImplementation(answer);
}

test('a file that is finished is written to the disk before the others are, and once', async () => {
  using sync = await onSync(async () => undefined);
  const path = join(folder, 'data');
  await using _ = await write(path, [randomBytes(1_500_000)]);
  await expect.poll(() => sync.mock.calls.length, { interval: 10, timeout: 5000 }).toBe(1);
  // Several looks later there is nothing to do.
  await new Promise((resolve) => setTimeout(resolve, 800));
  expect(sync).toHaveBeenCalledTimes(1);
});

test('a write that the disk lost is told, although the system tells it only once', async () => {
  const lost = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
  using sync = await onSync(() => Promise.reject(lost));
  const path = join(folder, 'data');
  await using followed = await write(path, [randomBytes(1_500_000)]);
  await expect.poll(() => sync.mock.calls.length, { interval: 10, timeout: 5000 }).toBe(1);
  await expect(followed.digest(path, buffer, signal)).rejects.toThrow('EIO');
});
