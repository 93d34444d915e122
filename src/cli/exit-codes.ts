import type { Ending } from './command.ts';

/** The one place that knows which number an ending is. Documented in the manual; scripts rely on it. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  partial: 3,
  refused: 4,
  busy: 5,
  integrity: 6,
  interrupted: 130,
  // Of `check` alone, as monitoring systems count.
  warning: 1,
  critical: 2,
  unknown: 3,
} as const satisfies Record<Ending, number>;

export function exitCode(ending: Ending): number {
  return exitCodes[ending];
}
