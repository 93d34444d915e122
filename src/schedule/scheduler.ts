import type { Clock } from '../base/clock.ts';
import { toHoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { NextRun } from './daemon.ts';
import { createHeap } from './heap.ts';
import type { Start, Watch } from './next.ts';

/** Something the scheduler starts when its time has come. */
export interface Job {
  readonly name: string;
  /** Of one source, one thing is done at a time. */
  readonly source: string | null;
  /** Counts against the limit on runs. */
  readonly heavy: boolean;
  /** Shown among the next runs; what the daemon does for itself is nobody's news. */
  readonly shown: boolean;
  /** When it is due as things stand; null: not before something changes. */
  next(watch: Omit<Watch, 'seed'>): Start | null;
  /** Who else has what it needs, for people, or null. */
  busy?(): string | null;
  /** Ends when everything it began has ended; keeps its failures to itself. */
  run(start: Start, signal: AbortSignal): Promise<void>;
}

export interface SchedulerParts {
  jobs: readonly Job[];
  clock: Clock;
  concurrency: number;
  /** Another number whenever another process has changed what jobs go by. */
  foreignWrites(): number;
  /** Called before jobs are asked for their next times. */
  refresh(): void;
  logger: Logger;
}

/** One loop over all jobs by their next time. */
export interface Scheduler {
  /** Starts what is due. Returns how many milliseconds may pass until the next call. */
  tick(): number;
  tickAt(): Date;
  nextRuns(): NextRun[];
  running(): number;
  /** No job runs, not even one of those that count as nothing. */
  atRest(): boolean;
  /** Asks all jobs for their next times. */
  replan(): void;
  /** Asks one, for whom something has changed. */
  replanJob(name: string): void;
  /** Others in this process have begun or ended something: all jobs are asked again, at once. */
  notice(): void;
  /** Ticks until the signal fires; then nothing is started any more. Rejects only with faults of the program. */
  work(signal: AbortSignal): Promise<void>;
  /** Ends running jobs with this reason. */
  cancel(reason: Error): void;
  /** Resolves when no job runs. */
  idle(): Promise<void>;
}

/** Clocks jump, machines sleep, and other processes write: a second is the longest time that nothing is looked at. */
const longestPauseMs = 1000;
/** More than a timer is late by on a busy machine. */
const jumpMs = 5000;
/** A sleep, or a clock that was set: times in between were watched by nobody. */
const sleepMs = 5 * 60_000;
/** What is done in this process, and neither by a job nor by who says so (an answer to a request), is seen after this. */
const replanMs = 60_000;
const penaltyMs = 30_000;
const complainEveryMs = 10 * 60_000;

export function createScheduler(parts: SchedulerParts): Scheduler {
  const { clock, logger } = parts;
  const jobs = new Map(parts.jobs.map((job) => [job.name, job]));
  const heap = createHeap();
  const waiting = new Set<string>();
  const running = new Map<string, { job: Job; ended: Promise<void> }>();
  const told = new Map<string, string>();
  const stop = new AbortController();
  const since = clock.now();
  let awakeSince = since;
  let tickAt = since;
  let last = { now: since.getTime(), monotonic: clock.monotonic() };
  let foreign = parts.foreignWrites();
  let wake: () => void = () => undefined;

  /** After a fault of its own (the state cannot be written, for instance) a job has to wait, by the clock that nobody sets. */
  const penalties = new Map<string, number>();
  const ask = (job: Job, now: Date) => {
    const start = job.next({ now, since, awakeSince });
    const wait = (penalties.get(job.name) ?? 0) - clock.monotonic();
    if (start === null || wait <= 0) return start;
    return { ...start, at: new Date(Math.max(start.at.getTime(), now.getTime() + wait)) };
  };
  const plan = (job: Job, now: Date) => {
    waiting.delete(job.name);
    const start = ask(job, now);
    if (start === null) heap.delete(job.name);
    else heap.set(job.name, start.at.getTime());
  };
  const planIdle = (job: Job, now: Date) => {
    if (!running.has(job.name)) plan(job, now);
  };
  let planned = clock.monotonic();
  let noticed = false;
  const replan = () => {
    parts.refresh();
    const now = clock.now();
    for (const job of jobs.values()) planIdle(job, now);
    planned = clock.monotonic();
    noticed = false;
  };

  /** By how much the clock was set, or the machine slept: time passed that the monotonic clock does not know of. */
  const jump = (now: number): number => {
    const monotonic = clock.monotonic();
    const jumped = now - last.now - (monotonic - last.monotonic);
    last = { now, monotonic };
    return jumped;
  };

  const launch = (job: Job, start: Start) => {
    told.delete(job.name);
    const ended = job
      .run(start, stop.signal)
      .catch((error: unknown) => {
        penalties.set(job.name, clock.monotonic() + penaltyMs);
        complain(`${job.name}: ${toHoldfastError(error).message}`);
      })
      .finally(() => {
        running.delete(job.name);
        attempt(() => {
          parts.refresh();
          const now = clock.now();
          // A backup may owe copies now; a drill may have its first backup.
          for (const other of jobs.values())
            if (other === job || (job.source !== null && other.source === job.source)) planIdle(other, now);
        });
        wake();
      });
    running.set(job.name, { job, ended });
  };
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      complain(`the scheduler: ${toHoldfastError(error).message}`);
    }
  };
  const complaints = new Map<string, number>();
  const complain = (text: string) => {
    const now = clock.monotonic();
    // Every second the same, or that of all jobs in turn, would fill the log.
    for (const [known, at] of complaints) if (now - at >= complainEveryMs) complaints.delete(known);
    if (complaints.has(text)) return;
    complaints.set(text, now);
    logger.log('error', text);
  };

  const heavy = () => [...running.values()].filter(({ job }) => job.heavy).length;
  const inUse = (job: Job) =>
    job.source !== null && [...running.values()].some(({ job: other }) => other.source === job.source);
  const startWaiting = (now: Date) => {
    let room = parts.concurrency - heavy();
    for (const name of waiting) {
      const job = jobs.get(name);
      if (!job || (job.heavy && room <= 0) || inUse(job)) continue;
      const holder = job.busy?.() ?? null;
      if (holder !== null) {
        if (told.get(name) !== holder) logger.log('info', `${name} waits: ${holder}`);
        told.set(name, holder);
        continue;
      }
      // What was true when it became due may have changed while it waited.
      plan(job, now);
      const start = ask(job, now);
      if (start === null || start.at > now) continue;
      heap.delete(name);
      launch(job, start);
      if (job.heavy) room -= 1;
    }
  };

  const tick = (): number => {
    const now = clock.now();
    const jumped = jump(now.getTime());
    // Set back to before that moment: what was watched from then on is still to come, and would be put off until then.
    if (jumped > sleepMs || awakeSince > now) awakeSince = now;
    const writes = parts.foreignWrites();
    const stale = noticed || clock.monotonic() - planned > replanMs;
    if (stale || Math.abs(jumped) > jumpMs || writes !== foreign) replan();
    foreign = writes;
    for (let top = heap.peek(); top && top.at <= now.getTime(); top = heap.peek()) {
      heap.delete(top.name);
      waiting.add(top.name);
    }
    if (waiting.size > 0) startWaiting(now);
    tickAt = now;
    const next = heap.peek();
    return Math.min(longestPauseMs, next ? Math.max(0, next.at - clock.now().getTime()) : longestPauseMs);
  };

  return {
    tick,
    replan,
    replanJob: (name) => {
      const job = jobs.get(name);
      // One that runs is asked when it has ended.
      if (job && !running.has(name)) plan(job, clock.now());
      wake();
    },
    notice: () => {
      noticed = true;
      wake();
    },
    tickAt: () => tickAt,
    running: () => heavy(),
    atRest: () => running.size === 0,
    nextRuns: () => {
      const now = tickAt.getTime();
      const due = [...waiting].map((name) => ({ name, at: now }));
      return [...due, ...heap.entries()]
        .filter(({ name }) => jobs.get(name)?.shown)
        .toSorted((a, b) => a.at - b.at)
        .map(({ name, at }) => ({ plan: name, at: new Date(at) }));
    },
    work: async (signal) => {
      signal.addEventListener('abort', () => wake(), { once: true });
      while (!signal.aborted) {
        let pauseMs = longestPauseMs;
        attempt(() => {
          pauseMs = tick();
        });
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pauseMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    cancel: (reason) => stop.abort(reason),
    idle: async () => {
      while (running.size > 0) await Promise.allSettled([...running.values()].map(({ ended }) => ended));
    },
  };
}
