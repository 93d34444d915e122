import { withTimeout } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/secret.ts';
import type { Channel } from '../../notify/channel.ts';
import { messageOf, type Letterhead } from './messages.ts';
import { deliveryMs } from './delivery-time.ts';
import { moment } from './run-texts.ts';

export interface TestResult {
  channel: string;
  kind: string;
  /** `skipped`: it takes no messages, and a false sign of life would do harm. */
  state: 'sent' | 'failed' | 'skipped';
  durationMs: number;
  error: { code: string; message: string; hint: string | null } | null;
}

interface TestParts {
  clock: Clock;
  head: Letterhead;
  signal: AbortSignal;
}

/** One message through each channel, past the queue: whoever asks wants to know now. All at once, none stops at another's failure. */
export function testChannels(channels: readonly Channel[], parts: TestParts): Promise<TestResult[]> {
  return Promise.all(channels.map((channel) => testOne(channel, parts)));
}

async function testOne(channel: Channel, { clock, head, signal }: TestParts): Promise<TestResult> {
  const { name, kind } = channel;
  const result = { channel: name, kind, durationMs: 0, error: null };
  if (channel.send === undefined) return { ...result, state: 'skipped' };
  const started = clock.monotonic();
  const took = () => Math.round(clock.monotonic() - started);
  try {
    const limitMs = deliveryMs(channel);
    using limited = withTimeout(signal, limitMs, () => {
      return new HoldfastError('TIMEOUT', `no answer within ${limitMs / 1000} s`, { retryable: true });
    });
    await channel.send(testMessage(name, clock.now(), head), limited.signal);
    return { ...result, state: 'sent', durationMs: took() };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ...result, state: 'failed', durationMs: took(), error: describe(error) };
  }
}

export interface ChannelCheck {
  channel: string;
  kind: string;
  /** `untried`: only a message would tell. */
  state: 'works' | 'failed' | 'untried';
  error: TestResult['error'];
}

/** What can be known without sending anything. */
export function checkChannels(channels: readonly Channel[], signal: AbortSignal): Promise<ChannelCheck[]> {
  return Promise.all(
    channels.map(async (channel): Promise<ChannelCheck> => {
      const { name, kind } = channel;
      if (channel.check === undefined) return { channel: name, kind, state: 'untried', error: null };
      try {
        await channel.check(signal);
        return { channel: name, kind, state: 'works', error: null };
      } catch (error) {
        if (signal.aborted) throw error;
        return { channel: name, kind, state: 'failed', error: describe(error) };
      }
    }),
  );
}

function describe(error: unknown): NonNullable<TestResult['error']> {
  const { code, message, hint } = toHoldfastError(error);
  return { code, message: withoutSecrets(message), hint: hint === undefined ? null : withoutSecrets(hint) };
}

function testMessage(channel: string, at: Date, head: Letterhead) {
  const texts = {
    title: `test message from ${head.instance}`,
    what: `Somebody ran \`holdfast alerts test\` at ${moment(at, head)}. Alerts reach you through this channel.`,
    meaning: null,
    todo: [],
    facts: [
      { name: 'Instance', value: head.instance },
      { name: 'Channel', value: channel },
    ],
    errors: [],
    run: null,
  };
  return messageOf({ kind: 'test', severity: 'info', weight: 'info', source: null, texts }, at, head);
}
