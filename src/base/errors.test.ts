import { expect, test } from 'vitest';
import { HoldfastError, toHoldfastError } from './errors.ts';

test.each([
  ['ENOSPC', 'DISK_FULL', 'Free some space on the disk that holds /srv/state, then try again.'],
  ['EACCES', 'NO_PERMISSION', 'Give the user that runs holdfast the right to use /srv/state.'],
  ['EROFS', 'NO_PERMISSION', expect.stringMatching(/^Nothing can be written where \/srv\/state is: mount the disk/)],
])('%s of the system is %s, with what to do about it', (code, expected, hint) => {
  const error = Object.assign(new Error(`${code}: it failed`), { code, path: '/srv/state' });
  expect(toHoldfastError(error)).toMatchObject({ code: expected, hint });
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
