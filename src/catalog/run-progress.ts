import type { Clock } from '../base/clock.ts';
import type { RunEvent } from '../base/progress.ts';
import type { Catalog } from './catalog.ts';

interface ProgressKeeper extends Disposable {
  saw(event: RunEvent): void;
}

const keepEveryMs = 1000;

/** Writes how far a run has come into the catalog about once a second, so that other processes can show it. */
export function keepProgress(catalog: Catalog, clock: Clock, run: string): ProgressKeeper {
  let seen: Extract<RunEvent, { kind: 'progress' }> | null = null;
  let kept: { part: string; bytes: number; at: number } | null = null;
  const keep = () => {
    if (!seen) return;
    const { step, part, bytes, total } = seen;
    const at = clock.monotonic();
    const passed = kept?.part === part && at > kept.at ? ((bytes - kept.bytes) * 1000) / (at - kept.at) : null;
    seen = null;
    kept = { part, bytes, at };
    const rate = passed === null ? null : Math.max(0, Math.round(passed));
    try {
      const progress = { step, part, bytes, total, rate, at: clock.now().toISOString() };
      catalog.briefly(() => catalog.runs.setProgress(run, progress));
    } catch {
      // Nobody's backup ends because nobody can watch it.
    }
  };
  const timer = setInterval(keep, keepEveryMs);
  timer.unref();
  return {
    saw: (event) => {
      if (event.kind === 'progress') seen = event;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
