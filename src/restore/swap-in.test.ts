import { expect, test } from 'vitest';
import type { Database } from '../engines/engine.ts';
import { orDrop } from './swap-in.ts';

test.each([
  ['what was made goes when what is done with it fails', true, 1],
  ['what somebody else made under the same name stays', false, 0],
])('%s', async (_name, isOurs, drops) => {
  let dropped = 0;
  const scratch = { name: 'review', drop: async () => void (dropped += 1) } as unknown as Database;
  const failure = new Error('there is one already');
  const work = () => Promise.reject(failure);
  await expect(orDrop(scratch, work, { isOurs: () => isOurs })).rejects.toBe(failure);
  expect(dropped).toBe(drops);
});
