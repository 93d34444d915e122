import { isFromFuture, type Clock } from '../base/clock.ts';
import type { Catalog, MarkRecord, Operation } from '../catalog/catalog.ts';
import type { Attempt, PlanMemory, Start } from './next.ts';
import { retryDelay } from './next.ts';
import type { ScheduledPlan } from './plans.ts';

/** What becomes of an attempt. `void`: it does not count, the time is still to be served. */
export type Outcome = 'good' | 'failed' | 'hopeless' | 'void';

/** What the catalog remembers of plans, so that a daemon that was killed goes on where it was. */
export interface Memory {
  /** Reads what has changed; to be called before a round of `of`. */
  refresh(): void;
  of(plan: ScheduledPlan): PlanMemory;
  /** Noted before anything is started: should this process die, the next one knows. */
  begin(plan: ScheduledPlan, start: Start): void;
  /** Returns when it is repeated, if it is. Where it cannot be written now, it is remembered, and written by the next `refresh` that can. */
  end(plan: ScheduledPlan, outcome: Outcome): Date | null;
  /** Writes what could not be written yet; throws where it still cannot. */
  catchUp(): void;
}

/** In the mark of a plan. */
interface Notes {
  seenAt: string;
  due: string | null;
  number: number;
  retryAt: string | null;
  running: boolean;
  /** What the mark said before, for an attempt that does not count. */
  before: { lastAttempt: string | null; due: string | null; number: number; retryAt: string | null } | null;
}

/** Runs of these are what counts, whoever started them; of everything else only what the scheduler did. */
const operations: Partial<Record<ScheduledPlan['kind'], Operation>> = { backup: 'backup', drill: 'drill' };

export function planMemory({ catalog, clock }: { catalog: Catalog; clock: Clock }): Memory {
  let good = new Map<string, Map<string, string>>();
  /** Ends that are only known here: the disk was full, which may be what made the run fail. */
  const unwritten = new Map<string, MarkRecord>();
  const write = (mark: MarkRecord) => {
    catalog.marks.put(mark);
    unwritten.delete(mark.name);
  };
  const catchUp = () => {
    for (const mark of unwritten.values()) write(mark);
  };
  const writeLate = () => {
    try {
      catalog.briefly(catchUp);
    } catch {
      // Tried again the next time. Should this process die before, the next one takes the run for one that was cut off, and repeats it.
    }
  };
  const refresh = () => {
    writeLate();
    good = new Map(Object.entries(operations).map(([kind, operation]) => [kind, catalog.runs.lastGood(operation)]));
  };
  // Only the one daemon writes them, so they are read once.
  const marks = new Map<string, MarkRecord>();
  const markOf = (plan: ScheduledPlan) => {
    const mark = marks.get(plan.name) ?? catalog.marks.get(markName(plan)) ?? newMark(plan, clock.now());
    marks.set(plan.name, mark);
    return mark;
  };
  const lastGoodOf = (plan: ScheduledPlan, mark: MarkRecord) =>
    plan.kind in operations ? (good.get(plan.kind)?.get(plan.source ?? '') ?? null) : mark.lastGood;
  const changed = (plan: ScheduledPlan, change: Partial<MarkRecord>, notes: Partial<Notes>) => {
    const mark = markOf(plan);
    return { ...mark, ...change, detail: { ...notesOf(mark), ...notes } };
  };
  const putEnd = (plan: ScheduledPlan, change: Partial<MarkRecord>, notes: Partial<Notes>) => {
    const next = changed(plan, change, notes);
    marks.set(plan.name, next);
    unwritten.set(next.name, next);
    writeLate();
  };
  refresh();
  return {
    refresh,
    catchUp,
    of: (plan) => {
      const mark = markOf(plan);
      return {
        seenAt: new Date(notesOf(mark).seenAt),
        lastGood: date(lastGoodOf(plan, mark)),
        attempt: attemptOf(mark),
      };
    },
    begin: (plan, { due, number }) => {
      const mark = markOf(plan);
      const { due: lastDue, number: lastNumber, retryAt } = notesOf(mark);
      const before = { lastAttempt: mark.lastAttempt, due: lastDue, number: lastNumber, retryAt };
      const next = changed(
        plan,
        { lastAttempt: clock.now().toISOString() },
        { due: due.toISOString(), number, retryAt: null, running: true, before },
      );
      write(next);
      marks.set(plan.name, next);
    },
    end: (plan, outcome) => {
      const mark = markOf(plan);
      const { before, number } = notesOf(mark);
      if (outcome === 'void' && before) {
        const { lastAttempt, ...notes } = before;
        putEnd(plan, { lastAttempt }, { ...notes, running: false, before: null });
        return date(before.retryAt);
      }
      const again = outcome === 'failed' && number <= plan.retries;
      const retryAt = again ? new Date(clock.now().getTime() + retryDelay(plan, number)) : null;
      putEnd(plan, outcome === 'good' ? { lastGood: mark.lastAttempt } : {}, {
        retryAt: retryAt?.toISOString() ?? null,
        running: false,
        before: null,
      });
      return retryAt;
    },
  };
}

