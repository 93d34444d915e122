import type { Channel, ChannelContext } from '../channel.ts';
import { factsOf } from '../channel-facts.ts';
import { refusal } from '../errors.ts';
import { postJson, wordsOf } from '../post.ts';
import { serviceOf } from '../service.ts';
import { cardMessage } from './card.ts';
import type { TeamsOptions } from './options.ts';

export function teamsChannel(options: TeamsOptions, context: ChannelContext): Channel {
  const service = serviceOf('teams', options, context, [options.url]);
  return {
    ...factsOf('teams', options),
    send: async (message, signal) => {
      const { text } = await postJson(service, { url: options.url, content: cardMessage(message) }, signal);
      // Connectors, the predecessors of workflows, accept everything and tell of a failure in the text.
      const status = /delivery failed.*returned HTTP error (\d{3})/is.exec(text)?.[1];
      if (status !== undefined) throw refusal(service, { status: Number(status), said: wordsOf(service.hide(text)) });
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
