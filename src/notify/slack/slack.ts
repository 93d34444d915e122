import type { Channel, ChannelContext } from '../channel.ts';
import { factsOf } from '../channel-facts.ts';
import { postJson } from '../post.ts';
import { serviceOf } from '../service.ts';
import { slackMessage } from './blocks.ts';
import type { SlackOptions } from './options.ts';

export function slackChannel(options: SlackOptions, context: ChannelContext): Channel {
  const service = serviceOf('slack', options, context, [options.url]);
  return {
    ...factsOf('slack', options),
    send: async (message, signal) => {
      await postJson(service, { url: options.url, content: slackMessage(message) }, signal);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
