import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

const mayMount = canMount();
let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 2000 });
  await server.createDatabase('large');
  await server.sql(
    'large',
    `create table noise as select g, md5(g::text) || md5((g + 1)::text) as text from generate_series(1, 300000) g`,
  );
});
afterAll(() => server[Symbol.asyncDispose]());

describe.skipIf(!mayMount)('S3: a full disk', () => {
  test.each(['custom', 'directory', 'plain'])(
    'in the storage fails the %s backup, and the older one stays whole',
    async (format) => {
      await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { dump: { format } } });
      await mkdir(holdfast.storage);
      using _disk = smallDisk(holdfast.storage, '4m');
      expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
      const [older] = await holdfast.stored();
      await holdfast.configure({
        state: './state',
        sources: { shop: { database: { url: server.url('large') }, dump: { format } } },
        storages: { local: { type: 'local', path: './backups' } },
      });

      const { status, stderr } = await holdfast.run('backup');

      expect(status).toBe(1);
      expect(stderr).toMatch(/^error: .*\(DISK_FULL\)$/m);
      expect(stderr).toMatch(/^hint: /m);
      expect(await holdfast.stored()).toEqual([older]);
      expect(await holdfast.json('verify', older ?? '', '--depth', 'checksum')).toMatchObject({ ok: true });
      // The failed one gave its space back: the small database fits again.
      await holdfast.configure({
        state: './state',
        sources: { shop: { database: { url: server.url('shop') }, dump: { format } } },
        storages: { local: { type: 'local', path: './backups' } },
      });
      expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
    },
  );

  test('in the state folder ends before anything is dumped, with a clear error', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    await mkdir(holdfast.state);
    using _disk = smallDisk(holdfast.state, '64k');
    execFileSync('sh', ['-c', `dd if=/dev/zero of=${join(holdfast.state, 'filler')} bs=4k 2>/dev/null || true`]);
    const { status, stderr } = await holdfast.run('backup');
    expect(status).toBe(1);
    expect(stderr).toMatch(/\(DISK_FULL\)$/m);
    expect(await holdfast.stored()).toEqual([]);
  });
});

function canMount(): boolean {
  try {
    execFileSync('sh', ['-c', 'd=$(mktemp -d) && mount -t tmpfs -o size=64k none $d && umount $d && rmdir $d'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

function smallDisk(folder: string, size: string): Disposable {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'none', folder]);
  return { [Symbol.dispose]: () => void execFileSync('umount', [folder]) };
}
