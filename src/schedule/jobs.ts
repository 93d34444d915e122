import { dueAt } from '../base/clock.ts';
import { toHoldfastError } from '../base/errors.ts';
import { withoutSecrets } from '../base/secret.ts';
import { formatDuration } from '../base/units.ts';
import type { Alerts, Postman } from '../care/alerts/alerts.ts';
import { longestRetryDelayMs } from '../care/copies/retry-delay.ts';
import type { Source } from '../care/source.ts';
import { isGone } from '../catalog/lock-holder.ts';
import { patiently } from '../catalog/patiently.ts';
import type { Memory } from './memory.ts';
import { nextStart, type PlanMemory, type Start, type Watch } from './next.ts';
import type { ScheduledPlan } from './plans.ts';
import type { Job } from './scheduler.ts';
import { doWork, makeCopies, mayHelp, type Did, type WorkParts } from './work.ts';

export interface JobParts extends WorkParts {
  memory: Memory;
  /** Times as people read them. */
  tell(at: Date): string;
  /** A run begins, or has ended. */
  changed(): void;
  /** What the plans say; tests put something quicker in its place. */
  doWork?: typeof doWork;
}

/** What is in use is tried again soon, what has nothing to do yet not so soon. */
const soonMs = 5000;
const laterMs = 10 * 60_000;
const settleMs = 30_000;

export function planJob(plan: ScheduledPlan, parts: JobParts): Job {
  const { clock, memory, logger, instance: seed } = parts;
  const facts = { plan: plan.name, ...(plan.source === null ? {} : { source: plan.source }) };
  // Backups that are due at the start go first: a check right then would miss them.
  const left = (at: Date) => formatDuration(Math.max(0, at.getTime() - clock.now().getTime()));
  let notBefore = plan.kind === 'check' ? clock.monotonic() + settleMs : 0;
  let watched: Omit<Watch, 'seed'> | undefined;
  // Told by this process and not by times: a clock that was set would make it the first run again, or for ever.
  let hasBegun = false;
  const reckon = onceWhileTrue((watch, remembered) =>
    nextStart({ ...plan, runOnStart: plan.runOnStart && !hasBegun }, remembered, { ...watch, seed }),
  );
  const next: Job['next'] = (watch) => {
    watched = watch;
    const start = reckon(watch, memory.of(plan));
    // Measured by the clock that nobody sets.
    const wait = notBefore - clock.monotonic();
    if (start === null || wait <= 0) return start;
    return { ...start, at: new Date(Math.max(start.at.getTime(), watch.now.getTime() + wait)) };
  };
  return {
    name: plan.name,
    source: plan.source,
    heavy: plan.source !== null,
    shown: true,
    next,
    busy: () => (plan.kind === 'backup' && plan.source !== null ? holderOf(plan.source, parts) : null),
    run: async (start, signal) => {
      let begun = false;
      const begin = () => {
        memory.begin(plan, start);
        begun = true;
      };
      const beginning = patiently(parts.catalog, begin, { signal });
      // What can begin has begun before the scheduler looks at the next one.
      if (!begun) await beginning;
      parts.changed();
      logger.log('info', `${plan.name} begins${why(start, parts)}`, facts);
      const did = await attempt(plan, start, parts, signal);
      hasBegun ||= did.outcome !== 'void';
      const retryAt = memory.end(plan, did.outcome);
      await patiently(parts.catalog, () => memory.catchUp()).catch(() => undefined);
      if (did.outcome === 'void') notBefore = clock.monotonic() + (did.level === 'debug' ? laterMs : soonMs);
      memory.refresh();
      const following = watched && !signal.aborted ? next({ ...watched, now: clock.now() }) : null;
      const again =
        following === null
          ? ''
          : `; ${retryAt ? `again in ${left(following.at)}` : `next ${parts.tell(following.at)}`}`;
      logger.log(did.level, `${plan.name} ${did.said}${again}`, { ...facts, ...did.facts });
      parts.changed();
    },
  };
}

