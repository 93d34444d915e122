import { expect, test } from 'vitest';
import { olderLogLevel } from './log-level.ts';

test.each([
  [{}, null],
  [{ NOCODB_BACKUP_LOG_LEVEL: '' }, null],
  [{ NOCODB_BACKUP_LOG_LEVEL: 'DEBUG' }, 'debug'],
  [{ NOCODB_BACKUP_LOG_LEVEL: 'WARNING' }, 'warn'],
  [{ NOCODB_BACKUP_LOG_LEVEL: 'loud' }, 'loud'],
  // Anybody's: an application of another kind must not decide how much we say.
  [{ LOG_LEVEL: 'debug' }, null],
  [{ LOG_LEVEL: 'debug', HOLDFAST_PRESET: 'ops-center' }, null],
  [{ LOG_LEVEL: 'ERROR', HOLDFAST_PRESET: 'nocodb' }, 'error'],
  [{ BACKUP_LOG_LEVEL: 'INFO', LOG_LEVEL: 'ERROR', HOLDFAST_PRESET: 'NocoDB' }, 'info'],
])('N-07 %j says %j', (env, level) => {
  expect(olderLogLevel(env)?.level ?? null).toBe(level);
});
