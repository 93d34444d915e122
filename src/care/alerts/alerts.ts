import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { DeliveryRecord, IncidentRecord } from '../../catalog/catalog.ts';
import { patiently } from '../../catalog/patiently.ts';
import type { AlertLevel, Channel, Message, Ping } from '../../notify/channel.ts';
import { cleaned, itemOf, messageOf, messagesOf, mostAtOnce, wants, weightOf, type Item } from './messages.ts';
import type { Finding } from './finding.ts';
import { calmSince, changesAt, decide, holdOn, markTold, mayWait } from './incident-policy.ts';
import { noteFindings, noteRuns, retryInMs, type IncidentParts } from './incidents.ts';
import { openOutbox } from './outbox.ts';
import { openPings, pingOf } from './pings.ts';
import { sendNow, shouted } from './shout.ts';
import { checkChannels, testChannels, type ChannelCheck, type TestResult } from './test-channels.ts';

/** Tells people what happened. It learns of it from the catalog, so that no recipe has to think of it. */
export interface Alerts extends AsyncDisposable {
  /** Looks at runs nobody was told of, opens and closes incidents, and queues messages. */
  look(signal: AbortSignal): Promise<void>;
  /** When `look` has something to do again even if nothing happens until then. */
  lookAt(): Date | null;
  /** One for each channel, so that none waits for another. */
  readonly postmen: readonly Postman[];
  /**
   * Looks, and delivers what is due. Never rejects for a channel that is down. `last`: no later call is to be expected soon, so nothing
   * is held back to be told together.
   */
  work(signal: AbortSignal, options?: { last?: boolean }): Promise<void>;
  /** All findings of a complete check: new ones are told, those that are gone are over. Sent by the next `work`. */
  report(findings: readonly Finding[]): void;
  /** Queues a ready message, such as a report, for every channel. */
  send(message: Message): void;
  /**
   * Tells a finding at once and past the queue, for when the queue cannot be written. Never rejects: what does not arrive is in the
   * log.
   */
  shout(kind: 'problem' | 'resolved', finding: Finding, signal: AbortSignal): Promise<void>;
  /** Sends a test message right now, past the queue. Rejects with `ALERT_CHANNEL_UNKNOWN`. */
  test(options: { channel?: string | undefined; signal: AbortSignal }): Promise<TestResult[]>;
  /** Whether the channels would work, as far as that can be known without sending anything. */
  check(signal: AbortSignal): Promise<ChannelCheck[]>;
  /** When `work` has something to do again even if nothing happens until then. */
  nextAt(): Date | null;
  /** Messages that do not arrive, for `check`. */
  problems(): Finding[];
  /** What is the matter, who is told, and what did not arrive. */
  overview(): AlertsOverview;
}

export interface AlertsOverview {
  channels: { name: string; kind: string; level: AlertLevel; sources: readonly string[] | null }[];
  /** Oldest first. `goodSince`: over, if it stays so for a while. */
  incidents: (IncidentRecord & { goodSince: string | null })[];
  /** Given up within the last days, or waiting to be tried again. */
  undelivered: DeliveryRecord[];
}

/** Brings what is queued for one channel. */
export interface Postman {
  readonly channel: string;
  /** When something is due. */
  nextAt(): Date | null;
  /** Never rejects for a channel that is down. */
  deliver(signal: AbortSignal): Promise<void>;
}

export type { TestResult };

export interface AlertsOptions extends IncidentParts {
  channels: readonly Channel[];
  level: AlertLevel;
  /** Null: never. */
  remindAfterMs: number | null;
  /** Incidents of any other are over: it is not configured any more. Empty: not known. */
  sources: readonly string[];
  publicUrl: string | null;
}

/** People are told of so many things one by one within this time; the rest waits for its end and is told together. */
const burstMs = 10 * 60_000;

