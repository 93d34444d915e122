import { expect, test } from 'vitest';
import { readMark, writeMark } from './mark.ts';

test('a mark survives the round trip', () => {
  const mark = { note: `drill of "shop"\n; -- it's`, createdAt: '2026-11-20T05:15:00.000Z' };
  expect(readMark(writeMark(mark))).toEqual(mark);
});

test.each([null, '', 'my database', 'about: holdfast scratch database: {}'])('%j is no mark', (comment) => {
  expect(readMark(comment)).toBeNull();
});

test('a mark that was cut off still is one', () => {
  expect(readMark('holdfast scratch database: {"note":')).toMatchObject({ createdAt: null });
});
