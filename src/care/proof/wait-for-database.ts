import { pause, throwIfAborted, withTimeout } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { formatDuration } from '../../base/units.ts';
import type { Database } from '../../engines/engine.ts';

export interface WaitTask {
  database: Pick<Database, 'title' | 'ready'>;
  what: 'server' | 'database';
  timeoutMs: number;
  clock: Clock;
  signal: AbortSignal;
  /** Called with the reason, and again whenever it is another one. */
  onWaiting: (reason: string) => void;
}

const firstPauseMs = 200;
const longestPauseMs = 2000;

/** No waiting makes these right. All else may be a server that still starts, or a container or a database that is still to come. */
const lasting = new Set([
  'DATABASE_LOGIN_FAILED',
  'DATABASE_NO_PRIVILEGE',
  'DATABASE_TLS_REFUSED',
  'DATABASE_TLS_FAILED',
  'CONTAINER_GUESSED',
]);

/** Returns once somebody can connect and ask; rejects at once where waiting does not help, and after the time with the last reason. */
export async function waitForDatabase(task: WaitTask): Promise<{ attempts: number; seconds: number }> {
  const { database, what, clock } = task;
  const started = clock.monotonic();
  let last: HoldfastError | null = null;
  using limit = withTimeout(task.signal, task.timeoutMs, () => waitTimeout(task, last));
  for (let attempts = 1; ; attempts += 1) {
    try {
      await database.ready(what, limit.signal);
      return { attempts, seconds: (clock.monotonic() - started) / 1000 };
    } catch (error) {
      throwIfAborted(limit.signal);
      const reason = toHoldfastError(error);
      if (isLasting(reason)) throw reason;
      if (reason.message !== last?.message) task.onWaiting(reason.message);
      last = reason;
    }
    await pause(Math.min(firstPauseMs * 1.5 ** (attempts - 1), longestPauseMs), limit.signal);
  }
}

function isLasting({ code, kind }: HoldfastError): boolean {
  return lasting.has(code) || kind === 'usage';
}

function waitTimeout({ database, timeoutMs }: WaitTask, last: HoldfastError | null): HoldfastError {
  const reason = last?.message ?? 'no answer at all';
  return new HoldfastError(
    'WAIT_TIMEOUT',
    `${database.title} was not ready within ${formatDuration(timeoutMs)}: ${reason}`,
    {
      ...(last === null ? {} : { cause: last }),
      hint: last?.hint ?? 'Check host and port, and that no firewall is in between; --timeout waits longer.',
      retryable: true,
    },
  );
}
