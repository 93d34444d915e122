import type { Channel, ChannelContext } from '../channel.ts';
import { factsOf } from '../channel-facts.ts';
import { post } from '../post.ts';
import { serviceOf } from '../service.ts';
import type { WebhookOptions } from './options.ts';
import { payloadOf } from './payload.ts';
import { signatureHeaders } from './signature.ts';

export function webhookChannel(options: WebhookOptions, context: ChannelContext): Channel {
  const { url, secret, headers } = options;
  const { clock, version } = context;
  const service = serviceOf('webhook', options, context, [url, secret, ...secretValues(headers)]);
  return {
    ...factsOf('webhook', options),
    send: async (message, signal) => {
      // Made once: what is signed is what is sent, byte by byte.
      const body = new TextEncoder().encode(JSON.stringify(payloadOf(message, version)));
      const signature = secret === undefined ? {} : signatureHeaders(secret, body, clock.now());
      const own = { 'content-type': 'application/json', 'x-holdfast-delivery': asHeader(message.id), ...signature };
      await post(service, { url, headers: { ...headers, ...own }, body }, signal);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function asHeader(text: string): string {
  return text.replaceAll(/[^!-~]/g, '');
}

/** A short value is hardly a secret, and hiding it would hide ordinary words. */
function secretValues(headers: Record<string, string>): string[] {
  return Object.values(headers)
    .flatMap((value) => [value, ...value.split(' ')])
    .filter((word) => word.length >= 8);
}
