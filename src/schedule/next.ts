import { createHash } from 'node:crypto';
import { dueAt, isFromFuture } from '../base/clock.ts';
import { nextDue } from './due.ts';
import type { ScheduledPlan } from './plans.ts';

/** What is remembered of a plan between two times, and across restarts. */
export interface PlanMemory {
  /** When the plan was first seen: from then on its times count, also those that pass while no daemon runs. */
  seenAt: Date;
  /** Start of the last good run, whoever started it. */
  lastGood: Date | null;
  /** The last one the scheduler started itself; null when it was not its fault that nothing came of it. */
  attempt: Attempt | null;
}

export interface Attempt {
  startedAt: Date;
  /** The time it stands for. */
  due: Date;
  /** 1, and one more with each repetition. */
  number: number;
  /** When it is to be repeated; null when it was good, or is not repeated. */
  retryAt: Date | null;
}

export interface Watch {
  now: Date;
  /** When this daemon began. */
  since: Date;
  /** When the machine last came back from sleep, or its clock was set forward; `since` otherwise. */
  awakeSince: Date;
  /** Tells installations apart, so that they do not all begin at the same time. */
  seed: string;
}

export type Trigger = 'schedule' | 'missed' | 'retry' | 'start';

export interface Start {
  at: Date;
  due: Date;
  trigger: Trigger;
  number: number;
}

/** When the plan is to be started next, and as what. Null: never. Pure. */
export function nextStart(plan: ScheduledPlan, memory: PlanMemory, watch: Watch): Start | null {
  const { lastGood, attempt } = memory;
  const lastAttempt = attempt?.startedAt ?? null;
  const never = lastGood === null && lastAttempt === null;
  if (plan.runOnStart && !begunSince(watch.since, memory, watch.now)) {
    const at = watch.since < watch.now ? watch.since : watch.now;
    return { at, due: at, trigger: 'start', number: 1 };
  }
  const retry = retryOf(plan, memory, watch);
  const due = nextDue(plan.when, {
    now: steady(watch.now, memory),
    since: never && plan.missed === 'run' ? memory.seenAt : watch.awakeSince,
    lastGood,
    lastAttempt,
    seenAt: memory.seenAt,
    missed: plan.missed,
  });
  if (due === null) return retry;
  // What never ran is due at once, which would be another time at every look.
  const atOnce = never && 'everyMs' in plan.when && plan.missed === 'run';
  const fixed = atOnce && watch.since < due ? watch.since : due;
  const at = new Date(fixed.getTime() + delayOf(plan, fixed, watch.seed));
  if (retry && retry.at < at) return retry;
  const missed = fixed < watch.awakeSince && fixed < watch.now;
  return { at, due: fixed, trigger: missed ? 'missed' : 'schedule', number: 1 };
}

const longestRetryMs = 3_600_000;

/** After the attempt of that number. */
export function retryDelay(plan: Pick<ScheduledPlan, 'retryDelayMs'>, number: number): number {
  const doubled = plan.retryDelayMs * 2 ** Math.min(number - 1, 30);
  return Math.min(doubled, Math.max(longestRetryMs, plan.retryDelayMs));
}

function retryOf({ retryDelayMs }: ScheduledPlan, { attempt, lastGood }: PlanMemory, { now }: Watch): Start | null {
  if (attempt === null || attempt.retryAt === null) return null;
  // Somebody else made a good one meanwhile.
  if (lastGood !== null && lastGood >= attempt.startedAt) return null;
  const at = dueAt(attempt.retryAt, Math.max(longestRetryMs, retryDelayMs), now);
  return { at, due: attempt.due, trigger: 'retry', number: attempt.number + 1 };
}

const correctionMs = 5 * 60_000;

/** A clock that is corrected by a little must not make the time that has just been served come again. */
function steady(now: Date, { lastGood, attempt }: PlanMemory): Date {
  const last = Math.max(lastGood?.getTime() ?? 0, attempt?.startedAt.getTime() ?? 0);
  const ahead = last - now.getTime();
  return ahead > 0 && ahead <= correctionMs ? new Date(last) : now;
}

/** The same part of the jitter for the same time, so that a restart in between changes nothing; never into the next time. */
function delayOf(plan: ScheduledPlan, due: Date, seed: string): number {
  if (plan.jitterMs === 0) return 0;
  const following = nextDue(plan.when, { now: due, since: due, lastGood: due, lastAttempt: due, missed: 'run' });
  const room = following === null ? plan.jitterMs : (following.getTime() - due.getTime()) / 2;
  const hash = createHash('sha256').update(`${seed}\n${plan.name}\n${due.toISOString()}`).digest();
  return Math.floor((hash.readUInt32BE() / 2 ** 32) * Math.min(plan.jitterMs, room));
}

/** What is still to come was begun by a clock that was ahead, nobody knows when. */
function begunSince(since: Date, { lastGood, attempt }: PlanMemory, now: Date): boolean {
  const isSince = (at: Date | undefined | null) => at instanceof Date && at >= since && !isFromFuture(at, now);
  return isSince(lastGood) || isSince(attempt?.startedAt);
}
