import type { BasesReport } from '../../app.ts';

type Lost = BasesReport['lost'][number];

const most = 1000;

/** What a restore could not do, kept for its report: the first thousand, and how many there are. */
export interface Findings {
  lose(where: string, what: string, reason: string): void;
  warn(text: string): void;
  readonly lost: readonly Lost[];
  readonly lostCount: number;
  readonly warnings: readonly string[];
}

export function findings(): Findings {
  const lost: Lost[] = [];
  const warnings = new Set<string>();
  let lostCount = 0;
  return {
    lose: (where, what, reason) => {
      lostCount += 1;
      if (lost.length < most) lost.push({ where, what, reason });
    },
    warn: (text) => {
      if (warnings.size < most) warnings.add(text);
    },
    lost,
    get lostCount() {
      return lostCount;
    },
    get warnings() {
      return [...warnings];
    },
  };
}
