import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { filePieces } from './file-pieces.ts';
import { giveBack } from './reuse.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
const path = join(folder, 'file');
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([0, 1, 256 * 1024, 256 * 1024 + 1, 3_000_000])('a file of %d bytes is read to its end', async (bytes) => {
  const content = randomBytes(bytes);
  await writeFile(path, content);
  const read: Buffer[] = [];
  for await (const piece of filePieces(path)) {
    read.push(Buffer.from(piece));
    giveBack(piece);
  }
  expect(Buffer.concat(read).equals(content)).toBe(true);
});

test('a piece that was given back is where the next one lies', async () => {
  await writeFile(path, Buffer.alloc(5_000_000));
  const places = new Set<ArrayBufferLike>();
  for await (const piece of filePieces(path)) {
    places.add(piece.buffer);
    giveBack(piece);
  }
  expect(places.size).toBeLessThan(4);
});

test('who stops reading leaves nothing open', async () => {
  await writeFile(path, Buffer.alloc(5_000_000));
  for await (const _ of filePieces(path)) break;
  const handles = await readdir('/proc/self/fd');
  const open = await Promise.all(handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')));
  expect(open).not.toContain(path);
});

test('a file that is not there is told as the system tells it', async () => {
  await expect(filePieces(join(folder, 'none')).next()).rejects.toMatchObject({ code: 'ENOENT' });
});