/** Copies that are owed to a source, at the times the queue says, whether a backup runs or not. */
export function copiesJob(source: Source, queue: () => ReadonlyMap<string, Date>, parts: JobParts): Job {
  const { clock, logger } = parts;
  let notBefore = 0;
  return {
    name: `copies/${source.name}`,
    source: source.name,
    heavy: true,
    shown: false,
    next: ({ now }) => {
      const due = queue().get(source.name);
      if (!due) return null;
      const wait = Math.max(0, notBefore - clock.monotonic());
      const at = new Date(Math.max(dueAt(due, longestRetryDelayMs, now).getTime(), now.getTime() + wait));
      return { at, due, trigger: 'retry', number: 1 };
    },
    busy: () => holderOf(source.name, parts),
    run: async (_start, signal) => {
      // What somebody else copies at the moment stays in the queue as due.
      notBefore = clock.monotonic() + 60_000;
      parts.changed();
      const did = await makeCopies(source, parts, signal).then(
        (said): Told => ({ outcome: 'good', level: 'info', said }),
        (error: unknown) => failure(error, null, signal),
      );
      logger.log(did.level, `copies/${source.name} ${did.said}`, { source: source.name });
      parts.changed();
    },
  };
}

const alertsAgainMs = 30_000;

/** Alerts look at what has changed since, a moment after it did. */
export function alertsJob(
  alerts: Pick<Alerts, 'look' | 'lookAt'>,
  changedAt: () => Date | null,
  parts: Pick<JobParts, 'logger' | 'clock'> & {
    /** There may be something to deliver. */
    queued(): void;
  },
): Job {
  let seen: Date | null = null;
  const patience = openPatience(parts);
  return {
    name: 'alerts',
    source: null,
    heavy: false,
    shown: false,
    next: ({ now }) => {
      const changed = changedAt();
      const news = changed !== null && changed !== seen ? [changed.getTime()] : [];
      const [first] = [...news, alerts.lookAt()?.getTime() ?? Infinity].toSorted((a, b) => a - b);
      return first === undefined || first === Infinity ? null : patience.start(first, now);
    },
    run: async (_start, signal) => {
      seen = changedAt();
      const ok = await patience.over(alerts.look(signal), 'alerts', signal);
      // What was not looked at is still news, for when the trouble has passed.
      if (!ok) seen = null;
      parts.queued();
    },
  };
}

/** What is queued for one channel. A channel of its own that hangs keeps none of the others waiting. */
export function postJob({ channel, nextAt, deliver }: Postman, parts: Pick<JobParts, 'logger' | 'clock'>): Job {
  const patience = openPatience(parts);
  const name = `alerts/${channel}`;
  return {
    name,
    source: null,
    heavy: false,
    shown: false,
    next: ({ now }) => {
      const first = nextAt();
      return first === null ? null : patience.start(first.getTime(), now);
    },
    run: async (_start, signal) => {
      await patience.over(deliver(signal), name, signal);
    },
  };
}

/** What comes together is told together, and what failed, as a state that cannot be written, has a moment to pass. */
function openPatience({ clock, logger }: Pick<JobParts, 'logger' | 'clock'>) {
  let notBefore = 0;
  return {
    start: (first: number, now: Date): Start => {
      const at = new Date(Math.max(first, now.getTime() + Math.max(0, notBefore - clock.monotonic())));
      return { at, due: at, trigger: 'schedule', number: 1 };
    },
    /** False: it failed, which is told here. */
    over: async (work: Promise<void>, what: string, signal: AbortSignal): Promise<boolean> => {
      notBefore = clock.monotonic() + 1000;
      try {
        await work;
        return true;
      } catch (error) {
        if (signal.aborted) return true;
        notBefore = clock.monotonic() + alertsAgainMs;
        logger.log('warn', `${what}: ${toHoldfastError(error).message}`);
        return false;
      }
    },
  };
}

