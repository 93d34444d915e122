import { pause, withTimeout } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { withoutSecrets } from '../../base/secret.ts';
import type { RunRecord } from '../../catalog/catalog.ts';
import type { Channel, Ping } from '../../notify/channel.ts';
import { deliveryMs } from './delivery-time.ts';
import { durationOf } from './run-facts.ts';

/** Signs of life for services that watch from outside. Best effort: a late one would be a wrong one. */
export interface Pings {
  /** For every channel that takes such signs of this source. */
  queue(pings: readonly Ping[]): void;
  isWaiting(channel: Pick<Channel, 'name'>): boolean;
  /** What was queued for the channel, each run's in their order. Never rejects. */
  send(channel: Channel, signal: AbortSignal): Promise<void>;
}

const pauses = [2000, 10_000];
const staleAfterMs = 10 * 60_000;

export function openPings(parts: { channels: readonly Channel[]; clock: Clock; logger: Logger }): Pings {
  const { channels, clock, logger } = parts;
  const waiting = new Map<string, Ping[]>();
  const lines = new Map<string, Promise<void>>();

  const sendOne = async (channel: Channel, ping: Ping, signal: AbortSignal): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      if (signal.aborted || isStale(ping)) return;
      try {
        const limitMs = deliveryMs(channel);
        using limited = withTimeout(signal, limitMs, () => timedOut(limitMs));
        await channel.ping?.(ping, limited.signal);
        return;
      } catch (error) {
        const { retryable, message, code } = toHoldfastError(error);
        const wait = pauses[attempt];
        if (signal.aborted) return;
        if (!retryable || wait === undefined) {
          logger.log('warn', `${channel.name} was not told of run ${ping.run}: ${withoutSecrets(message)} (${code})`);
          return;
        }
        await pause(wait, signal).catch(() => undefined);
      }
    }
  };
  const isStale = ({ at }: Ping) => clock.now().getTime() - new Date(at).getTime() > staleAfterMs;

  const wants = ({ ping, sources }: Channel, { source }: Ping) =>
    ping !== undefined && (sources === null || (source !== null && sources.includes(source)));
  /** Behind what is on its way already: the end of a run must not overtake its start. */
  const sendInOrder = async (channel: Channel, ping: Ping, signal: AbortSignal): Promise<void> => {
    const name = `${channel.name}/${ping.source}/${ping.operation}`;
    const line = (lines.get(name) ?? Promise.resolve()).then(() => sendOne(channel, ping, signal));
    lines.set(name, line);
    await line;
    if (lines.get(name) === line) lines.delete(name);
  };

  return {
    queue: (pings) => {
      for (const channel of channels) {
        const own = pings.filter((ping) => wants(channel, ping));
        if (own.length > 0) waiting.set(channel.name, [...(waiting.get(channel.name) ?? []), ...own]);
      }
    },
    isWaiting: ({ name }) => waiting.has(name),
    send: async (channel, signal) => {
      for (let pings = waiting.get(channel.name); pings; pings = waiting.get(channel.name)) {
        waiting.delete(channel.name);
        await Promise.all(pings.map((ping) => sendInOrder(channel, ping, signal)));
      }
    },
  };
}

/** Its start, or its end. A run that was stopped on purpose says nothing: it neither succeeded nor failed. */
export function pingOf(run: RunRecord, instance: string): Ping | null {
  const { source, operation, state, startedAt, finishedAt, error } = run;
  const common = { instance, source, operation, run: run.id };
  if (finishedAt === null) return { ...common, phase: 'start', at: startedAt, durationMs: null, detail: null };
  if (state === 'cancelled') return null;
  const phase = state === 'failed' ? ('fail' as const) : ('success' as const);
  const detail = state === 'failed' ? withoutSecrets(error?.message ?? 'it found something wrong') : null;
  return { ...common, phase, at: finishedAt, durationMs: durationOf(run), detail };
}

function timedOut(ms: number): HoldfastError {
  return new HoldfastError('TIMEOUT', `no answer within ${ms / 1000} s`, { retryable: true });
}
