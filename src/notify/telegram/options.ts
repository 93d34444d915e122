import { z } from 'zod';
import { address, commonOptions, wholeNumber } from '../fields.ts';

const chatAllowed = 'must be the number of a chat such as -1001234567890, or the @name of a channel';

export const telegramOptions = z.strictObject({
  type: z.literal('telegram'),
  ...commonOptions,
  token: z
    .string()
    .regex(/^\d+:[\w-]{10,}$/, { error: 'must be the token of a bot, as @BotFather gives it: 123456:ABC...' })
    .meta({ description: 'The token of the bot.' }),
  chat: z
    .union([z.int(), z.string().regex(/^(-?\d+|@\w+)$/, { error: chatAllowed })], { error: chatAllowed })
    .transform(String)
    .meta({ description: 'The number of the chat, or the @name of a channel.' }),
  thread: wholeNumber(1, 999_999_999).optional().meta({ description: 'The topic of a group that has topics.' }),
  server: address('https://api.telegram.org')
    .default('https://api.telegram.org')
    .transform((written) => written.replace(/\/+$/, ''))
    .meta({ description: 'For a Bot API server of your own.' }),
});

export type TelegramOptions = z.output<typeof telegramOptions>;
