import { expect, test } from 'vitest';
import { Secret } from '../../base/secret.ts';
import { assertLogFormat, logLevel, screenLogger, wantsJsonLog } from './log-level.ts';
import { styleFor } from './style.ts';

test.each([
  [{}, false],
  [{ HOLDFAST_LOG_FORMAT: 'json' }, true],
  [{ HOLDFAST_LOG_FORMAT: 'text', NOCODB_BACKUP_LOG_FORMAT: 'json' }, false],
  [{ NOCODB_BACKUP_LOG_FORMAT: 'JSON' }, true],
  [{ NOCODB_BACKUP_LOG_FORMAT: 'pretty' }, false],
  [{ LOG_FORMAT: 'json' }, false],
  [{ LOG_FORMAT: 'json', HOLDFAST_PRESET: 'nocodb' }, true],
])('N-07: %j means JSON lines: %s', (env, wanted) => {
  expect(wantsJsonLog(env)).toBe(wanted);
  expect(() => assertLogFormat(env)).not.toThrow();
});

test('a format that does not exist is wrong usage', () => {
  expect(() => assertLogFormat({ HOLDFAST_LOG_FORMAT: 'JSON' })).toThrow(expect.objectContaining({ kind: 'usage' }));
});

test('N-07: the level is that of the variable, of --debug, or the one the command starts from', () => {
  expect(logLevel(false, {})).toBe('warn');
  expect(logLevel(false, {}, 'info')).toBe('info');
  expect(logLevel(false, { HOLDFAST_LOG_LEVEL: 'ERROR' }, 'info')).toBe('error');
  expect(logLevel(true, { HOLDFAST_LOG_LEVEL: 'error' })).toBe('debug');
});

function record(clock?: Parameters<typeof screenLogger>[0]['clock']) {
  const lines: string[] = [];
  const screen = { line: (text: string) => void lines.push(text), live: () => undefined };
  const columns = () => Number.POSITIVE_INFINITY;
  return { lines, logger: screenLogger({ screen, columns, clock }, styleFor(false), 'debug') };
}

test('with a clock each line begins with the time, and facts stand behind the words', () => {
  const { lines, logger } = record({ now: () => new Date('2026-11-21T08:00:01.900Z'), monotonic: () => 0 });
  logger.log('warn', 'disk is full', { run: 'r' });
  expect(lines).toEqual(['2026-11-21T08:00:01Z warning: disk is full {"run":"r"}']);
});

test('what to do about it stands below it, also where the other facts are left out', () => {
  const lines: string[] = [];
  const screen = { line: (text: string) => void lines.push(text), live: () => undefined };
  const clock = { now: () => new Date('2026-11-21T08:00:01.900Z'), monotonic: () => 0 };
  const columns = () => Number.POSITIVE_INFINITY;
  const logger = screenLogger({ screen, columns, clock }, styleFor(false), 'info');
  logger.log('error', 'backup/shop failed', { plan: 'backup/shop', hint: 'Start the server.' });
  expect(lines).toEqual([
    '2026-11-21T08:00:01Z error: backup/shop failed',
    '2026-11-21T08:00:01Z hint: Start the server.',
  ]);
});

test('S23: a secret with a quote in it is dots among the facts, too', () => {
  void new Secret('se"cr\\et');
  const { lines, logger } = record();
  logger.log('debug', 'it is se"cr\\et', { deep: ['se"cr\\et'] });
  expect(lines).toEqual(['debug: it is •••••• {"deep":["••••••"]}']);
});
