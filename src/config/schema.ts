import { z } from 'zod';
import { dumpSchema } from '../engines/dump-options.ts';
import { viaSchema } from '../engines/via-options.ts';
import { filesSchema } from '../apps/files/options.ts';
import { appSchema as nocobase } from '../apps/nocobase/options.ts';
import { appSchema as nocodb } from '../apps/nocodb/options.ts';
import { storages } from '../storage/index.ts';
import { databaseSchema } from './database-schema.ts';
import { hooksSchema } from './hooks-schema.ts';
import { alertsSchema } from './alerts-schema.ts';
import { monitorSchema, sourceMonitorSchema } from './monitor-schema.ts';
import { retentionSchema } from './retention.ts';
import {
  refineTiming,
  schedulerSchema,
  scheduleSchema,
  timingShape,
  toTiming,
  verifySchema,
} from './schedule-schema.ts';
import { serverSchema } from './server-schema.ts';
import { withStorageOptions, type WithStorageOptions } from './storage-options.ts';
import { line, timezone, truth } from './fields.ts';

const drillTargets = 'must be same, temporary, or an address such as postgres://user@host/database';
const drillSchema = z
  .strictObject({
    ...timingShape,
    target: z
      .string({ error: drillTargets })
      .regex(/^(same|temporary|(postgres(ql)?|mysql|mariadb|sqlite):\/\/.+)$/, { error: drillTargets })
      .default('same')
      .transform((target): 'same' | 'temporary' | { address: string } =>
        target === 'same' || target === 'temporary' ? target : { address: target },
      )
      .meta({ description: 'Where to restore to: the same server, a throw-away server, or an address.' }),
    checks: z
      .array(line())
      .default([])
      .meta({ description: 'Select statements that must answer true on the restored database.' }),
  })
  .superRefine((timing, context) => refineTiming(timing, context, false))
  .transform(({ target, checks, ...timing }) => ({
    target,
    checks,
    schedule: timing.cron === undefined && timing.every === undefined ? null : toTiming(timing),
  }));

const encryptionSchema = z
  .strictObject({
    passphrase: z
      .string()
      .min(8, 'must have at least 8 characters')
      .optional()
      .meta({ description: 'Opens the keys; better a reference to a variable or a file.' }),
    recipients: z
      .array(
        z.string().regex(/^age1[02-9ac-hj-np-z]{58}$/, 'must be a recipient of age: age1 and 58 letters and digits'),
      )
      .default([])
      .meta({ description: 'Public keys (age1...) whose owners can read the backups.' }),
  })
  .refine(({ passphrase, recipients }) => passphrase !== undefined || recipients.length > 0, {
    error: 'needs a passphrase or recipients',
  });

const sourceSchema = z.strictObject({
  database: databaseSchema
    .optional()
    .meta({ description: 'PostgreSQL, MySQL, MariaDB or SQLite: an address, or its parts; SQLite: the path.' }),
  files: filesSchema.default([]).meta({ description: 'Folders that are saved, each as a tar.' }),
  app: z
    .discriminatedUnion('kind', [nocodb, nocobase])
    .optional()
    .meta({ description: 'An application: NocoDB through its API, or NocoBase with its folder.' }),
  via: viaSchema.nullable().default(null),
  dump: dumpSchema.prefault({}),
  schedule: scheduleSchema.nullable().default(null),
  retention: retentionSchema.prefault({}).meta({ description: 'Without any rule, everything is kept.' }),
  storages: z
    .array(z.string())
    .min(1, 'must name at least one storage')
    .meta({ description: 'Names of storages; the first is the primary.' }),
  deleteLocalAfterCopy: truth()
    .default(false)
    .meta({ description: 'Remove copies on this machine once every other storage of the source has a whole one.' }),
  share: truth().default(false).meta({
    description:
      'What did not change in large folders is stored once for all backups, where the storage makes it cheap.',
  }),
  encryption: z
    .union([z.literal(false), encryptionSchema], { error: 'must be false, or a map with passphrase or recipients' })
    .optional()
    .meta({ description: 'In place of the one for all; false: not encrypted.' }),
  drill: drillSchema.prefault({}).meta({ description: 'With cron or every: also rehearsed by itself.' }),
  verify: verifySchema
    .nullable()
    .default(null)
    .meta({ description: 'When stored backups are read again by themselves.' }),
  monitor: sourceMonitorSchema.prefault({}).meta({ description: 'What differs from the monitor of all sources.' }),
  hooks: hooksSchema.prefault({}).meta({ description: 'Commands before and after.' }),
});

type StorageSchema = WithStorageOptions<(typeof storages)[keyof typeof storages]['schema']>;
const storageSchema = z.discriminatedUnion(
  'type',
  Object.values(storages).map(({ schema }) => withStorageOptions(schema)) as [StorageSchema],
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
  encryption: encryptionSchema
    .nullable()
    .default(null)
    .meta({ description: 'For all sources that do not say otherwise.' }),
  sources: z.record(z.string(), sourceSchema).meta({
    description: 'What to protect, by name. Without any, what lies in the storages can be looked at and restored.',
  }),
  storages: z
    .record(z.string(), storageSchema)
    .meta({ description: 'Where backups are kept, by name; default: local in ./backups.' }),
  scheduler: schedulerSchema.prefault({}).meta({ description: 'How serve does what the schedules say.' }),
  monitor: monitorSchema.prefault({}).meta({ description: 'What `check` looks for, and how often `serve` does.' }),
  alerts: alertsSchema.meta({ description: 'Who is told of failures, and how.' }),
  server: serverSchema.prefault({}).meta({ description: 'The HTTP server of `serve`; false: none.' }),
});

export type Config = z.output<typeof configSchema>;
export type SourceConfig = Config['sources'][string];

/** What people may write: here, what `completeSettings` fills in is optional. */
export function configJsonSchema(): Record<string, unknown> {
  const optional = { instance: true, timezone: true, state: true, storages: true } as const;
  const written = configSchema.partial(optional).extend({
    sources: z
      .record(z.string(), sourceSchema.partial({ storages: true }))
      .optional()
      .meta({ description: configSchema.shape.sources.meta()?.description }),
  });
  const { $schema, ...schema } = z.toJSONSchema(written, { io: 'input', unrepresentable: 'any' });
  return { $schema, title: 'holdfast.yaml', ...schema };
}
