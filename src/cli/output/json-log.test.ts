import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { Secret } from '../../base/secret.ts';
import { jsonLogger, jsonScreen } from './json-log.ts';

function record() {
  let text = '';
  const output = new Writable({ write: (chunk, _encoding, next) => ((text += String(chunk)), next()) });
  const clock = { now: () => new Date('2026-11-21T08:00:00.123Z'), monotonic: () => 0 };
  const logger = jsonLogger(output, clock);
  return { logger, screen: jsonScreen(logger), text: () => text };
}

test('N-07, J-20: one object a line, with the time in UTC, the level, the words and the facts', () => {
  const { logger, text } = record();
  logger.log('warn', 'two\nlines', { run: 'r-1', source: 'shop', level: 'forged' });
  expect(text()).toMatch(/^[^\n]+\n$/);
  expect(JSON.parse(text())).toEqual({
    at: '2026-11-21T08:00:00.123Z',
    level: 'warn',
    message: 'two\nlines',
    run: 'r-1',
    source: 'shop',
  });
});

test('S23: secrets are dots, in the message and deep in the facts, also with quotes in them', () => {
  void new Secret('pass"word\\1');
  const { logger, text } = record();
  logger.log('error', 'it was pass"word\\1', { deep: { list: ['pass"word\\1'] } });
  expect(text()).not.toContain('word');
  expect(JSON.parse(text())).toMatchObject({ message: 'it was ••••••', deep: { list: ['••••••'] } });
});

test('what commands say to people is a line, too, without colours', () => {
  const { screen, text } = record();
  screen.line('\u001B[2mstopping…\u001B[22m');
  screen.line('');
  screen.live(['drawn']);
  expect(JSON.parse(text())).toMatchObject({ level: 'info', message: 'stopping…' });
});
