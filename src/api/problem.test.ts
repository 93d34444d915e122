import { expect, test } from 'vitest';
import { HoldfastError, type ErrorKind } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { toProblem } from './problem.ts';

const statuses: [ErrorKind, number][] = [
  ['usage', 400],
  ['busy', 409],
  ['refused', 422],
  ['failed', 500],
  ['integrity', 500],
  ['partial', 500],
  ['interrupted', 503],
];

test.each(statuses)('an error of kind %s becomes %i, with code and hint', (kind, status) => {
  const problem = toProblem(new HoldfastError('SOURCE_SOMETHING', 'it went wrong', { kind, hint: 'Do this.' }));
  expect(problem).toEqual({
    type: 'urn:holdfast:problem:SOURCE_SOMETHING',
    title: expect.stringMatching(/^[A-Z]/),
    status,
    code: 'SOURCE_SOMETHING',
    detail: 'it went wrong',
    hint: 'Do this.',
  });
});

test.each([
  ['SOURCE_UNKNOWN', 404],
  ['BACKUP_NOT_FOUND', 404],
  ['TOKEN_WRONG', 401],
  ['METRICS_LOCAL_ONLY', 403],
  ['HOST_UNKNOWN', 421],
])('%s has a status of its own', (code, status) => {
  expect(toProblem(new HoldfastError(code, 'no', { kind: 'usage' })).status).toBe(status);
});

test('S23: neither secrets nor the words and the stack of an unforeseen error are told', () => {
  void new Secret('hunter2-and-more');
  const known = toProblem(
    new HoldfastError('X_FAILED', 'login with hunter2-and-more', { hint: 'Not hunter2-and-more.' }),
  );
  expect(JSON.stringify(known)).not.toContain('hunter2');
  const unforeseen = toProblem(new TypeError('cannot read /var/lib/holdfast/secret of undefined'));
  expect(unforeseen).toMatchObject({ status: 500, code: 'UNEXPECTED' });
  expect(JSON.stringify(unforeseen)).not.toMatch(/secret|var|at .*:\d+/);
});

test.each([
  [400, 'REQUEST_INVALID'],
  [404, 'ROUTE_UNKNOWN'],
  [408, 'REQUEST_TIMEOUT'],
  [413, 'BODY_TOO_LARGE'],
  [415, 'TYPE_UNSUPPORTED'],
  [431, 'HEADERS_TOO_LARGE'],
])('what the parser refuses with %i is %s, in our words', (status, code) => {
  const error = Object.assign(new Error('FST_ERR: inner words'), { statusCode: status });
  const problem = toProblem(error);
  expect(problem).toMatchObject({ status, code });
  expect(problem.detail).not.toContain('inner words');
});
