import { z } from 'zod';
import { address, commonOptions, wholeNumber } from '../fields.ts';

export const ntfyOptions = z
  .strictObject({
    type: z.literal('ntfy'),
    ...commonOptions,
    server: address('https://ntfy.example.com')
      .default('https://ntfy.sh')
      .transform((written) => written.replace(/\/+$/, ''))
      .meta({ description: 'The address of the server.' }),
    topic: z
      .string()
      .regex(/^[-\w]{1,64}$/, {
        error: 'must be the name of a topic: letters, digits, dash and underscore, at most 64',
      })
      .meta({ description: 'The topic; on a public server, whoever knows it can read it.' }),
    token: z.string().min(1, 'must not be empty').optional().meta({ description: 'An access token.' }),
    user: z.string().min(1, 'must not be empty').optional(),
    password: z.string().min(1, 'must not be empty').optional(),
    priority: z
      .strictObject({
        critical: wholeNumber(1, 5).prefault(4),
        warning: wholeNumber(1, 5).prefault(3),
        info: wholeNumber(1, 5).prefault(2),
      })
      .prefault({})
      .meta({ description: 'How loud it is, from 1 to 5 (5 breaks through "do not disturb").' }),
    tags: z
      .array(z.string().regex(/^[^\s,]+$/, 'must be a word'))
      .default([])
      .meta({ description: 'Beside our own.' }),
  })
  .superRefine(({ user, password, token }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message });
    if ((user === undefined) !== (password === undefined)) problem('needs both user and password, or neither');
    if (user !== undefined && token !== undefined) problem('has both a user and a token; only one is allowed');
  });

export type NtfyOptions = z.output<typeof ntfyOptions>;
