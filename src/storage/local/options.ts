import { z } from 'zod';

export const localOptions = z.strictObject({
  type: z.literal('local'),
  /** The folder that holds the backups; created when it does not exist. */
  path: z.string().min(1),
});

export type LocalOptions = z.infer<typeof localOptions>;
