import { z } from 'zod';
import { duration, speed, wholeNumber } from './fields.ts';
import { retentionSchema } from './retention.ts';

const storageOptions = {
  limit: z
    .strictObject({
      upload: speed().optional().meta({ description: 'Bytes per second at most, such as 10mb.' }),
      download: speed().optional().meta({ description: 'Bytes per second at most, such as 10mb.' }),
    })
    .optional()
    .meta({ description: 'How fast all transfers of this storage together may be; default: as fast as it goes.' }),
  timeout: z
    .union([z.literal('none').transform(() => null), duration(1000)], {
      error: 'must be none, or a duration of at least 1s such as 60s',
    })
    .optional()
    .meta({ description: 'How long the storage may be silent; default 60s, and none for a local folder.' }),
  retries: wholeNumber(0, 100)
    .optional()
    .meta({ description: 'How often what failed for a passing reason is tried again; default 4.' }),
  retention: retentionSchema
    .optional()
    .meta({ description: 'Rules for everything in this storage, instead of those of the sources.' }),
};

/** What every kind of storage understands beside its own options. Their own rules between options stay in force. */
export function withStorageOptions<S extends z.ZodObject>(schema: S): WithStorageOptions<S>;
export function withStorageOptions(schema: z.ZodObject): z.ZodObject {
  return schema.safeExtend(storageOptions);
}

export type WithStorageOptions<S> =
  S extends z.ZodObject<infer Shape, infer Mode> ? z.ZodObject<Shape & typeof storageOptions, Mode> : never;
