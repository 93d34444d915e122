import { withTimeout } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Channel, Message } from '../../notify/channel.ts';
import { problemOfFinding, type Item } from './messages.ts';
import { deliveryMs } from './delivery-time.ts';
import type { Finding } from './finding.ts';

export function shouted(kind: 'problem' | 'resolved', finding: Finding): Item {
  const { severity, source } = finding;
  const { texts } = problemOfFinding(finding);
  if (kind === 'problem') return { kind, severity, weight: severity, source, texts };
  const what = 'It can be done again. What was due meanwhile is made up for.';
  const good = { ...texts, title: `over: ${texts.title}`, what, meaning: null, todo: [] };
  return { kind, severity: 'info', weight: severity, source, texts: good };
}

/** One try through each channel: there is nowhere to remember a second one. */
export async function sendNow(
  channels: readonly Channel[],
  message: Message,
  { signal, logger }: { signal: AbortSignal; logger: Logger },
): Promise<void> {
  await Promise.all(
    channels.map(async (channel) => {
      try {
        const limitMs = deliveryMs(channel);
        using limited = withTimeout(
          signal,
          limitMs,
          () => new HoldfastError('TIMEOUT', `no answer within ${limitMs / 1000} s`, { retryable: true }),
        );
        await channel.send?.(message, limited.signal);
      } catch (error) {
        logger.log('warn', `alert not delivered through ${channel.name}: ${toHoldfastError(error).message}`);
      }
    }),
  );
}
