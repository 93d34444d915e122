import { expect, test } from 'vitest';
import { HoldfastError, toHoldfastError, unlessLimited } from './errors.ts';

test.each([
  ['ENOSPC', 'DISK_FULL', 'Free some space on the disk that holds /srv/state, then try again.'],
  ['EACCES', 'NO_PERMISSION', 'Give the user that runs holdfast the right to use /srv/state.'],
  ['EROFS', 'NO_PERMISSION', expect.stringMatching(/^Nothing can be written where \/srv\/state is: mount the disk/)],
])('%s of the system is %s, with what to do about it', (code, expected, hint) => {
  const error = Object.assign(new Error(`${code}: it failed`), { code, path: '/srv/state' });
  expect(toHoldfastError(error)).toMatchObject({ code: expected, hint });
});

test.each(['EMFILE', 'ENFILE', 'ENOMEM'])('%s is a limit of the system, which may pass', (code) => {
  const error = toHoldfastError(Object.assign(new Error(`${code}: it failed`), { code }));
  expect(error).toMatchObject({ code: 'SYSTEM_LIMIT', kind: 'failed', retryable: true });
  expect(error.hint).toBeTruthy();
});

test('what is looked for and not found is nothing, and what the system had no file for is not that', () => {
  const nothing = unlessLimited('nothing');
  expect(nothing(Object.assign(new Error('no such file'), { code: 'ENOENT' }))).toBe('nothing');
  const full = Object.assign(new Error('too many'), { code: 'EMFILE' });
  expect(() => nothing(full)).toThrow(expect.objectContaining({ code: 'SYSTEM_LIMIT' }));
});

test('what went wrong when something was put away is told after what had gone wrong before, and not in its place', async () => {
  const work = async () => {
    await using _ = { [Symbol.asyncDispose]: () => Promise.reject(new Error('the folder is busy')) };
    throw new HoldfastError('DUMP_DAMAGED', 'it is cut off', {
      kind: 'integrity',
      hint: 'Use another.',
      retryable: true,
    });
  };
  const error = toHoldfastError(await work().catch((thrown: unknown) => thrown));
  expect(error).toMatchObject({ code: 'DUMP_DAMAGED', kind: 'integrity', hint: 'Use another.', retryable: true });
  expect(error.message).toBe('it is cut off; and then: the folder is busy');
});
