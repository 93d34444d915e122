import { expect, test } from 'vitest';
import { toHoldfastError } from './errors.ts';

test.each([
  ['ENOSPC', 'DISK_FULL', 'Free some space on the disk that holds /srv/state, then try again.'],
  ['EACCES', 'NO_PERMISSION', 'Give the user that runs holdfast the right to use /srv/state.'],
  ['EROFS', 'NO_PERMISSION', expect.stringMatching(/^Nothing can be written where \/srv\/state is: mount the disk/)],
])('%s of the system is %s, with what to do about it', (code, expected, hint) => {
  const error = Object.assign(new Error(`${code}: it failed`), { code, path: '/srv/state' });
  expect(toHoldfastError(error)).toMatchObject({ code: expected, hint });
});
