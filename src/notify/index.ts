import type { z } from 'zod';
import type { Channel, ChannelContext } from './channel.ts';
import { discordChannel } from './discord/discord.ts';
import { discordOptions } from './discord/options.ts';
import { emailChannel } from './email/email.ts';
import { emailOptions } from './email/options.ts';
import { ntfyChannel } from './ntfy/ntfy.ts';
import { ntfyOptions } from './ntfy/options.ts';
import { pingOptions } from './ping/options.ts';
import { pingChannel } from './ping/ping.ts';
import { slackOptions } from './slack/options.ts';
import { slackChannel } from './slack/slack.ts';
import { teamsOptions } from './teams/options.ts';
import { teamsChannel } from './teams/teams.ts';
import { telegramOptions } from './telegram/options.ts';
import { telegramChannel } from './telegram/telegram.ts';
import { webhookOptions } from './webhook/options.ts';
import { webhookChannel } from './webhook/webhook.ts';

/** Every kind of channel: a new one is a folder beside `email` and a line here. */
export const channels = {
  email: { schema: emailOptions, create: emailChannel },
  teams: { schema: teamsOptions, create: teamsChannel },
  slack: { schema: slackOptions, create: slackChannel },
  discord: { schema: discordOptions, create: discordChannel },
  telegram: { schema: telegramOptions, create: telegramChannel },
  ntfy: { schema: ntfyOptions, create: ntfyChannel },
  webhook: { schema: webhookOptions, create: webhookChannel },
  ping: { schema: pingOptions, create: pingChannel },
} as const;

type Kind = keyof typeof channels;
type Options = { [K in Kind]: z.output<(typeof channels)[K]['schema']> };
type Creators = { [K in Kind]: { create(options: Options[K], context: ChannelContext): Channel } };

/** The options of a channel of any kind. */
export type ChannelOptions = Options[Kind];

/** The channel that options of any kind describe. */
export function createChannel<K extends Kind>(kind: K, options: Options[K], context: ChannelContext): Channel {
  const creators: Creators = channels;
  return creators[kind].create(options, context);
}

/** All channels of a configuration, each with a name of its own. */
export function createChannels(list: readonly ChannelOptions[], context: ChannelContext): Channel[] {
  const names = channelNames(list);
  return list.map((options, index) => createChannel(options.type, { ...options, name: names[index] }, context));
}

/** The given name, or the kind: `email`, and `email-2` where that is taken already. */
export function channelNames(list: readonly { type: string; name?: string | undefined }[]): string[] {
  const taken = new Set(list.flatMap(({ name }) => name ?? []));
  return list.map(({ type, name }) => {
    if (name !== undefined) return name;
    let number = 1;
    let free = type;
    while (taken.has(free)) free = `${type}-${(number += 1)}`;
    taken.add(free);
    return free;
  });
}
