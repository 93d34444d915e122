import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { smallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

/** Nothing listens there. */
const nowhere = 'postgres://shop:a-password-of-some-length@127.0.0.1:1/shop';

interface Health {
  ok: boolean;
  checks: { state: { code: string | null } };
}

const healthOf = async ({ base }: Served) => (await (await fetch(`${base}/healthz`)).json()) as Health;
const codeOf = async (served: Served) => (await healthOf(served)).checks.state.code;

test('S22 a catalog that was moved away, or replaced, under a daemon is told by it, until it is put back or taken anew', async () => {
  await using holdfast = await installHoldfast({ url: nowhere, top: { server: anyPort } });
  await using served = await serveHoldfast(holdfast);
  expect(await codeOf(served)).toBe(null);
  const aside = join(holdfast.folder, 'aside');
  await rename(holdfast.state, aside);
  await until(async () => (await codeOf(served)) === 'CATALOG_MOVED', 'it is told that the state folder is gone');
  await rename(aside, holdfast.state);
  await until(async () => (await healthOf(served)).ok, 'put back, it goes on');

  // As who finds it damaged may do: another one is made by whoever comes next.
  for (const name of await readdir(holdfast.state))
    if (name.startsWith('catalog')) await rename(join(holdfast.state, name), join(holdfast.folder, name));
  expect((await holdfast.run('runs')).status).toBe(0);
  await until(async () => (await codeOf(served)) === 'CATALOG_MOVED', 'it does not take the new one for its own');
  expect((await holdfast.run('health')).status).toBe(1);
  served.signal('SIGHUP');
  await until(async () => (await healthOf(served)).ok, 'it goes on with the new one');
  await until(async () => (await holdfast.run('health')).status === 0, 'others see that it does');
  expect((await served.stop()).status).toBe(0);
});

const disk = await smallDisk(2);

test.skipIf(disk === null)(
  'S3 S22 a new configuration waits until the full state folder can be written, and then comes into effect',
  async () => {
    if (disk === null) return;
    await using _disk = disk;
    await using holdfast = await installHoldfast({ url: nowhere, top: { server: anyPort, state: disk.path } });
    await using served = await serveHoldfast(holdfast);
    const filler = join(disk.path, 'filler');
    await writeFile(filler, Buffer.alloc(4 * 1024 * 1024, 1)).catch(() => undefined);
    await until(async () => (await codeOf(served)) === 'DISK_FULL', 'the disk is full');
    served.signal('SIGHUP');
    let looks = 0;
    await until(async () => {
      await healthOf(served);
      return (looks += 1) > 50;
    }, 'it had the time to look many times whether it may');
    await rm(filler);
    await until(() => /going on with the new ones/.test(served.said()), 'the new ones come into effect');
    await until(async () => (await healthOf(served)).ok, 'it works');
    expect(served.said()).not.toMatch(/standing by/);
    expect((await served.stop()).status).toBe(0);
  },
);
