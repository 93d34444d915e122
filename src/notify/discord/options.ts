import { z } from 'zod';
import { address, commonOptions } from '../fields.ts';

export const discordOptions = z.strictObject({
  type: z.literal('discord'),
  ...commonOptions,
  url: address('https://discord.com/api/webhooks/...').meta({ description: 'The address of a webhook of a channel.' }),
});

export type DiscordOptions = z.output<typeof discordOptions>;
