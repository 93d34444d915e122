import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentOf } from '../support/evidence.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { hasSshd, startSftpServer, type SftpServer } from '../support/sftp-server.ts';
import { fillShop } from '../support/shop.ts';

describe.skipIf(!hasSshd())('a backup that lies on an SFTP server only', () => {
  let postgres: TestPostgres;
  let server: SftpServer;
  beforeAll(async () => {
    [postgres, server] = await Promise.all([startPostgres(), startSftpServer()]);
    await postgres.createDatabase('shop');
    await fillShop(postgres, 'shop', { rows: 200 });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });

  const storages = (changes: object = {}) => {
    const { host, port, user, lockedKey, passphrase, fingerprint, root } = server;
    const nas = { type: 'sftp', host, port, user, key: lockedKey, keyPassphrase: passphrase, hostKey: fingerprint };
    return { nas: { ...nas, path: join(root, 'backups'), ...changes } };
  };

  test('is made, listed, verified and restored, and leaves no secret behind', async () => {
    await using holdfast = await installHoldfast({ url: postgres.url('shop'), top: { storages: storages() } });
    const before = await contentOf(postgres, 'shop');
    const { id } = await holdfast.json<{ id: string }>('backup');
    expect(await readdir(join(server.root, 'backups/shop'))).toEqual([id]);
    const listed = await holdfast.json<{ id: string; state: string }[]>('list');
    expect(listed).toMatchObject([{ id, state: 'complete' }]);
    expect(await holdfast.json('verify', id)).toMatchObject({ id, ok: true });

    await postgres.sql('shop', 'drop schema public cascade; create schema public');
    const restored = await holdfast.run('restore', id, '--yes', '--no-safety-backup');
    expect(restored.status, restored.stderr).toBe(0);
    expect(await contentOf(postgres, 'shop')).toEqual(before);
    for (const { stdout, stderr } of [restored, await holdfast.run('config', 'show'), await holdfast.run('logs')]) {
      expect(stdout + stderr).not.toContain(server.passphrase);
    }
  });

  test('is not begun on a server with another key', async () => {
    const hostKey = `SHA256:${'A'.repeat(43)}`;
    await using holdfast = await installHoldfast({
      url: postgres.url('shop'),
      top: { storages: storages({ hostKey, path: join(server.root, 'other') }) },
    });
    const { status, stderr } = await holdfast.run('backup');
    expect(status).not.toBe(0);
    expect(stderr).toContain('STORAGE_HOST_KEY');
    expect(stderr).toContain(server.fingerprint);
    expect(await readdir(server.root)).not.toContain('other');
  });
});
