import { abortReason, pause, withTimeout } from '../../base/abort.ts';
import { dueAt, isFromFuture, type Clock } from '../../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { withoutSecrets } from '../../base/secret.ts';
import type { Catalog, DeliveryRecord } from '../../catalog/catalog.ts';
import { holdLock } from '../../catalog/lease.ts';
import { patiently } from '../../catalog/patiently.ts';
import type { Channel, Message } from '../../notify/channel.ts';
import { deliveryMs } from './delivery-time.ts';
import type { Finding } from './finding.ts';

/** Messages on their way. What is queued survives the process. Each goes out at least once, and twice only after a crash. */
export interface Outbox {
  queue(message: Message, channel: Pick<Channel, 'name'>): void;
  /** Delivers what is due through the channel, in order. Rejects only when the catalog cannot be used. */
  deliver(channel: Channel, signal: AbortSignal): Promise<void>;
  nextAt(channel: Pick<Channel, 'name'>): Date | null;
  /** What waits for a channel that is not configured any more is given up, and what ended long ago is forgotten. */
  tidy(): void;
  /** Undelivered messages of channels that there are. */
  undelivered(): DeliveryRecord[];
  problems(): Finding[];
}

interface OutboxParts {
  channels: readonly Channel[];
  catalog: Catalog;
  clock: Clock;
  logger: Logger;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const giveUpAfterMs = day;
/** By a clock that was ahead, or after a time in which nobody tried, the age of a message says nothing. */
const fewTries = 5;
const manyTries = 24;
/** Neither we nor the service ask for more. */
const longestPauseMs = 2 * hour;
const keepMs = 7 * day;
/** A channel may be away for a moment before anybody is bothered with it. */
const worthTellingAfterMs = 10 * minute;
/** Another process is sending through the same channel. */
const busyPauseMs = 250;
const noteWithinMs = minute;

export function openOutbox({ channels, catalog, clock, logger }: OutboxParts): Outbox {
  const { deliveries } = catalog;
  const names = new Set(channels.map(({ name }) => name));
  let tidyAt = 0;
  const pending = () => deliveries.list({ state: 'pending' }).filter(({ channel }) => names.has(channel));

  const whenDue = ({ nextAt }: DeliveryRecord): Date => dueAt(nextAt, longestPauseMs, clock.now());
  const isDue = (delivery: DeliveryRecord): boolean => whenDue(delivery) <= clock.now();
  const firstDue = (channel: string): DeliveryRecord | undefined => {
    return deliveries.list({ channel, state: 'pending' }).find(isDue);
  };

  /** Only one process at a time sends through a channel; when it dies, the next one takes over at once. */
  const deliverTo = async (channel: Channel, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && firstDue(channel.name) !== undefined) {
      try {
        await using lease = await holdLock({ catalog, clock, name: `alerts:${channel.name}`, run: null, signal });
        await sendAllDue(channel, lease.signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (toHoldfastError(error).code !== 'SOURCE_BUSY') throw error;
        await pause(busyPauseMs, signal).catch(() => undefined);
      }
    }
  };

  const sendAllDue = async (channel: Channel, signal: AbortSignal): Promise<void> => {
    for (let due = firstDue(channel.name); due !== undefined; due = firstDue(channel.name)) {
      try {
        await sendInTime(channel, due.message as Message, signal);
      } catch (error) {
        // Stopped, which says nothing about the channel; or out of time, which does.
        if (signal.aborted && abortReason(signal).code !== 'TIMEOUT') return;
        const known = toHoldfastError(signal.aborted ? signal.reason : error);
        await note(() => noteFailed({ ...due, attempts: due.attempts + 1 }, known));
        if (signal.aborted) return;
        continue;
      }
      await note(() => noteSent({ ...due, attempts: due.attempts + 1 }));
    }
  };

  /** What cannot be noted down goes out once more. */
  const note = (write: () => void) => patiently(catalog, write, { forMs: noteWithinMs });

  const noteSent = (sent: DeliveryRecord): void => {
    const at = clock.now().toISOString();
    catalog.atomically(() => {
      deliveries.put({ ...sent, state: 'sent', endedAt: at, lastError: null });
      // The channel is there again: what waited for it need not wait any longer.
      for (const waiting of waitingFor(sent.channel)) deliveries.put({ ...waiting, nextAt: at });
    });
  };

  const noteFailed = (failed: DeliveryRecord, error: HoldfastError): void => {
    const now = clock.now();
    const lastError = describe(error);
    const nextAt = later(now, error.retryable ? Math.max(backoffMs(failed.attempts), askedMs(error)) : hour);
    const over = isOver(failed, { now, nextAt });
    catalog.atomically(() => {
      if (over) deliveries.put({ ...failed, state: 'failed', endedAt: now.toISOString(), lastError });
      else deliveries.put({ ...failed, nextAt, lastError });
      // A message that cannot be delivered does not hold up the others; a channel that is down would refuse them all.
      if (!error.retryable) return;
      for (const waiting of deliveries.list({ channel: failed.channel, state: 'pending' })) {
        if (waiting.nextAt < nextAt) deliveries.put({ ...waiting, nextAt, lastError: waiting.lastError ?? lastError });
      }
    });
    logger.log(
      'warn',
      `alert not delivered through ${failed.channel}: ${lastError.message} (${lastError.code})${over ? '; given up' : ''}`,
    );
  };

  const waitingFor = (channel: string): DeliveryRecord[] =>
    deliveries.list({ channel, state: 'pending' }).filter(({ lastError }) => lastError !== null);

  const dropForeign = (): void => {
    const at = clock.now().toISOString();
    for (const delivery of deliveries.list({ state: 'pending' })) {
      if (names.has(delivery.channel)) continue;
      const lastError = {
        code: 'ALERT_CHANNEL_UNKNOWN',
        message: 'the channel is not configured any more',
        hint: null,
      };
      deliveries.put({ ...delivery, state: 'failed', endedAt: at, lastError });
    }
  };

  return {
    queue: (message, { name }) => {
      const at = clock.now().toISOString();
      // In their order: an all-clear must not overtake its problem. And what is new is a reason to try again.
      for (const waiting of waitingFor(name)) if (waiting.nextAt > at) deliveries.put({ ...waiting, nextAt: at });
      const record = { channel: name, message, createdAt: at, attempts: 0, nextAt: at, state: 'pending' as const };
      deliveries.put({ ...record, id: `${message.id}/${name}`, endedAt: null, lastError: null });
    },
    deliver: deliverTo,
    nextAt: ({ name }) => {
      const times = deliveries.list({ channel: name, state: 'pending' }).map((delivery) => whenDue(delivery).getTime());
      return times.length === 0 ? null : new Date(Math.min(...times));
    },
    tidy: () => {
      dropForeign();
      if (clock.monotonic() < tidyAt) return;
      deliveries.trim(later(clock.now(), -keepMs));
      tidyAt = clock.monotonic() + hour;
    },
    undelivered: () => [
      ...deliveries.list({ state: 'failed' }).filter(({ channel }) => names.has(channel)),
      ...pending().filter(({ lastError }) => lastError !== null),
    ],
    problems: () => {
      const lost = channels.flatMap(({ name }) => lostOf(name, deliveries.list({ channel: name }), clock.now()));
      return lost.length === 0 ? [] : [undeliveredFinding(lost)];
    },
  };
}

async function sendInTime(channel: Channel, message: Message, signal: AbortSignal): Promise<void> {
  const limitMs = deliveryMs(channel);
  using limited = withTimeout(signal, limitMs, () => {
    return new HoldfastError('TIMEOUT', `${channel.name} did not answer within ${limitMs / 1000} s`, {
      retryable: true,
    });
  });
  await channel.send?.(message, limited.signal);
}

/** `failed` as it was before this try but for the count. */
function isOver(failed: DeliveryRecord, { now, nextAt }: { now: Date; nextAt: string }): boolean {
  if (isFromFuture(failed.createdAt, now)) return failed.attempts >= manyTries;
  const late = now.getTime() - new Date(failed.nextAt).getTime() > hour;
  if (late && failed.attempts < fewTries) return false;
  return later(new Date(failed.createdAt), giveUpAfterMs) <= nextAt;
}

/** 1 min, 2, 4 ... 2 h. */
function backoffMs(attempts: number): number {
  return Math.min(minute * 2 ** Math.max(0, attempts - 1), longestPauseMs);
}

/** Some services say when they want to be asked again. */
function askedMs({ details }: HoldfastError): number {
  const { retryAfterMs } = details;
  return typeof retryAfterMs === 'number' ? Math.min(retryAfterMs, longestPauseMs) : 0;
}

interface Lost {
  channel: string;
  count: number;
  error: DeliveryRecord['lastError'];
  givenUp: boolean;
}

/** Given up since the last one that arrived, or waiting for so long that it is no hiccup. */
function lostOf(channel: string, all: readonly DeliveryRecord[], now: Date): Lost[] {
  const lastSent = all.findLastIndex(({ state }) => state === 'sent');
  const arrived = all[lastSent]?.endedAt ?? '';
  const longAgo = later(now, -worthTellingAfterMs);
  const isLost = ({ state, endedAt, createdAt, lastError }: DeliveryRecord, at: number) => {
    if (state === 'pending') return lastError !== null && (createdAt <= longAgo || isFromFuture(createdAt, now));
    if (state !== 'failed') return false;
    // Of a clock that was ahead only the order tells which was first.
    const unclear = [endedAt ?? '', arrived].some((each) => each !== '' && isFromFuture(each, now));
    return unclear ? at > lastSent : (endedAt ?? '') > arrived;
  };
  const lost = all.filter(isLost);
  const [first] = lost;
  if (!first) return [];
  const error = lost.at(-1)?.lastError ?? null;
  const givenUp = lost.some(({ state }) => state === 'failed');
  return [{ channel, count: lost.length, error, givenUp }];
}

function undeliveredFinding(lost: readonly Lost[]): Finding {
  const count = lost.reduce((sum, each) => sum + each.count, 0);
  const names = lost.map(({ channel }) => channel).join(', ');
  const error = lost.find((each) => each.error !== null)?.error ?? null;
  return {
    code: 'ALERT_UNDELIVERED',
    severity: lost.some(({ givenUp }) => givenUp) ? 'critical' : 'warning',
    source: null,
    storage: null,
    value: count,
    threshold: 0,
    message: `alerts do not arrive through ${names}${error ? `: ${error.message} (${error.code})` : ''}`,
    meaning: 'Whoever relies on these alerts does not hear of failures: their silence means nothing.',
    hint: `${error?.hint ? `${error.hint} ` : ''}Try it with \`holdfast alerts test\`; \`holdfast alerts\` lists what was not delivered.`,
  };
}

function later(at: Date, ms: number): string {
  return new Date(at.getTime() + ms).toISOString();
}

function describe({ code, message, hint }: HoldfastError): NonNullable<DeliveryRecord['lastError']> {
  return { code, message: withoutSecrets(message), hint: hint === undefined ? null : withoutSecrets(hint) };
}
