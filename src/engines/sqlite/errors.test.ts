import { expect, test } from 'vitest';
import { sqliteError } from './errors.ts';

test.each([
  [5, null, 'DATABASE_LOCKED', 'failed'],
  [261, null, 'DATABASE_LOCKED', 'failed'],
  [6, null, 'DATABASE_LOCKED', 'failed'],
  [8, null, 'DATABASE_READ_ONLY', 'failed'],
  [1032, null, 'DATABASE_READ_ONLY', 'failed'],
  [10, null, 'DATABASE_FAILED', 'failed'],
  [11, null, 'DATABASE_DAMAGED', 'integrity'],
  [779, null, 'DATABASE_DAMAGED', 'integrity'],
  [13, null, 'DATABASE_DISK_FULL', 'failed'],
  [14, null, 'DATABASE_NO_PRIVILEGE', 'failed'],
  [26, null, 'DATABASE_NOT_SQLITE', 'failed'],
  [1, null, 'DATABASE_FAILED', 'failed'],
  [null, 'ENOSPC', 'DATABASE_DISK_FULL', 'failed'],
  [null, 'EPERM', 'NO_PERMISSION', 'failed'],
  [null, null, 'DATABASE_FAILED', 'failed'],
])('%s %s is %s', (sqlite, system, code, kind) => {
  const error = sqliteError({ message: 'its own words', sqlite, system }, '/srv/app.sqlite');
  expect(error).toMatchObject({ code, kind, retryable: code === 'DATABASE_LOCKED' });
  expect(error.message).toContain('/srv/app.sqlite');
  expect(error.message).not.toMatch(/\.$/);
});

test.each(['no such collation sequence: mine', 'unknown function: mine()', 'no such module: mine'])(
  '%s says what can be done without the application',
  (message) => {
    const { hint } = sqliteError({ message, sqlite: 257, system: null }, '/srv/app.sqlite');
    expect(hint).toContain('--into');
  },
);
