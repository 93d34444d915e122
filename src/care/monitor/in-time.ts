import { abortReason, withTimeout } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { formatSetting } from '../../base/units.ts';

/** Ends when the work does, when the time is up, or when the signal fires; what does not react to its signal is left behind. */
export async function inTime<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<T> {
  using limited = withTimeout(signal, timeoutMs, () => {
    return new HoldfastError('TIMEOUT', `no answer within ${formatSetting(timeoutMs)}`, { retryable: true });
  });
  const over = Promise.withResolvers<never>();
  const giveUp = () => over.reject(abortReason(limited.signal));
  limited.signal.addEventListener('abort', giveUp, { once: true });
  over.promise.catch(() => undefined);
  const working = work(limited.signal);
  working.catch(() => undefined);
  return await Promise.race([working, over.promise]);
}
