import { z } from 'zod';
import { address, commonOptions } from '../fields.ts';

/** What we send ourselves, or what would change how the bytes travel. */
const ours =
  /^(host|connection|keep-alive|upgrade|te|trailer|transfer-encoding|content-.*|expect|x-signature-256|x-holdfast-.*)$/i;

const header = z
  .string()
  .regex(/^[!#$%&'*+\-.^_`|~\w]+$/, { error: 'must be the name of a header' })
  .refine((name) => !ours.test(name), { error: 'is set by Holdfast' });

export const webhookOptions = z.strictObject({
  type: z.literal('webhook'),
  ...commonOptions,
  url: address('https://example.com/hooks/backup').meta({ description: 'Where the JSON is posted to.' }),
  secret: z
    .string()
    .min(8, 'must have at least 8 characters')
    .optional()
    .meta({ description: 'Signs what is sent, so that the receiver knows who it is from.' }),
  headers: z
    .record(header, z.string().regex(/^[\t\x20-\x7e]*$/, 'must be one line of ASCII'))
    .default({})
    .meta({ description: 'Sent along, such as Authorization.' }),
});

export type WebhookOptions = z.output<typeof webhookOptions>;
