import { z } from 'zod';
import { address, commonOptions } from '../fields.ts';

export const slackOptions = z.strictObject({
  type: z.literal('slack'),
  ...commonOptions,
  url: address('https://hooks.slack.com/services/...').meta({ description: 'The address of an incoming webhook.' }),
});

export type SlackOptions = z.output<typeof slackOptions>;
