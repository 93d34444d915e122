import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { expect, test } from 'vitest';
import { packKeys, unpackKeys } from './keys-tar.ts';

const never = new AbortController().signal;

test('keys come out as they went in', async () => {
  const keys = ['apps/main/aes_key.dat', 'settings.env', 'aes-secret-key'].map((name, index) => {
    return { name, path: `/x/${name}`, content: Buffer.alloc(32, index), uid: 1000, gid: index };
  });
  const tar = await buffer(packKeys(keys, never));
  const expected = keys.map(({ name, content, uid, gid }) => ({ name, content, uid, gid }));
  expect(await unpackKeys(Readable.from([tar]))).toEqual(expected);
});

test.each(['../escaped', '/etc/passwd', 'apps/../../x', 'apps//x', 'other/file', 'apps'])(
  'S24: a name that leads elsewhere is refused: %s',
  async (name) => {
    const tar = pack();
    tar.entry({ name }, 'x');
    tar.finalize();
    await expect(unpackKeys(Readable.from(tar))).rejects.toMatchObject({
      code: 'NOCOBASE_KEYS_DAMAGED',
      kind: 'integrity',
    });
  },
);

test('S24: a link is refused', async () => {
  const tar = pack();
  tar.entry({ name: 'apps/main/aes_key.dat', type: 'symlink', linkname: '/etc/passwd' });
  tar.finalize();
  await expect(unpackKeys(Readable.from(tar))).rejects.toMatchObject({ code: 'NOCOBASE_KEYS_DAMAGED' });
});

test('S5: a tar that was cut is refused', async () => {
  const key = { name: 'apps/main/aes_key.dat', path: '', content: Buffer.alloc(2000), uid: 0, gid: 0 };
  const tar = await buffer(packKeys([key], never));
  await expect(unpackKeys(Readable.from([tar.subarray(0, 1500)]))).rejects.toMatchObject({ kind: 'integrity' });
});
