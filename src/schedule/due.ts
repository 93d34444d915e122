import { Cron } from 'croner';

export type Plan = { cron: string; timezone: string } | { everyMs: number };

export interface PlanHistory {
  now: Date;
  /** When this process began to watch the plan. */
  since: Date;
  /** When the plan was first seen, whoever watched it: what an interval without a history counts from. */
  seenAt?: Date;
  /**
   * Start of the last good backup, and of the last attempt however it ended; null when there was none. Last in the order they
   * were recorded: after a clock was set back, the greatest time belongs to an older run.
   */
  lastGood: Date | null;
  lastAttempt: Date | null;
  /** What to do about times that passed while nobody watched: once, now, or not at all. */
  missed: 'run' | 'skip';
}

/**
 * When the plan is due next; not later than `now` means now. However many times were missed, it is due once. Null when the
 * pattern never happens. A history in the future (the clock was set back) never makes it later than it would be without one.
 */
export function nextDue(plan: Plan, history: PlanHistory): Date | null {
  return 'cron' in plan ? nextByCron(plan, history) : nextByInterval(plan, history);
}

/** The times after `from` at which a cron plan is due, fewer where it ends. */
export function comingTimes(plan: { cron: string; timezone: string }, count: number, from: Date): Date[] {
  const times: Date[] = [];
  for (let at = nextByPattern(plan, from); at !== null && times.length < count; at = nextByPattern(plan, at))
    times.push(at);
  return times;
}

/** What is wrong with a cron pattern, or null. */
export function validateCron(pattern: string): string | null {
  // `?` would stand for the moment the pattern is read.
  if (pattern.includes('?')) return '"?" is not supported';
  const parts = pattern.trim().split(/\s+/);
  if (!pattern.trim().startsWith('@') && parts.length !== 5) {
    return `five parts are needed (minute hour day month weekday), found ${pattern.trim() === '' ? 0 : parts.length}`;
  }
  try {
    const cron = new Cron(pattern, { timezone: 'UTC', mode: '5-part', paused: true });
    return cron.nextRun(new Date(0)) === null ? 'this date never happens' : null;
  } catch (error) {
    return (error as Error).message.replace(/^CronPattern: /, '');
  }
}

function nextByCron(plan: { cron: string; timezone: string }, history: PlanHistory): Date | null {
  const { now, since, missed } = history;
  const last = newest(notAfter(now, history.lastGood), notAfter(now, history.lastAttempt));
  const watching = notAfter(now, since) ?? now;
  const from = missed === 'skip' ? newest(last, watching) : (last ?? watching);
  return nextByPattern(plan, from ?? now);
}

/**
 * The interval counts from the last good backup, so restarts do not shift it. A failed attempt is not repeated at once
 * (retries are the scheduler's), but at the next point of the same grid.
 */
function nextByInterval({ everyMs }: { everyMs: number }, history: PlanHistory): Date {
  const { now, since, missed } = history;
  const served = notAfter(now, history.lastGood) ?? notAfter(now, history.lastAttempt);
  const watching = notAfter(now, since) ?? now;
  // Nobody knows how long ago it was when it was by a clock that was ahead.
  if (served === null && missed === 'run') return now;
  const start = served ?? notAfter(now, history.seenAt ?? null);
  if (start === null) return new Date(watching.getTime() + everyMs);
  const seen = newest(start, notAfter(now, history.lastAttempt), missed === 'skip' ? watching : null) ?? start;
  const passed = Math.floor((seen.getTime() - start.getTime()) / everyMs);
  return new Date(start.getTime() + (passed + 1) * everyMs);
}

function nextByPattern({ cron, timezone }: { cron: string; timezone: string }, from: Date): Date | null {
  const { times, distances } = readings(cron);
  const read = (pattern: string, fixedTimeRule: 'no-wildcard' | 'single-value') =>
    new Cron(pattern, { timezone, mode: '5-part', fixedTimeRule, paused: true }).nextRun(from);
  const next = read(times, 'no-wildcard');
  return distances === null ? next : earliest(next, read(distances, 'single-value'));
}

/**
 * The pattern with its times of the day written out, since only lists are read as times: after the gap on the day the clock is set
 * forward, once on the day it is set back. Read so, no day goes without them. What comes several times in an hour, or in hours in a
 * row, is meant as a distance, and is read once more as one, which has it both times an hour happens. What happens in all hours
 * is only that.
 */
function readings(cron: string): { times: string; distances: string | null } {
  const [minute = '', hour = '', ...days] = cron.trim().split(/\s+/);
  const atHours = days.length === 3 ? valuesOf(hour, 24) : null;
  const atMinutes = valuesOf(minute, 60);
  if (atHours === null || atMinutes === null) return { times: cron, distances: null };
  const write = (hours: string) => [atMinutes.join(), hours, ...days].join(' ');
  if (atHours.length === 24) return { times: write('*'), distances: null };
  const isBeside = (at: number) => atHours.includes((at + 1) % 24) || atHours.includes((at + 23) % 24);
  const goingOn = atHours.filter((at) => atMinutes.length > 1 || isBeside(at));
  return { times: write(atHours.join()), distances: goingOn.length === 0 ? null : write(goingOn.join()) };
}

/** Null: not the usual way to write it, or wrong. */
function valuesOf(field: string, size: number): number[] | null {
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (!match) return null;
    const [, first, last, every] = match;
    if (first !== undefined && last === undefined && every !== undefined) return null;
    const from = Number(first ?? 0);
    const to = Number(last ?? first ?? size - 1);
    const step = Number(every ?? 1);
    if (from > to || to >= size || step < 1 || step > size) return null;
    for (let at = from; at <= to; at += step) found.add(at);
  }
  return [...found].toSorted((a, b) => a - b);
}

function notAfter(now: Date, at: Date | null): Date | null {
  return at !== null && at.getTime() <= now.getTime() ? at : null;
}

function newest(...times: (Date | null)[]): Date | null {
  return times.reduce((latest, at) => (at !== null && (latest === null || at > latest) ? at : latest), null);
}

function earliest(...times: (Date | null)[]): Date | null {
  return times.reduce((first, at) => (at !== null && (first === null || at < first) ? at : first), null);
}
