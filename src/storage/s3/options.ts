import { z } from 'zod';
import { parseDuration, parseSize } from '../../base/units.ts';

export const mebibyte = 1024 * 1024;
const smallestPart = 5 * mebibyte;
const biggestPart = 5 * 1024 * mebibyte;

const text = z.string().min(1, { error: 'must not be empty' });

const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], { error: 'must be true or false' })
  .transform((value) => String(value) === 'true');

function wholeNumber(smallest: number, biggest: number) {
  const allowed = `must be a whole number from ${smallest} to ${biggest}`;
  const inRange = z.int({ error: allowed }).min(smallest, { error: allowed }).max(biggest, { error: allowed });
  return z
    .union([inRange, z.string().regex(/^\d{1,9}$/, { error: allowed })], { error: allowed })
    .transform(Number)
    .pipe(inRange);
}

const partSize = z
  .union([z.string(), z.number()], { error: 'must be a size such as 16mb' })
  .transform((written, context) => {
    const bytes = parseSize(String(written));
    if (bytes !== null && bytes >= smallestPart && bytes <= biggestPart) return bytes;
    context.addIssue({ code: 'custom', message: 'must be a size from 5mb to 5gb, such as 16mb' });
    return z.NEVER;
  });

const idleTimeout = z.string({ error: 'must be a duration such as 30s' }).transform((written, context) => {
  const ms = parseDuration(written);
  if (ms !== null && ms > 0) return ms;
  context.addIssue({ code: 'custom', message: 'must be a duration such as 30s' });
  return z.NEVER;
});

const prefix = z
  .string()
  .transform((written) => written.replaceAll(/^\/+|\/+$/g, ''))
  .refine((written) => written.split('/').every((segment) => segment !== '..' && segment !== '.'), {
    error: 'must not contain . or .. as a segment',
  });

const endpoint = z
  .string()
  .refine((written) => /^https?:\/\/[^/?#@]+\/?$/.test(written) && URL.canParse(written), {
    error: 'must be an address such as https://s3.example.com, without user, path or bucket',
  })
  .transform((written) => written.replace(/\/$/, ''));

export const s3Options = z.strictObject({
  type: z.literal('s3'),
  bucket: text.meta({ description: 'The bucket; see createBucket.' }),
  prefix: prefix.default('').meta({ description: 'Where in the bucket everything lies, such as backups/shop.' }),
  endpoint: endpoint.optional().meta({ description: 'The address of the service; default: Amazon in the region.' }),
  region: text.optional().meta({ description: 'The region; default: AWS_REGION, the profile, us-east-1.' }),
  accessKey: text.optional().meta({ description: 'The access key id; default: what the environment offers.' }),
  secretKey: text.optional(),
  sessionToken: text.optional(),
  profile: text.optional().meta({ description: 'The profile of the shared credentials file.' }),
  credentialsFile: text.optional().meta({ description: 'A credentials file (INI) of its own.' }),
  pathStyle: z
    .union([z.literal('auto'), flag])
    .default('auto')
    .meta({ description: 'The bucket in the path (true) or in the host name (false); auto: false at Amazon only.' }),
  storageClass: text.optional().meta({ description: 'Such as STANDARD_IA.' }),
  serverSideEncryption: z
    .strictObject({ mode: z.enum(['AES256', 'aws:kms']), kmsKey: text.optional() })
    .optional()
    .meta({ description: 'Asked for with every object.' }),
  objectLock: z
    .strictObject({ mode: z.enum(['governance', 'compliance']), days: wholeNumber(1, 36_500) })
    .optional()
    .meta({ description: 'Each backup cannot be removed for so many days; the bucket must have object lock.' }),
  partSize: partSize.optional().meta({ description: 'Of multipart uploads; default 8mb, more for large backups.' }),
  maxParts: wholeNumber(2, 10_000).prefault(10_000).meta({ description: 'How many parts the service takes.' }),
  concurrency: wholeNumber(1, 64).prefault(4).meta({ description: 'Parts in flight at once.' }),
  createBucket: flag.prefault(false).meta({ description: 'Create the bucket when it does not exist.' }),
  idleTimeout: idleTimeout.prefault('60s').meta({
    description:
      'A connection that is silent for so long is given up; an upload waits so long for a service that is away.',
  }),
});

export type S3Options = z.output<typeof s3Options>;

/** What is asked for with every object that is stored. */
export function headersOf({ storageClass, serverSideEncryption }: S3Options) {
  return {
    ...(storageClass === undefined ? {} : { StorageClass: storageClass as 'STANDARD' }),
    ...(serverSideEncryption === undefined ? {} : { ServerSideEncryption: serverSideEncryption.mode }),
    ...(serverSideEncryption?.kmsKey === undefined ? {} : { SSEKMSKeyId: serverSideEncryption.kmsKey }),
  };
}
