import type { Clock } from '../base/clock.ts';
import type { HoldfastError } from '../base/errors.ts';
import type { Alerts } from '../care/alerts/alerts.ts';

/** Looks after the state folder between checks: where it cannot be written, no check can be recorded and no message queued. */
export interface StateWatch {
  failed(error: HoldfastError): void;
  worked(): void;
}

/** A disk that is full for a moment is nobody's night. */
const toleratedMs = 60_000;
const remindMs = 24 * 3_600_000;

export function watchState(
  { alerts, clock }: { alerts: Pick<Alerts, 'shout'>; clock: Clock },
  signal: AbortSignal,
): StateWatch {
  let since: number | null = null;
  let told: { at: number; error: HoldfastError } | null = null;
  const shout = (kind: 'problem' | 'resolved', { message, code, hint }: HoldfastError) =>
    alerts.shout(
      kind,
      {
        code: 'STATE_NOT_WRITABLE',
        severity: 'critical',
        source: null,
        storage: null,
        value: null,
        threshold: null,
        message: `the state of the daemon cannot be written: ${message} (${code})`,
        meaning: 'No backup can begin, because nothing could be locked or recorded; nor can other alerts be sent.',
        hint: hint ?? 'See that the disk has room and the user of holdfast may write there.',
      },
      signal,
    );
  return {
    failed: (error) => {
      const now = clock.monotonic();
      since ??= now;
      if (now - since < toleratedMs || (told !== null && now - told.at < remindMs)) return;
      told = { at: now, error };
      void shout('problem', error);
    },
    worked: () => {
      since = null;
      if (told !== null) void shout('resolved', told.error);
      told = null;
    },
  };
}
