import { execFileSync } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

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

  test('in the state folder of one that has worked: what there is can be seen and brought back, and the rest says why it cannot go on', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    await using elsewhere = await temporaryFolder();
    await mkdir(holdfast.state);
    using _disk = smallDisk(holdfast.state, '2m');
    expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
    const [id = ''] = await holdfast.stored();
    fill(holdfast.state);
    await server.sql('shop', 'delete from shop.item');
    const run = (...args: string[]) => holdfast.runWith({ env: { TMPDIR: elsewhere.path } }, ...args);

    for (const looking of ['list', 'show latest', 'inspect latest', 'runs', 'status', 'restore latest --dry-run']) {
      const { status, stdout, stderr } = await run(...looking.split(' '));
      expect({ looking, status, stderr }).toMatchObject({
        status: 0,
        stderr: expect.stringMatching(/^warning: the state in .* cannot be written: no space left .*\(DISK_FULL\)/m),
      });
      expect(stdout).toContain(looking === 'runs' ? 'backup' : looking === 'status' ? 'shop' : id.slice(0, 10));
    }
    expect(await readdir(elsewhere.path), 'who only looks leaves nothing').toEqual([]);

    const restored = await run('restore', 'latest', '--keep-old', '--yes');
    expect(restored).toMatchObject({ status: 0 });
    expect(await items()).not.toBe(0);
    const [, state = ''] = /HOLDFAST_STATE=(\S+)/.exec(restored.stderr) ?? [];
    const undone = await holdfast.runWith({ env: { HOLDFAST_STATE: state } }, 'restore', '--undo', '--yes');
    expect(undone, 'what it did is known there').toMatchObject({ status: 0 });
    expect(await items()).toBe(0);

    for (const writing of ['backup', 'hold latest', 'drill latest']) {
      const { status, stderr } = await run(...writing.split(' '));
      expect({ writing, status, stderr }).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/\(DISK_FULL\)\n.*hint: Free some space/s),
      });
    }
  });

  test('in the state folder of a run that goes on elsewhere: its lock holds', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    await using elsewhere = await temporaryFolder();
    await mkdir(holdfast.state);
    using _disk = smallDisk(holdfast.state, '2m');
    expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
    await holdfast.configure({
      state: './state',
      sources: {
        shop: { database: { url: server.url('shop') }, hooks: { before: ['sleep', '600'] } },
      },
      storages: { local: { type: 'local', path: './backups' } },
    });
    const { child, ended } = holdfast.start({}, 'backup');
    await until(async () => (await holdfast.run('runs')).stdout.includes('running'), 'it holds the lock');
    fill(holdfast.state);

    const { status, stderr } = await holdfast.runWith(
      { env: { TMPDIR: elsewhere.path } },
      'restore',
      'latest',
      '--yes',
    );
    expect({ status, stderr }).toMatchObject({ status: 5, stderr: expect.stringContaining('(SOURCE_BUSY)') });
    child.kill('SIGTERM');
    await ended;
  });
});

async function items(): Promise<number | undefined> {
  const [row] = await server.sql<{ count: number }>('shop', 'select count(*)::int as count from shop.item');
  return row?.count;
}

function fill(folder: string): void {
  execFileSync('sh', ['-c', `dd if=/dev/zero of=${join(folder, 'filler')} bs=1k 2>/dev/null || true`]);
}

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
