import { z } from 'zod';
import { cronPattern, duration, timezone, truth, wholeNumber } from './fields.ts';

/** When something is done again and again, and what becomes of times that were missed or failed. */
export const timingShape = {
  cron: cronPattern.optional().meta({ description: 'Five fields: minute, hour, day of month, month, weekday.' }),
  every: duration(60_000).optional().meta({ description: 'A duration such as 24h, counted from the last good run.' }),
  timezone: timezone.optional().meta({ description: 'For cron; default: the time zone of the configuration.' }),
  missed: z.enum(['run', 'skip']).default('run').meta({
    description: 'What to do about times that passed while nothing ran: once, at the next start, or nothing.',
  }),
  retries: wholeNumber(0, 100)
    .prefault(3)
    .meta({ description: 'How often a failed run is repeated before the next time.' }),
  retryDelay: duration(1000)
    .prefault('1m')
    .meta({ description: 'Before the first repetition; doubled with each further one.' }),
  jitter: duration(0)
    .prefault('0s')
    .meta({ description: 'Put each time off by a part of this, so that many machines do not begin at once.' }),
  runOnStart: truth().default(false).meta({ description: 'Also once at every start of serve.' }),
};

type Timing = z.output<z.ZodObject<typeof timingShape>>;

/** The parts of a timing contradict each other. For `superRefine`. */
export function refineTiming(
  { cron, every, timezone: zone }: Pick<Timing, 'cron' | 'every' | 'timezone'>,
  context: z.RefinementCtx,
  needed = true,
): void {
  const problem = (message: string) => context.addIssue({ code: 'custom', message });
  if (needed && cron === undefined && every === undefined) problem('needs cron or every');
  if (cron !== undefined && every !== undefined) problem('has both cron and every; only one is allowed');
  if (cron === undefined && every !== undefined && zone !== undefined)
    problem('has a timezone, which has no meaning for every');
}

/** As the scheduler takes it. */
export function toTiming({ cron, every, timezone: zone = 'UTC', ...rest }: Timing) {
  const plan = cron === undefined ? { everyMs: every ?? 0 } : { cron, timezone: zone };
  const { missed, retries, retryDelay: retryDelayMs, jitter: jitterMs, runOnStart } = rest;
  return { plan, missed, retries, retryDelayMs, jitterMs, runOnStart };
}

export const scheduleSchema = z
  .strictObject({
    ...timingShape,
    enabled: truth()
      .default(true)
      .meta({ description: 'false: nothing is started by it; all that stands here is kept.' }),
  })
  .superRefine((timing, context) => refineTiming(timing, context))
  .transform(({ enabled, ...timing }) => (enabled ? toTiming(timing) : null));

export const verifySchema = z
  .strictObject({
    ...timingShape,
    depth: z
      .enum(['checksum', 'structure'])
      .default('checksum')
      .meta({ description: 'The stored bytes, or also the dump to its end.' }),
    backups: z
      .enum(['newest', 'all'])
      .default('newest')
      .meta({ description: 'Which backups are read, in every storage that has them.' }),
  })
  .superRefine((timing, context) => refineTiming(timing, context))
  .transform(({ depth, backups, ...timing }) => ({ ...toTiming(timing), depth, backups }));

export const schedulerSchema = z.strictObject({
  enabled: truth().default(true).meta({ description: 'false: serve starts nothing by the clock.' }),
  concurrency: wholeNumber(1, 1000).prefault(2).meta({ description: 'How many runs may go on at once.' }),
  stopWithin: duration(0)
    .prefault('5s')
    .meta({ description: 'How long running work may go on when serve is told to stop, before it is cancelled.' }),
  keepRuns: wholeNumber(100, 1_000_000).prefault(10_000).meta({ description: 'So many runs are remembered at most.' }),
  keepRunsFor: duration(86_400_000).prefault('365d').meta({ description: 'Older runs are forgotten.' }),
});