export function openAlerts(options: AlertsOptions): Alerts {
  const { channels, level, catalog, clock, instance, timezone, logger } = options;
  const outbox = openOutbox({ channels, catalog, clock, logger });
  const pings = openPings({ channels, clock, logger });
  const rules = { remindAfterMs: options.remindAfterMs };
  const head = { instance, timezone, link: options.publicUrl };
  /** When something was said, in this process; a short-lived one has no bursts. */
  let saidAt: number[] = [];

  const wanted = (item: Pick<Item, 'weight' | 'source'>) => channels.some((channel) => wants(channel, item, level));
  /** Of a clock that was ahead, nothing is recent. */
  const recently = () => {
    const now = clock.now().getTime();
    return saidAt.filter((at) => at > now - burstMs && at <= now);
  };
  const burstEndsAt = () => {
    const recent = recently();
    return recent.length < mostAtOnce ? null : new Date((recent.at(-mostAtOnce) ?? 0) + burstMs);
  };

  /** What the runs that ended meanwhile mean, and what there is to say: all in one transaction, so that no process says it twice. */
  const lookOnce = (last: boolean): Ping[] =>
    catalog.atomically(() => {
      const runs = catalog.runs.unnoticed();
      const ended = runs.filter(({ finishedAt }) => finishedAt !== null);
      const successes = noteRuns(ended, options);
      for (const run of runs) catalog.runs.notice(run);
      const news = tellIncidents(last);
      const told = new Set(news.map(({ texts }) => texts.run?.run).filter((run) => run !== undefined));
      say([...news, ...successes.filter(({ texts }) => !told.has(texts.run?.run ?? ''))]);
      // A service that watches cries at the first failure; with a retry to come it is told of how that ends.
      const telling = runs.filter((run) => run.state !== 'failed' || retryInMs(run, options) === null);
      return telling.map((run) => pingOf(run, instance)).filter((ping) => ping !== null);
    });

  const tellIncidents = (last: boolean): Item[] => {
    const now = clock.now();
    const mayTell = last || burstEndsAt() === null;
    return catalog.incidents.open().flatMap((incident): Item[] => {
      if (isForeign(incident)) return over(incident, now);
      const decided = decide(incident, now, rules);
      if (decided.say === null) {
        if (decided.incident.resolvedAt !== null) catalog.incidents.put(decided.incident);
        return [];
      }
      if (decided.say === 'problem' && isBeingRepeated(incident, now)) return hold(incident, now);
      if (!wanted({ weight: weightOf(incident, decided.say), source: incident.source })) {
        if (decided.incident.resolvedAt !== null) catalog.incidents.put(decided.incident);
        return [];
      }
      if (!mayTell) return [];
      catalog.incidents.put(decided.say === 'resolved' ? decided.incident : markTold(incident, decided.say, now));
      return [itemOf(incident, decided.say, now, head)];
    });
  };
  const isForeign = ({ source }: IncidentRecord) =>
    source !== null && options.sources.length > 0 && !options.sources.includes(source);
  const over = (incident: IncidentRecord, now: Date): [] => {
    catalog.incidents.put({ ...incident, resolvedAt: now.toISOString() });
    return [];
  };
  /** It was held because a retry was to come, and that retry is still at work. */
  const isBeingRepeated = (incident: IncidentRecord, now: Date) =>
    incident.source !== null &&
    mayWait(incident, now) &&
    catalog.runs.list({ source: incident.source, state: 'running', limit: 1 }).length > 0;
  const hold = (incident: IncidentRecord, now: Date): [] => {
    catalog.incidents.put(holdOn(incident, now));
    return [];
  };

  const say = (items: readonly Item[]): void => {
    const now = clock.now();
    if (items.some(({ kind }) => kind !== 'success')) saidAt = [...recently(), now.getTime()];
    for (const channel of channels) {
      const messages = messagesOf(
        items.filter((item) => wants(channel, item, level)),
        now,
        head,
      );
      for (const message of messages) outbox.queue(message, channel);
    }
  };

  const incidentsAt = (last = false): Date | null => {
    const now = clock.now();
    const times = catalog.incidents.open().flatMap((incident): Date[] => {
      const { say: news, incident: next } = decide(incident, now, rules);
      if (news !== null && wanted({ weight: weightOf(incident, news), source: incident.source }))
        return [last ? now : (burstEndsAt() ?? now)];
      if (next.resolvedAt !== null) return [now];
      const at = changesAt(incident, now, rules);
      return at !== null && at > now ? [at] : [];
    });
    return earliest(times);
  };

  const look = async (signal: AbortSignal, last = false): Promise<void> => {
    await patiently(catalog, () => outbox.tidy(), { signal });
    // Thousands may have gathered while there was no channel: one transaction for all would keep every backup waiting.
    while (catalog.runs.unnoticed().length > 0 || isDue(incidentsAt(last), clock)) {
      pings.queue(await patiently(catalog, () => lookOnce(last), { signal }));
      if (catalog.runs.unnoticed().length === 0) break;
      await nextTurn();
      if (signal.aborted) break;
    }
  };
  const lookAt = (): Date | null => {
    // The end of a run may be written long after it, when no job ends.
    const late = catalog.runs.unnoticed().some(({ finishedAt }) => finishedAt !== null);
    return earliest([late ? clock.now() : null, incidentsAt()].filter((at) => at !== null));
  };
  const postmen = channels.map((channel): Postman => ({
    channel: channel.name,
    nextAt: () => (pings.isWaiting(channel) ? clock.now() : outbox.nextAt(channel)),
    deliver: async (signal) => {
      await Promise.all([pings.send(channel, signal), outbox.deliver(channel, signal)]);
    },
  }));

  return {
    look,
    lookAt,
    postmen,
    work: async (signal, { last = false } = {}) => {
      await look(signal, last);
      const ended = await Promise.allSettled(postmen.map(({ deliver }) => deliver(signal)));
      const broken = ended.find((each) => each.status === 'rejected');
      if (broken) throw broken.reason;
    },
    report: (findings) => catalog.atomically(() => noteFindings(findings, options)),
    send: (message) => {
      const about = ({ sources }: Channel) =>
        sources === null || (message.source !== null && sources.includes(message.source));
      catalog.atomically(() => {
        for (const channel of channels)
          if (channel.send !== undefined && about(channel)) outbox.queue(cleaned(message), channel);
      });
    },
    shout: async (kind, finding, signal) => {
      const item = shouted(kind, finding);
      const listening = channels.filter((channel) => wants(channel, item, level));
      await sendNow(listening, messageOf(item, clock.now(), head), { signal, logger });
    },
    test: ({ channel, signal }) => testChannels(chosen(channels, channel), { clock, head, signal }),
    check: (signal) => checkChannels(channels, signal),
    nextAt: () => earliest([lookAt(), ...postmen.map(({ nextAt }) => nextAt())].filter((at) => at !== null)),
    problems: () => outbox.problems(),
    overview: () => ({
      channels: channels.map(({ name, kind, level: own, sources }) => ({ name, kind, level: own ?? level, sources })),
      incidents: catalog.incidents.open().map((incident) => ({ ...incident, goodSince: calmSince(incident) })),
      undelivered: outbox.undelivered(),
    }),
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(channels.map((channel) => channel[Symbol.asyncDispose]()));
    },
  };
}

function chosen(channels: readonly Channel[], name: string | undefined): readonly Channel[] {
  if (name === undefined) return channels;
  const found = channels.filter((channel) => channel.name === name);
  if (found.length > 0) return found;
  const names = channels.map((channel) => channel.name).join(', ');
  throw new HoldfastError('ALERT_CHANNEL_UNKNOWN', `there is no alert channel named "${name}"`, {
    kind: 'usage',
    hint: names === '' ? 'None is configured; see `alerts` in docs/alerts.md.' : `There are: ${names}.`,
  });
}

function isDue(at: Date | null, clock: Clock): boolean {
  return at !== null && at <= clock.now();
}

function earliest(times: readonly Date[]): Date | null {
  return times.length === 0 ? null : new Date(Math.min(...times.map((at) => at.getTime())));
}
