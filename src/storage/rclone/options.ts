import { z } from 'zod';

const text = z
  .string()
  .min(1, 'must not be empty')
  .regex(/^\P{Cc}*$/u, 'must be one line without control characters');

export const rcloneOptions = z.strictObject({
  type: z.literal('rclone'),
  remote: text
    .regex(/^[^\]]*:[^\]]*$/, 'must be a remote as rclone knows it, such as b2:bucket/path, without ]')
    .refine((written) => !written.startsWith('-'), 'must not begin with a dash')
    .transform((written) => written.replace(/(?<=[^:/])\/+$/, ''))
    .meta({ description: 'A remote of rclone and a path in it: b2:bucket/path.' }),
  config: text.optional().meta({ description: "The path of rclone.conf; default: rclone's own." }),
  program: text.default('rclone').meta({ description: 'The program; default: rclone, from the search path.' }),
  env: z
    .record(z.string().regex(/^RCLONE_[A-Z0-9_]+$/, 'must be a variable such as RCLONE_CONFIG_B2_KEY'), z.string())
    .default({})
    .meta({
      description: 'Variables for rclone, such as RCLONE_CONFIG_B2_KEY; secrets belong here or into rclone.conf.',
    }),
});

export type RcloneOptions = z.output<typeof rcloneOptions>;
