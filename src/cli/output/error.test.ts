import { expect, test } from 'vitest';
import { HoldfastError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { causeOf, errorAsJson, renderError } from './error.ts';
import { styleFor } from './style.ts';

const plain = { style: styleFor(false), debug: false, columns: Number.POSITIVE_INFINITY };

test('what happened with its code, the cause, what to do; no stack', () => {
  const error = new HoldfastError('SERVER_UNREACHABLE', 'the server db:5432 does not answer', {
    cause: new Error('connect ECONNREFUSED 127.0.0.1:5432'),
    hint: 'Start it, or correct the address.',
  });
  expect(renderError(error, plain)).toEqual([
    'error: the server db:5432 does not answer (SERVER_UNREACHABLE)',
    'cause: connect ECONNREFUSED 127.0.0.1:5432',
    'hint: Start it, or correct the address.',
  ]);
});

test('with --debug the stacks of the error and its causes follow', () => {
  const lines = renderError(new HoldfastError('X', 'outer', { cause: new Error('inner') }), { ...plain, debug: true });
  expect(lines.filter((line) => /^\s+at /.test(line)).length).toBeGreaterThan(1);
  expect(lines.join('\n')).toContain('Error: inner');
});

test('a cause that says nothing new is left out, also for foreign errors that are their own cause', () => {
  expect(causeOf(new HoldfastError('X', 'could not write: disk full', { cause: new Error('disk full') }))).toBeNull();
  expect(causeOf(new TypeError('x is not a function'))).toBeNull();
  expect(renderError(new TypeError('x is not a function'), plain)).toEqual(['error: x is not a function (UNEXPECTED)']);
});

test('a failed connection to several addresses tells each of them', () => {
  const cause = new AggregateError([
    new Error('connect ECONNREFUSED ::1'),
    new Error('connect ECONNREFUSED 127.0.0.1'),
  ]);
  expect(causeOf(new HoldfastError('X', 'no answer', { cause }))).toBe(
    'connect ECONNREFUSED ::1; connect ECONNREFUSED 127.0.0.1',
  );
});

test('causes that lead back to themselves end', () => {
  const error = new Error('round');
  error.cause = new Error('and round', { cause: error });
  expect(causeOf(error)).toBe('and round');
});

test('S23 a secret in a foreign message is not shown, in text and in JSON', () => {
  const secret = new Secret('correct horse');
  const error = new HoldfastError('X', `login with ${secret.reveal()} failed`, {
    cause: new Error(`password ${secret.reveal()}!`),
  });
  const text = [...renderError(error, { ...plain, debug: true }), JSON.stringify(errorAsJson(error))].join('\n');
  expect(text).not.toContain('correct horse');
  expect(text).toContain('••••••');
});

test('many problems stay one below the other', () => {
  expect(renderError(new HoldfastError('CONFIG_INVALID', 'two problems:\n- a\n- b', { kind: 'usage' }), plain)).toEqual(
    ['error: two problems:', '  - a', '  - b (CONFIG_INVALID)'],
  );
});

test('as JSON: code, message, hint, cause', () => {
  expect(errorAsJson(new HoldfastError('X', 'what', { hint: 'Do this.' }))).toEqual({
    error: { code: 'X', message: 'what', hint: 'Do this.', cause: null },
  });
});

test('on a narrow terminal the words go below one another, behind their label', () => {
  const error = new HoldfastError('X', 'one two three four five six seven eight', { hint: 'Do this.' });
  expect(renderError(error, { ...plain, columns: 30 })).toEqual([
    'error: one two three four five',
    '       six seven eight (X)',
    'hint: Do this.',
  ]);
});
