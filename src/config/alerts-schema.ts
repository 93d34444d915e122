import { z } from 'zod';
import { channels } from '../notify/index.ts';
import { duration } from './fields.ts';

const channelSchema = z.discriminatedUnion(
  'type',
  Object.values(channels).map(({ schema }) => schema) as [(typeof channels)[keyof typeof channels]['schema']],
);

/** Who is told of what. The options of each kind of channel are its own. */
export const alertsSchema = z
  .strictObject({
    level: z
      .enum(['errors', 'warnings', 'all'])
      .default('warnings')
      .meta({ description: 'errors: what is critical; warnings: and warnings; all: and every success.' }),
    remindAfter: z
      .union([z.literal('never').transform(() => null), duration(60_000)], {
        error: 'must be never, or a duration of at least 1m such as 24h',
      })
      .prefault('24h')
      .meta({
        description:
          'When to say again what is still the matter: after this, then after 2, 4 and at most 7 times as long.',
      }),
    channels: z.array(channelSchema).default([]),
  })
  .prefault({});
