import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { filePieces, growingFilePieces } from './file-pieces.ts';
import { giveBack, lend, reusedMemory } from './reuse.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
const path = join(folder, 'file');
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([0, 1, 1024 * 1024, 1024 * 1024 + 1, 3_000_000])('a file of %d bytes is read to its end', async (bytes) => {
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

test('a reading that shall not be any more is the end, and is not begun', async () => {
  await writeFile(path, Buffer.alloc(5_000_000));
  let readings = 0;
  let bytes = 0;
  const pieces = filePieces(path, (read) => {
    if (readings === 2) return null;
    readings += 1;
    return read();
  });
  for await (const piece of pieces) bytes += piece.length;
  expect(bytes).toBe(2 * 1024 * 1024);
});

test('the end of a file takes no memory with it', async () => {
  await writeFile(path, 'little');
  const take = () => [reusedMemory(1024 * 1024), reusedMemory(1024 * 1024)];
  const before = take();
  for (const memory of before) giveBack(lend(memory));
  for await (const piece of filePieces(path)) giveBack(piece);
  const places = new Set(before.map(({ buffer }) => buffer));
  for (const { buffer } of take()) expect(places.has(buffer)).toBe(true);
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

test('a file is read while it grows: what is there at once, and all of it in the end', async () => {
  const growing = join(folder, 'growing');
  const content = randomBytes(2_000_000);
  const { promise: written, resolve } = Promise.withResolvers<void>();
  const pieces = growingFilePieces(growing, written);
  const first = pieces.next();
  await sleep(20); // it is not there yet
  await writeFile(growing, content.subarray(0, 700));
  const { value } = await first;
  const read = [Buffer.from(value ?? [])];
  expect(read[0]?.length).toBe(700);
  const reading = (async () => {
    for await (const piece of pieces) {
      read.push(Buffer.from(piece));
      giveBack(piece);
    }
  })();
  for (let at = 700; at < content.length; at += 300_000) {
    await appendFile(growing, content.subarray(at, at + 300_000));
    await sleep(7);
  }
  resolve();
  await reading;
  expect(Buffer.concat(read).equals(content)).toBe(true);
});

test('what lies before the place to begin at is left out, also while the file has not got there', async () => {
  const later = join(folder, 'later');
  const content = randomBytes(2_000_000);
  await writeFile(later, content.subarray(0, 700));
  const { promise: written, resolve } = Promise.withResolvers<void>();
  const pieces = growingFilePieces(later, written, 1_500_000);
  const first = pieces.next();
  await sleep(15);
  await appendFile(later, content.subarray(700));
  resolve();
  const read = [Buffer.from((await first).value ?? [])];
  for await (const piece of pieces) read.push(Buffer.from(piece));
  expect(Buffer.concat(read).equals(content.subarray(1_500_000))).toBe(true);
});

test('an empty file that was written is at its end', async () => {
  const empty = join(folder, 'empty');
  await writeFile(empty, '');
  expect(await growingFilePieces(empty, Promise.resolve()).next()).toEqual({ done: true, value: undefined });
});

test.each([
  ['before it is there', false],
  ['in the middle of it', true],
])('who writes it fails %s: so does the reader', async (_, begun) => {
  const broken = join(folder, `broken-${String(begun)}`);
  if (begun) await writeFile(broken, 'the beginning');
  const { promise: written, reject } = Promise.withResolvers<void>();
  const pieces = growingFilePieces(broken, written);
  if (begun) expect((await pieces.next()).value?.toString()).toBe('the beginning');
  const next = pieces.next();
  await sleep(15);
  reject(new Error('the disk is full'));
  await expect(next).rejects.toThrow('the disk is full');
});

test.each([
  ['stopped reading', async (pieces: AsyncGenerator<Buffer>) => void (await pieces.return(undefined))],
  ['has not come back for more', async () => undefined],
])('a failure of who writes it that comes when the reader %s ends no process', async (_, leave) => {
  const left = join(folder, 'left');
  await writeFile(left, 'the beginning');
  const { promise: written, reject } = Promise.withResolvers<void>();
  written.catch(() => undefined);
  const unheard: unknown[] = [];
  const hear = (reason: unknown) => void unheard.push(reason);
  process.on('unhandledRejection', hear);
  const pieces = growingFilePieces(left, written);
  await pieces.next();
  await leave(pieces);
  reject(new Error('the disk is full'));
  await sleep(15);
  process.off('unhandledRejection', hear);
  await pieces.return(undefined);
  expect(unheard).toEqual([]);
});

test('a file that was written and is not there is told as the system tells it', async () => {
  await expect(growingFilePieces(join(folder, 'none'), Promise.resolve()).next()).rejects.toMatchObject({
    code: 'ENOENT',
  });
});
