import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { runIn } from '../support/sqlite.ts';

let installed: Installation;
beforeAll(async () => {
  installed = await installHoldfast({ url: 'sqlite:./shop.sqlite' });
  runIn(join(installed.folder, 'shop.sqlite'), 'create table item (id integer primary key)');
});
afterAll(() => installed[Symbol.asyncDispose]());

const configured = (storages: Record<string, object>, settings: object = {}) => ({
  state: './state',
  sources: {
    shop: { database: { path: './shop.sqlite' }, files: [], storages: Object.keys(storages), ...settings },
  },
  storages,
});

interface Answer {
  error: { code: string; message: string; hint: string };
}
const errorOf = ({ stderr }: { stderr: string }) => {
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return (JSON.parse(last) as Answer).error;
};

test.each([
  [
    { type: 'local', path: './backups' },
    { type: 'local', path: './old/../backups/' },
  ],
  [
    { type: 's3', bucket: 'shop', prefix: 'a' },
    { type: 's3', bucket: 'shop', prefix: '/a/', region: 'us-east-1', accessKey: 'other', secretKey: 'other' },
  ],
  [
    { type: 'sftp', host: 'Nas', user: 'backup', password: 'x', hostKey: 'SHA256:x', path: 'b' },
    { type: 'sftp', host: 'nas', port: 22, user: 'backup', password: 'y', hostKey: 'SHA256:x', path: 'b/' },
  ],
  [
    { type: 'webdav', url: 'https://cloud.test/dav', path: 'b' },
    { type: 'webdav', url: 'https://CLOUD.test/dav/', path: '/b' },
  ],
  [
    { type: 'rclone', remote: 'b2:shop/b' },
    { type: 'rclone', remote: 'b2:shop/b/' },
  ],
])('the same place as two storages is an error of the configuration: %o', async (first, second) => {
  await installed.configure(configured({ local: first, offsite: second }));
  const { status, stderr, stdout } = await installed.run('config', 'validate');
  expect(status, stdout + stderr).toBe(2);
  expect(stdout + stderr).toContain('storages.offsite is the same place as storages.local');
});

test('neighbours are two places', async () => {
  const storages = {
    local: { type: 'local', path: './backups' },
    other: { type: 'local', path: './backups2' },
    s3: { type: 's3', bucket: 'shop', prefix: 'a' },
    s4: { type: 's3', bucket: 'shop', prefix: 'a', endpoint: 'https://s3.example.com' },
    s5: { type: 's3', bucket: 'shop', prefix: 'b' },
  };
  await installed.configure(configured(storages));
  const { status, stderr, stdout } = await installed.run('config', 'validate');
  expect(status, stdout + stderr).toBe(0);
});

test('the same folder by another way is found before anything is removed: retention and delete leave the only copy', async () => {
  const storages = { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } };
  await installed.configure(configured({ local: storages.local }));
  const { id } = await installed.json<{ id: string }>('backup');
  await symlink('backups', join(installed.folder, 'offsite'));
  await installed.configure(configured(storages));

  const removed = await installed.run('delete', id, '--storage', 'offsite', '--allow-last', '--yes', '--json');
  expect(removed.status, removed.stdout + removed.stderr).toBe(2);
  expect(errorOf(removed)).toMatchObject({
    code: 'STORAGES_SAME_PLACE',
    message: expect.stringMatching(/offsite.*local|local.*offsite/),
  });
  const copied = await installed.run('copy', id, '--to', 'offsite', '--json');
  expect([copied.status, errorOf(copied).code], copied.stdout).toEqual([2, 'STORAGES_SAME_PLACE']);
  // One backup at one place is better than none: made, and told to be without its copy.
  const second = await installed.run('backup', '--json');
  expect(second.status, second.stderr).toBe(3);
  expect(JSON.parse(second.stdout)).toMatchObject({ copies: { local: 'complete', offsite: 'pending' } });
  expect(second.stderr).toContain('are the same folder');
  await installed.configure(
    configured({ local: { ...storages.local, retention: { last: 1 } }, offsite: storages.offsite }),
  );
  const pruned = await installed.run('prune', '--json');
  expect(pruned.status, pruned.stdout).toBe(1);
  expect(pruned.stdout).toContain('STORAGES_SAME_PLACE');
  expect(await installed.stored()).toHaveLength(2);
  const doctor = await installed.run('doctor');
  expect(doctor.status).toBe(1);
  expect(doctor.stdout).toMatch(/✗ place .*offsite .* and local .* are the same folder/);
  // What is there can still be restored: nothing is written to the storages.
  expect((await installed.run('restore', id, '--dry-run')).status).toBe(0);

  await rm(join(installed.folder, 'offsite'));
  await mkdir(join(installed.folder, 'offsite'));
  expect(await installed.json('copy', id, '--to', 'offsite')).toMatchObject({ state: 'complete' });
});
