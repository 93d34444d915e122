import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { tarOf, type TarEntry } from './tar.ts';

const entry = (path: string, content: Buffer): TarEntry => ({
  path,
  bytes: content.length,
  open: async function* open() {
    yield content;
  },
});

test.each([
  ['short', 'shop/2026-01-01/manifest.json', 0],
  ['exactly a block', 'a', 512],
  ['one more', 'a', 513],
  ['a name of 100', 'x'.repeat(100), 10],
  ['a long one', `shop/${'x'.repeat(300)}/ü–ö.dump`, 1000],
  ['91 letters, where the number of the record gets a digit more by itself', `ü${'y'.repeat(91)}`, 3],
])('a tar that others can read: %s', async (_, path, size) => {
  const content = Buffer.alloc(size, 7);
  const madeAt = new Date('2026-01-02T03:04:05Z');
  const { pieces, bytes } = tarOf([entry(path, content), entry('last', Buffer.from('end'))], madeAt);
  const stream = Readable.from(pieces, { objectMode: false });
  const reader = extract();
  let length = 0;
  stream.on('data', (part: Buffer) => (length += part.length));
  stream.pipe(reader);
  const found: { name: string; mode: number | undefined; at: string | undefined; body: string }[] = [];
  for await (const file of reader) {
    const body: Buffer[] = [];
    for await (const part of file) body.push(part as Buffer);
    const { name, mode, mtime } = file.header;
    found.push({ name, mode, at: mtime?.toISOString(), body: Buffer.concat(body).toString('hex') });
  }
  const at = madeAt.toISOString();
  expect(found).toEqual([
    { name: path, mode: 0o600, at, body: content.toString('hex') },
    { name: 'last', mode: 0o600, at, body: Buffer.from('end').toString('hex') },
  ]);
  expect(length).toBe(bytes);
});
