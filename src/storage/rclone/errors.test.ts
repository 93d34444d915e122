import { expect, test } from 'vitest';
import { isUntold, rcloneError } from './errors.ts';

test.each([
  'failed to read private key file: open /etc/backup/id_rsa: no such file or directory',
  "couldn't parse known_hosts_file: open /etc/backup/known_hosts: no such file or directory",
  'error opening service account credentials file: open /etc/sa.json: no such file or directory',
  'about call failed: failed to get bearer token using "token-helper": exec: "token-helper": executable file not found in $PATH',
  'failed to get bearer token using "/opt/token": fork/exec /opt/token: no such file or directory',
  'drive: failed when making oauth client: error opening service account credentials file: open /etc/sa.json: no such file or directory',
])('what the remote is set up with is missing, not what was asked for: %s', (said) => {
  expect(rcloneError(said, 'shop/x', 'far:backups')).toMatchObject({
    code: 'STORAGE_FAULT',
    kind: 'usage',
    message: expect.stringContaining('the remote is set up with'),
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

test.each([
  ["Memory root '' doesn't support about", true],
  ['about call failed: not supported with shell type "none"', true],
  ['about call failed: your remote may not have the required df utility: ssh: command df -k failed', true],
  ['about call failed: optional feature not implemented', true],
  ['about call failed: directory not found', true],
  ['about call failed: teapot: 418', false],
  ["didn't find section in config file", false],
  ['about call failed: Propfind "http://far/": dial tcp: connection refused', false],
  ['about call failed: 403 Forbidden', false],
])('how much is free: %s', (said, isUnknown) => {
  expect(isUntold(rcloneError(said, '', 'far:backups'))).toBe(isUnknown);
});
