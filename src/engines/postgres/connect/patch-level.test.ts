import { expect, test } from 'vitest';
import { isPatched, requirePatched } from './patch-level.ts';

test.each([
  [18, 6, true],
  [18, 5, false],
  [17, 11, true],
  [17, 10, false],
  [16, 15, true],
  [15, 19, true],
  [15, 18, false],
  [14, 24, true],
  [13, 99, false],
  [19, 0, true],
])('tools %i.%i are safe for foreign text: %s', (major, minor, safe) => {
  expect(isPatched({ major, minor })).toBe(safe);
});

test('unsafe tools are refused unless the operator allows them', () => {
  const tools = { major: 15, minor: 18, version: '15.18' };
  expect(() => requirePatched(tools, false)).toThrow(
    expect.objectContaining({ code: 'TOOL_NOT_SAFE', kind: 'refused' }),
  );
  expect(() => requirePatched(tools, true)).not.toThrow();
});
