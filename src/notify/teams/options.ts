import { z } from 'zod';
import { address, commonOptions } from '../fields.ts';

export const teamsOptions = z.strictObject({
  type: z.literal('teams'),
  ...commonOptions,
  url: address('https://prod-00.westeurope.logic.azure.com/workflows/...').meta({
    description: 'The address of the workflow that posts to a chat or channel when a webhook request is received.',
  }),
});

export type TeamsOptions = z.output<typeof teamsOptions>;
