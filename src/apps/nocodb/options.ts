import { z } from 'zod';
import { Secret } from '../../base/secret.ts';
import { parseDuration } from '../../base/units.ts';

const text = z
  .string()
  .min(1, { error: 'must not be empty' })
  .refine((value) => !value.includes('\0'), { error: 'must not contain a NUL character' });

const url = z
  .string()
  .refine((written) => /^https?:\/\/[^/?#@]+(\/[^?#]*)?$/.test(written) && URL.canParse(written), {
    error: 'must be an address such as http://nocodb:8080, without user and password',
  })
  .transform((written) => written.replace(/\/+$/, ''));

// Values that come from the environment are texts: `"4"` and `"true"` mean the number and the truth.
function wholeNumber(minimum: number, maximum: number) {
  const allowed = `must be a whole number from ${minimum} to ${maximum}`;
  return z
    .union([z.number(), z.string().regex(/^\d{1,9}$/, { error: allowed })], { error: allowed })
    .transform(Number)
    .pipe(
      z
        .number({ error: allowed })
        .int({ error: allowed })
        .min(minimum, { error: allowed })
        .max(maximum, { error: allowed }),
    );
}

const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], { error: 'must be true or false' })
  .transform((value) => String(value) === 'true');

const duration = z.string({ error: 'must be a duration such as 15s or 2m' }).transform((written, context) => {
  const ms = parseDuration(written);
  if (ms !== null && ms > 0) return ms;
  context.issues.push({ code: 'custom', input: written, message: 'must be a duration such as 15s or 2m' });
  return z.NEVER;
});

export const appSchema = z
  .strictObject({
    kind: z.literal('nocodb'),
    url: url.meta({ description: 'The address of NocoDB, as this machine reaches it: http://nocodb:8080.' }),
    token: text.meta({
      description: 'An API token of a user who sees all bases; to restore, one who may create them.',
    }),
    dataPath: text.optional().meta({ description: 'The data folder of NocoDB, saved as a tar: uploads, thumbnails.' }),
    records: flag.prefault(true).meta({ description: 'Save the records through the API.' }),
    attachments: flag.prefault(true).meta({ description: 'Save the files of attachment fields through the API.' }),
    bases: z.array(text).default([]).meta({ description: 'Titles or ids of bases to save; empty: all.' }),
    concurrency: wholeNumber(1, 32).prefault(4).meta({ description: 'How many requests NocoDB gets at once.' }),
    pageSize: wholeNumber(10, 1000).prefault(1000).meta({ description: 'Records asked for at once.' }),
    optional: flag.prefault(true).meta({ description: 'A failure leaves the backup partial; false: it fails.' }),
    timeout: duration
      .prefault('2m')
      .meta({ description: 'How long NocoDB may be silent before a request is given up.' }),
  })
  .transform(({ token, dataPath, timeout, ...rest }): NocodbSettings => {
    return { ...rest, token: new Secret(token), dataPath: dataPath ?? null, timeoutMs: timeout };
  });

export interface NocodbSettings {
  kind: 'nocodb';
  /** Without a slash at its end. */
  url: string;
  token: Secret;
  dataPath: string | null;
  records: boolean;
  attachments: boolean;
  optional: boolean;
  /** Titles or ids; empty: all. */
  bases: string[];
  concurrency: number;
  pageSize: number;
  timeoutMs: number;
}
