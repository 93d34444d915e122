import type { Channel, ChannelContext } from '../channel.ts';
import { factsOf } from '../channel-facts.ts';
import { post, postJson } from '../post.ts';
import { serviceOf } from '../service.ts';
import { discordMessage } from './embed.ts';
import type { DiscordOptions } from './options.ts';

export function discordChannel(options: DiscordOptions, context: ChannelContext): Channel {
  const service = serviceOf('discord', options, context, [options.url]);
  // Otherwise it answers before it has looked at the message.
  const url = new URL(options.url);
  url.searchParams.set('wait', 'true');
  return {
    ...factsOf('discord', options),
    send: async (message, signal) => {
      await postJson(service, { url: url.href, content: discordMessage(message) }, signal);
    },
    // Read, a webhook tells of itself.
    check: async (signal) => {
      await post(service, { url: options.url, method: 'GET' }, signal);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
