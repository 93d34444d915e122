import { expect, test } from 'vitest';
import { styleFor, wantsColor } from './style.ts';

test.each([
  [{ isTTY: true }, {}, false, true],
  [{ isTTY: false }, {}, false, false],
  [{}, {}, false, false],
  [{ isTTY: true }, { TERM: 'dumb' }, false, false],
  [{ isTTY: true }, { NO_COLOR: '1' }, false, false],
  [{ isTTY: true }, { NO_COLOR: '' }, false, true],
  [{ isTTY: false }, { FORCE_COLOR: '1' }, false, true],
  [{ isTTY: true }, { FORCE_COLOR: '0' }, false, false],
  [{ isTTY: true }, { FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
  [{ isTTY: true }, { FORCE_COLOR: '1' }, true, false],
])('colour on %j with %j, --no-color %s: %s', (stream, env, refused, expected) => {
  expect(wantsColor(stream, env, refused)).toBe(expected);
});

test('without colour every style is the text itself', () => {
  const style = styleFor(false);
  expect(style.good(style.bold(style.bad('x')))).toBe('x');
  expect(styleFor(true).good('x')).not.toBe('x');
});
