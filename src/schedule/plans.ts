import type { Plan } from './due.ts';

export type PlanKind = 'backup' | 'drill' | 'verify' | 'check' | 'report';

/** Something the daemon does at times of its own. */
export interface ScheduledPlan {
  /** Tells it from all others: `backup/shop`, `drill/shop`, `check`. */
  readonly name: string;
  readonly kind: PlanKind;
  /** Null for what concerns all sources. */
  readonly source: string | null;
  readonly when: Plan;
  readonly missed: 'run' | 'skip';
  /** How often a failed attempt is repeated before the next due time. */
  readonly retries: number;
  /** Before the first repetition; doubled with each further one. */
  readonly retryDelayMs: number;
  /** Each time is put off by a part of this, always the same part for the same time. */
  readonly jitterMs: number;
  /** Also once at every start of the daemon. */
  readonly runOnStart: boolean;
  /** Only of verifications. */
  readonly verify?: VerifyPlan;
}

export interface VerifyPlan {
  readonly depth: 'checksum' | 'structure';
  /** The newest backup, or every one; each in every storage that has it. */
  readonly backups: 'newest' | 'all';
}

/** What the daemon does when, as configured. */
export interface Plans {
  readonly all: readonly ScheduledPlan[];
  /** False: nothing is started by the clock, whatever the plans say. */
  readonly enabled: boolean;
  /** How many runs go on at once, over all sources. */
  readonly concurrency: number;
  /** How long running work may go on once the daemon is told to stop. */
  readonly stopWithinMs: number;
  /** Runs beyond both are forgotten. */
  readonly history: { readonly runs: number; readonly ageMs: number };
}

export function planName(kind: PlanKind, source: string | null): string {
  return source === null ? kind : `${kind}/${source}`;
}

/** One timing of the configuration. */
export interface Timing {
  plan: Plan;
  missed: 'run' | 'skip';
  retries: number;
  retryDelayMs: number;
  jitterMs: number;
  runOnStart: boolean;
}

/** The parts of the configuration that plans are made of. */
export interface PlanSettings {
  scheduler: { enabled: boolean; concurrency: number; stopWithin: number; keepRuns: number; keepRunsFor: number };
  sources: Readonly<
    Record<
      string,
      {
        schedule: Timing | null;
        drill: { schedule: Timing | null };
        verify: (Timing & VerifyPlan) | null;
      }
    >
  >;
  /** Of all sources together. */
  check?: Timing | null;
  report?: Timing | null;
}

export function makePlans({ scheduler, sources, check = null, report = null }: PlanSettings): Plans {
  const ofSources = Object.entries(sources).flatMap(([name, { schedule, drill, verify }]) => [
    ...plan('backup', name, schedule),
    ...plan('drill', name, drill.schedule),
    ...plan('verify', name, verify).map((made) => ({
      ...made,
      ...(verify && { verify: { depth: verify.depth, backups: verify.backups } }),
    })),
  ]);
  return {
    all: [...ofSources, ...plan('check', null, check), ...plan('report', null, report)],
    enabled: scheduler.enabled,
    concurrency: scheduler.concurrency,
    stopWithinMs: scheduler.stopWithin,
    history: { runs: scheduler.keepRuns, ageMs: scheduler.keepRunsFor },
  };
}

function plan(kind: PlanKind, source: string | null, timing: Timing | null): ScheduledPlan[] {
  if (timing === null) return [];
  const { plan: when, missed, retries, retryDelayMs, jitterMs, runOnStart } = timing;
  return [{ name: planName(kind, source), kind, source, when, missed, retries, retryDelayMs, jitterMs, runOnStart }];
}
