import type { Channel, ChannelContext } from '../channel.ts';
import { factsOf } from '../channel-facts.ts';
import { refusal } from '../errors.ts';
import { post } from '../post.ts';
import { serviceOf } from '../service.ts';
import type { PingOptions } from './options.ts';
import { pingRequest } from './request.ts';

/** A sign of life for a service that notices when none comes. It takes no messages. */
export function pingChannel(options: PingOptions, context: ChannelContext): Channel {
  const { url, start, success, fail } = options;
  const service = serviceOf('ping', options, context, [url, start, success, fail]);
  return {
    ...factsOf('ping', options),
    ping: async (ping, signal) => {
      const request = pingRequest(ping, options);
      if (request === null) return;
      const { text } = await post(service, request, signal);
      // `OK (not found)` and the like: some installations of healthchecks say OK to everything.
      const but = /^OK \((.*)\)/.exec(text)?.[1];
      if (but !== undefined) throw refusal(service, { status: but.includes('rate') ? 429 : 404, said: but });
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
