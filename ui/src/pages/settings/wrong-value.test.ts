import { expect, test } from 'vitest';
import { wrongValue } from './wrong-value.ts';

test.each([
  ['must be a whole number from 1 to 1000000, is "-3"', 'wholeNumber', { least: '1', most: '1000000' }],
  ['must be a duration such as 30m, 24h or 7d, is "soon"', 'duration', {}],
  ['must be a time zone such as Europe/Berlin or UTC; did you mean Europe/Rome?, is "Rome"', 'timezone', {}],
  ['must be a cron pattern of five fields (...) such as "15 5 * * *": it has 2 fields instead of 5', 'cron', {}],
  ['must be a cron pattern of five fields (...) such as "15 5 * * *": this date never happens', 'neverHappens', {}],
  ['must be at least 60s, is "1s"', 'atLeast', { least: '60s' }],
  ['must be off, a part such as 10%, or a size such as 20gb, is "much"', 'asAbove', {}],
])('%s', (message, word, values) => {
  expect(wrongValue(message)).toEqual({ word, values: { least: '', most: '', ...values } });
});

test('of everything else the words of the server are shown', () => {
  expect(wrongValue('is "some"; allowed: newest, all')).toBeNull();
});
