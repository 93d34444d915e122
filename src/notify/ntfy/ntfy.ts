import type { Channel, ChannelContext } from '../channel.ts';
import { factsOf } from '../channel-facts.ts';
import { postJson } from '../post.ts';
import { serviceOf } from '../service.ts';
import { ntfyMessage } from './message.ts';
import type { NtfyOptions } from './options.ts';

export function ntfyChannel(options: NtfyOptions, context: ChannelContext): Channel {
  const { server, token, password } = options;
  const service = serviceOf('ntfy', options, context, [token, password]);
  const authorization = authorizationOf(options);
  return {
    ...factsOf('ntfy', options),
    send: async (message, signal) => {
      const headers = authorization === null ? {} : { authorization };
      await postJson(service, { url: `${server}/`, headers, content: ntfyMessage(message, options) }, signal);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function authorizationOf({ token, user, password }: NtfyOptions): string | null {
  if (token !== undefined) return `Bearer ${token}`;
  if (user === undefined) return null;
  return `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
}
