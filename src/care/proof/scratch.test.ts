import { expect, test, vi } from 'vitest';
import type { Database } from '../../engines/engine.ts';
import { abortReason } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { orDrop, thenDrop } from './scratch.ts';

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

test('it goes once the server answers again, and what cannot go is named', async () => {
  const faults: Error[] = [new HoldfastError('DATABASE_UNREACHABLE', 'nothing listens there', { retryable: true })];
  const drop = async () => {
    const fault = faults.shift();
    if (fault !== undefined) throw fault;
  };
  const scratch = { name: 'review', drop } as unknown as Database;
  expect(await thenDrop(scratch, async () => 'done')).toBe('done');
  const damaged = new HoldfastError('DUMP_DAMAGED', 'it is cut off', { kind: 'integrity' });
  for (const [work, message] of [
    [() => Promise.reject(damaged), /^it is cut off; the unfinished database review could not be removed: may not$/],
    [() => Promise.resolve(), /^the unfinished database review could not be removed: may not$/],
  ] as const) {
    faults.push(new HoldfastError('DATABASE_NO_PRIVILEGE', 'may not'));
    await expect(thenDrop<void>(scratch, work)).rejects.toMatchObject({
      code: 'LEFTOVER_DATABASE',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('Drop review'),
    });
  }
});

/** A server that drops at its own speed and can be interrupted. */
function slowly(minutes: number) {
  const drop = (_options: object, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      setTimeout(resolve, minutes * 60_000);
      signal.addEventListener('abort', () => reject(abortReason(signal)));
    });
  return { name: 'review', drop } as unknown as Database;
}

test('one of many files takes a while to go, and one that does not go is told as that', async () => {
  vi.useFakeTimers();
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const timeout = new AbortController();
    setTimeout(() => timeout.abort(new DOMException('too late', 'TimeoutError')), ms);
    return timeout.signal;
  });
  try {
    const soon = thenDrop(slowly(12), async () => 'done').catch((error: unknown) => error);
    const never = thenDrop(slowly(60), async () => 'done').catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(20 * 60_000);
    expect(await soon).toBe('done');
    expect(await never).toMatchObject({
      code: 'LEFTOVER_DATABASE',
      message:
        'the unfinished database review could not be removed: the server did not come to its end within 15 minutes',
    });
  } finally {
    vi.useRealTimers();
    vi.restoreAllMocks();
  }
});
