import { z } from 'zod';
import { databaseSchema, dumpSchema, viaSchema } from '../engines/postgres/options.ts';
import { storages } from '../storage/index.ts';
import { cronPattern, duration, line, timezone, wholeNumber } from './fields.ts';

const scheduleSchema = z
  .strictObject({
    cron: cronPattern.optional().meta({ description: 'Five fields: minute, hour, day of month, month, weekday.' }),
    every: duration(60_000)
      .optional()
      .meta({ description: 'A duration such as 24h, counted from the last good backup.' }),
    timezone: timezone.optional().meta({ description: 'For cron; default: the time zone of the configuration.' }),
    missed: z
      .enum(['run', 'skip'])
      .default('run')
      .meta({ description: 'What to do about times that passed while nothing ran.' }),
    retries: wholeNumber(0, 100).prefault(3),
  })
  .superRefine(({ cron, every, timezone: zone }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message });
    if (cron === undefined && every === undefined) problem('needs cron or every');
    if (cron !== undefined && every !== undefined) problem('has both cron and every; only one is allowed');
    if (cron === undefined && every !== undefined && zone !== undefined)
      problem('has a timezone, which has no meaning for every');
  })
  .transform(({ cron, every, timezone: zone = 'UTC', missed, retries }) => {
    const plan = cron === undefined ? { everyMs: every ?? 0 } : { cron, timezone: zone };
    return { plan, missed, retries };
  });

const retentionSchema = z
  .strictObject({
    last: wholeNumber(1).optional().meta({ description: 'Keep the newest so many.' }),
    maxAge: duration().optional().meta({ description: 'Keep everything younger than this, such as 30d.' }),
    daily: wholeNumber(1)
      .optional()
      .meta({ description: 'Keep the newest of each of the last so many days with a backup.' }),
    weekly: wholeNumber(1).optional(),
    monthly: wholeNumber(1).optional(),
    yearly: wholeNumber(1).optional(),
    minimum: wholeNumber(1).prefault(1).meta({ description: 'So many good backups always stay.' }),
  })
  .transform(({ maxAge, ...rules }) => ({ ...rules, maxAgeMs: maxAge }));

const drillTargets = 'must be same, temporary, or an address such as postgres://user@host/database';
const drillSchema = z.strictObject({
  target: z
    .string({ error: drillTargets })
    .regex(/^(same|temporary|postgres(ql)?:\/\/.+)$/, { error: drillTargets })
    .default('same')
    .transform((target): 'same' | 'temporary' | { address: string } =>
      target === 'same' || target === 'temporary' ? target : { address: target },
    )
    .meta({ description: 'Where to restore to: the same server, a throw-away server, or an address.' }),
  checks: z
    .array(line())
    .default([])
    .meta({ description: 'Select statements that must answer true on the restored database.' }),
});

const sourceSchema = z.strictObject({
  database: databaseSchema,
  via: viaSchema.nullable().default(null),
  dump: dumpSchema.prefault({}),
  schedule: scheduleSchema.nullable().default(null),
  retention: retentionSchema.prefault({}).meta({ description: 'Without any rule, everything is kept.' }),
  storages: z
    .array(z.string())
    .min(1, 'must name at least one storage')
    .meta({ description: 'Names of storages; the first is the primary.' }),
  drill: drillSchema.prefault({}),
});

type StorageSchema = (typeof storages)[keyof typeof storages]['schema'];
const storageSchema = z.discriminatedUnion(
  'type',
  Object.values(storages).map(({ schema }) => schema) as [StorageSchema],
);

/** `holdfast.yaml`, after `completeSettings` has filled in what depends on the place and on other settings. */
export const configSchema = z.strictObject({
  instance: line()
    .max(200)
    .meta({ description: 'The name of this installation in manifests; default: the host name.' }),
  timezone: timezone.meta({ description: 'For display and for cron; default UTC.' }),
  state: line()
    .refine((path) => !path.includes('://'), 'must be a folder')
    .meta({ description: 'The folder for runs, locks and history; default ./state.' }),
  sources: z.record(z.string(), sourceSchema).meta({ description: 'What to protect, by name.' }),
  storages: z
    .record(z.string(), storageSchema)
    .meta({ description: 'Where backups are kept, by name; default: local in ./backups.' }),
});

export type Config = z.output<typeof configSchema>;
export type SourceConfig = Config['sources'][string];

/** What people may write: here, what `completeSettings` fills in is optional. */
export function configJsonSchema(): Record<string, unknown> {
  const optional = { instance: true, timezone: true, state: true, storages: true } as const;
  const written = configSchema.partial(optional).extend({
    sources: z
      .record(z.string(), sourceSchema.partial({ storages: true }))
      .meta({ description: 'What to protect, by name.' }),
  });
  const { $schema, ...schema } = z.toJSONSchema(written, { io: 'input', unrepresentable: 'any' });
  return { $schema, title: 'holdfast.yaml', ...schema };
}
