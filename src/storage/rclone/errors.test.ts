import { expect, test } from 'vitest';
import { rcloneError } from './errors.ts';

test.each([
  'failed to read private key file: open /etc/backup/id_rsa: no such file or directory',
  "couldn't parse known_hosts_file: open /etc/backup/known_hosts: no such file or directory",
  'error opening service account credentials file: open /etc/sa.json: no such file or directory',
  'drive: failed when making oauth client: error opening service account credentials file: open /etc/sa.json: no such file or directory',
])('what the remote is set up with is missing, not what was asked for: %s', (said) => {
  expect(rcloneError(said, 'shop/x', 'far:backups')).toMatchObject({
    code: 'STORAGE_FAULT',
    kind: 'usage',
    message: expect.stringContaining('set up with'),
  });
});

test.each([
  'object not found',
  'error in ListJSON: directory not found',
  'remove /backups/keys/2026-11-20.age: no such file or directory',
  'lstat /backups/shop/key: no such file or directory',
])('what was asked for is not there: %s', (said) => {
  expect(rcloneError(said, 'shop/x', 'far:backups')).toMatchObject({ code: 'STORAGE_NOT_FOUND' });
});
