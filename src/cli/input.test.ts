import { expect, test } from 'vitest';
import { inputOf, required } from './input.ts';

test('values, lists and flags are told apart', () => {
  const input = inputOf({ id: 'latest', table: ['a', 'b'], force: true });
  expect(input.text('id')).toBe('latest');
  expect(input.text('table')).toBeUndefined();
  expect(input.texts('table')).toEqual(['a', 'b']);
  expect(input.texts('id')).toEqual(['latest']);
  expect(input.flag('force')).toBe(true);
  expect(input.flag('id')).toBe(false);
  expect(() => required(input, 'missing')).toThrow(
    expect.objectContaining({ code: 'ARGUMENT_MISSING', kind: 'usage' }),
  );
});

test.each(['0', '-1', '1.5', 'many', '', '99999999999999999999', '1e3'])('%j is not a number of workers', (jobs) => {
  expect(() => inputOf({ jobs }).number('jobs')).toThrow(
    expect.objectContaining({ code: 'VALUE_INVALID', kind: 'usage' }),
  );
});

test('a number', () => {
  expect(inputOf({ jobs: '4' }).number('jobs')).toBe(4);
  expect(inputOf({}).number('jobs')).toBeUndefined();
});
