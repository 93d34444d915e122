import { expect, test } from 'vitest';
import { failure, hostile, report } from '../../../test/support/messages.ts';
import { telegramText } from './text.ts';

/** What Telegram counts: the text without its tags. */
const read = (html: string) => html.replaceAll(/<\/?b>/g, '').replaceAll(/&(amp|lt|gt|quot|#39);/g, '.');

test('a bold title, and the text', () => {
  const text = telegramText(failure);
  expect(text.split('\n')[0]).toBe('<b>🔴 CRITICAL: backup of shop failed</b>');
  expect(text).toContain('\nSource: shop\n');
  expect(text).toContain(`\n1. ${failure.todo[0]}\n`);
});

test('everything else is escaped', () => {
  const text = telegramText(hostile);
  expect(text.match(/<[^>]*>/g)).toEqual(['<b>', '</b>']);
  expect(text).toContain('&lt;script&gt;');
});

test('never longer than Telegram takes, however much of it is escaped', () => {
  const quotes = { ...failure, what: '"'.repeat(9000), errors: Array.from({ length: 99 }, () => '<'.repeat(999)) };
  for (const message of [failure, report, hostile, quotes]) {
    expect(read(telegramText(message)).length).toBeLessThanOrEqual(4096);
  }
});