/** When the plan's last attempt is to be repeated, or null. Asked for every run that failed, so it reads nothing of the history. */
export function repeatedAt(plan: ScheduledPlan, { marks }: Pick<Catalog, 'marks'>): Date | null {
  const mark = marks.get(markName(plan));
  return mark === null ? null : (attemptOf(mark)?.retryAt ?? null);
}

/**
 * What the only daemon does before it begins: plans that are new are watched from now on, and what a daemon that died left open is settled.
 * Returns the plans whose run it was in the middle of.
 */
export function takeOver(plans: readonly ScheduledPlan[], books: { catalog: Catalog; clock: Clock }): ScheduledPlan[] {
  const { catalog, clock } = books;
  return catalog.atomically(() => {
    const now = clock.now();
    for (const plan of plans) {
      const mark = catalog.marks.get(markName(plan));
      if (!mark) catalog.marks.put(newMark(plan, now));
      // By a clock that was ahead: an interval that counts from then would never come.
      else if (isFromFuture(notesOf(mark).seenAt, now))
        catalog.marks.put({ ...mark, detail: { ...notesOf(mark), seenAt: now.toISOString() } });
    }
    return settleInterrupted(plans, books);
  });
}

/**
 * Attempts whose daemon died in the middle: the first one is made up for at once, further ones as after a failure, so that a run
 * that ends the daemon each time does not do so for ever.
 */
function settleInterrupted(
  plans: readonly ScheduledPlan[],
  { catalog, clock }: { catalog: Catalog; clock: Clock },
): ScheduledPlan[] {
  return plans.filter((plan) => {
    const mark = catalog.marks.get(markName(plan));
    if (!mark || !notesOf(mark).running) return false;
    const notes = notesOf(mark);
    const delay = notes.number === 1 ? 0 : retryDelay(plan, notes.number);
    const again = notes.number <= Math.max(1, plan.retries);
    const retryAt = again ? new Date(clock.now().getTime() + delay).toISOString() : null;
    catalog.marks.put({ ...mark, detail: { ...notes, running: false, before: null, retryAt } });
    return true;
  });
}

function markName(plan: ScheduledPlan): string {
  return `plan/${plan.name}`;
}

function newMark(plan: ScheduledPlan, now: Date): MarkRecord {
  const notes: Notes = {
    seenAt: now.toISOString(),
    due: null,
    number: 0,
    retryAt: null,
    running: false,
    before: null,
  };
  return { name: markName(plan), lastAttempt: null, lastGood: null, detail: notes };
}

function notesOf(mark: MarkRecord): Notes {
  return mark.detail as Notes;
}

function attemptOf(mark: MarkRecord): Attempt | null {
  const { due, number, retryAt } = notesOf(mark);
  const startedAt = date(mark.lastAttempt);
  return startedAt === null || due === null ? null : { startedAt, due: new Date(due), number, retryAt: date(retryAt) };
}

function date(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
