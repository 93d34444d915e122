import { expect, test, vi } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import type { Channel } from '../../notify/channel.ts';
import { testChannels } from './test-channels.ts';

/** Takes a message after so long, unless nobody waits for it any more. */
function slow(afterMs: number, timeoutMs: number): Channel {
  return {
    name: 'mail',
    kind: 'email',
    level: null,
    sources: null,
    timeoutMs,
    send: (_message, signal) =>
      new Promise((resolve, reject) => {
        setTimeout(resolve, afterMs);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

test.each([
  { afterMs: 80_000, timeoutMs: 30_000, state: 'sent' },
  { afterMs: 100_000, timeoutMs: 30_000, state: 'failed' },
  { afterMs: 500_000, timeoutMs: 600_000, state: 'sent' },
  { afterMs: 700_000, timeoutMs: 600_000, state: 'failed' },
])(
  'a delivery of $afterMs ms where each request may take $timeoutMs: $state',
  async ({ afterMs, timeoutMs, state }) => {
    vi.useFakeTimers();
    try {
      const head = { instance: 'web-1', timezone: 'UTC', link: null };
      const { signal } = new AbortController();
      const tested = testChannels([slow(afterMs, timeoutMs)], { clock: systemClock, head, signal });
      await vi.advanceTimersByTimeAsync(700_000);
      expect(await tested).toMatchObject([{ state }]);
    } finally {
      vi.useRealTimers();
    }
  },
);
