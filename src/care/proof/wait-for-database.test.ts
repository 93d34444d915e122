import { describe, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { waitForDatabase } from './wait-for-database.ts';

const signal = new AbortController().signal;

/** Answers with each of these in turn, and is ready after them. */
function wait(codes: readonly string[], options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const reasons: string[] = [];
  let asked = 0;
  const answer = async (): Promise<void> => {
    const code = codes[asked];
    asked += 1;
    if (code === 'hang') return new Promise(() => undefined);
    if (code !== undefined) throw new HoldfastError(code, `it says ${code}`, { hint: 'Do something.' });
  };
  const ready = (_what: string, inner: AbortSignal) =>
    Promise.race([
      answer(),
      new Promise<void>((_, reject) => inner.addEventListener('abort', () => reject(inner.reason as Error))),
    ]);
  const result = waitForDatabase({
    database: { title: 'shop on db:5432 as shop', ready },
    what: 'database',
    timeoutMs: 60_000,
    clock: systemClock,
    signal,
    onWaiting: (reason) => reasons.push(reason),
    ...options,
  });
  return { result, reasons };
}

describe('waiting for a database (N-46, J-21)', () => {
  test('goes on while the server starts, and tells each reason once', async () => {
    const { result, reasons } = wait(['DATABASE_UNREACHABLE', 'DATABASE_UNREACHABLE', 'DATABASE_MISSING']);
    expect((await result).attempts).toBe(4);
    expect(reasons).toEqual(['it says DATABASE_UNREACHABLE', 'it says DATABASE_MISSING']);
  });

  test.each(['DATABASE_LOGIN_FAILED', 'DATABASE_TLS_REFUSED', 'DATABASE_NO_PRIVILEGE'])(
    'does not wait where waiting does not help: %s',
    async (code) => {
      const { result, reasons } = wait(['DATABASE_UNREACHABLE', code]);
      await expect(result).rejects.toMatchObject({ code });
      expect(reasons).toHaveLength(1);
    },
  );

  test('after the time, the last reason is told with its hint', async () => {
    const { result } = wait(['DATABASE_UNREACHABLE', 'hang'], { timeoutMs: 300 });
    await expect(result).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      message: 'shop on db:5432 as shop was not ready within 0.3 s: it says DATABASE_UNREACHABLE',
      hint: 'Do something.',
    });
  });

  test('ends at once when it is stopped', async () => {
    const stop = new AbortController();
    const { result } = wait(['hang'], { signal: stop.signal });
    stop.abort(new HoldfastError('INTERRUPTED', 'stopped', { kind: 'interrupted' }));
    await expect(result).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});
