import { expect, test } from 'vitest';
import { wholeTar } from './tar-framing.ts';

function member(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write(content.length.toString(8).padStart(11, '0'), 124);
  header.write('        ', 148);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

const tar = Buffer.concat([
  member('toc.dat', Buffer.from('x'.repeat(700))),
  member('1.dat', Buffer.alloc(0)),
  member('2.dat', Buffer.alloc(512, 7)),
  Buffer.alloc(1024),
]);

async function* inPieces(bytes: Buffer, size: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

test.each([1, 7, 512, 513, 10_000])('a whole tar passes unchanged in pieces of %i bytes', async (size) => {
  expect(await read(wholeTar(inPieces(tar, size)))).toEqual(tar);
});

test('a tar cut off anywhere before its end is damaged', async () => {
  for (let length = 0; length < tar.length - 512; length += 37) {
    await expect(read(wholeTar(inPieces(tar.subarray(0, length), 100)))).rejects.toMatchObject({
      code: 'DUMP_DAMAGED',
    });
  }
});

test('a member with a wrong header is damaged', async () => {
  const flipped = Buffer.from(tar);
  flipped[1536] = (flipped[1536] ?? 0) ^ 1;
  await expect(read(wholeTar(inPieces(flipped, 512)))).rejects.toMatchObject({ code: 'DUMP_DAMAGED' });
});