/** Something the daemon does for itself every so often. */
export function regularJob(
  name: string,
  everyMs: number,
  from: Date,
  work: (signal: AbortSignal) => Promise<void>,
): Job {
  let last = from;
  return {
    name,
    source: null,
    heavy: false,
    shown: false,
    next: ({ now }) => {
      // A clock that was set back must not put it off.
      const at = last > now ? now : new Date(last.getTime() + everyMs);
      return { at, due: at, trigger: 'schedule', number: 1 };
    },
    run: async (start, signal) => {
      last = start.at;
      await work(signal);
    },
  };
}

type Reckon = (watch: Omit<Watch, 'seed'>, remembered: PlanMemory) => Start | null;

/** A pattern is worked out once, not at every look: with a thousand plans and a busy neighbour it would keep a core busy. */
function onceWhileTrue(reckon: Reckon): Reckon {
  let known: { key: string; from: Date; start: Start | null } | undefined;
  return (watch, remembered) => {
    const { seenAt, lastGood, attempt: last } = remembered;
    const times = [watch.since, watch.awakeSince, seenAt, lastGood, last?.startedAt, last?.retryAt];
    const key = [last?.number, ...times.map((at) => at?.getTime())].join();
    const ahead = known && (known.start === null || known.start.at > watch.now) && watch.now >= known.from;
    if (known && ahead && known.key === key) return known.start;
    known = { key, from: watch.now, start: reckon(watch, remembered) };
    return known.start;
  };
}

type Told = Did & { level: 'debug' | 'info' | 'warn' | 'error'; facts?: Record<string, unknown> };

async function attempt(plan: ScheduledPlan, start: Start, parts: JobParts, signal: AbortSignal): Promise<Told> {
  try {
    const did = await (parts.doWork ?? doWork)(plan, start.trigger, parts, signal);
    const level = did.outcome === 'void' ? 'debug' : did.outcome === 'good' ? 'info' : 'error';
    return { ...did, level };
  } catch (error) {
    return failure(error, plan, signal);
  }
}

function failure(error: unknown, plan: ScheduledPlan | null, signal: AbortSignal): Told {
  const known = toHoldfastError(error);
  const said = `${withoutSecrets(known.message)} (${known.code})`;
  // The daemon is stopping: what was cut off is still to be done.
  if (signal.aborted) return { outcome: 'void', level: 'info', said: 'was stopped' };
  if (known.kind === 'busy') return { outcome: 'void', level: 'info', said: `waits: ${said}` };
  if (known.kind === 'interrupted') return { outcome: 'hopeless', level: 'warn', said: `ended: ${said}` };
  const outcome = plan !== null && mayHelp(plan, known) ? 'failed' : 'hopeless';
  const facts = { code: known.code, ...(known.hint && { hint: withoutSecrets(known.hint) }) };
  return { outcome, level: 'error', said: `failed: ${said}`, facts };
}

function why({ trigger, number, due }: Start, { tell }: JobParts): string {
  if (trigger === 'missed') return `, for ${tell(due)}, which was missed`;
  if (trigger === 'retry') return `, attempt ${number}`;
  return trigger === 'start' ? ', as at every start' : '';
}

/** Another process has the source; of ours, the scheduler knows itself. */
function holderOf(source: string, { catalog, clock }: JobParts): string | null {
  const holder = catalog.locks.list().find(({ name }) => name === `source:${source}`);
  if (!holder || isGone(holder)) return null;
  // It may have died where we cannot see it; whoever takes the lock finds out.
  if (Math.abs(clock.now().getTime() - new Date(holder.renewedAt).getTime()) >= holder.leaseMs) return null;
  const run = holder.run === null ? 'another process' : `run ${holder.run}`;
  return `${source} is in use by ${run} (process ${holder.pid} on ${holder.host})`;
}
