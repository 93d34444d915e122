import { z } from 'zod';
import { parseDuration, parseSize } from '../base/units.ts';
import { duration, wholeNumber } from './fields.ts';
import { refineTiming, timingShape, toTiming } from './schedule-schema.ts';

const span = 'a duration of at least 1m such as 24h or 14d';
const size = 'a size such as 500mb or 10gb';

/** The same for one source and for all: here without defaults, so that a source only says what differs. */
const limits = {
  minBackups: wholeNumber(1).meta({ description: 'Fewer good backups than this is a warning; default 1.' }),
  maxSize: setting(`off, or ${size}`, orOff(readSize)).meta({
    description: 'A bigger backup is a warning; default 10gb.',
  }),
  maxAge: setting(`auto, off, or ${span}`, orAuto(orOff(readSpan))).meta({
    description:
      'An older newest good backup is critical. auto: 48h for a source without a schedule, otherwise only what the schedule says.',
  }),
  overdue: setting(`auto, off, or ${span}`, orAuto(orOff(readSpan))).meta({
    description:
      'How late a scheduled backup may be before that is critical. auto: a tenth of the distance between two, from 15m to 6h, and longer where backups take long.',
  }),
  staleDrill: setting(`off, or ${span}`, orOff(readSpan)).meta({
    description: 'No drill that passed for so long is a warning; default 14d.',
  }),
  staleVerify: setting(`off, or ${span}`, orOff(readSpan)).meta({
    description: 'No verification that passed for so long is a warning; default 14d.',
  }),
  lateCopy: duration(60_000).meta({
    description: 'A copy that is owed is a warning, and critical after this; default 24h.',
  }),
  sizeDrop: setting('off, or a part from 1% to 99%', orOff(within(0.01, 0.99))).meta({
    description: 'A backup smaller than the median of those before it by this much is a warning; default 50%.',
  }),
  sizeJump: setting('off, or a part from 1% to 100000%', orOff(within(0.01, 1000))).meta({
    description: 'The same for a bigger one; default 200%.',
  }),
};

export const sourceMonitorSchema = z.strictObject(limits).partial();

export const monitorSchema = z
  .strictObject({
    minBackups: limits.minBackups.prefault(1),
    maxSize: limits.maxSize.prefault('10gb'),
    maxAge: limits.maxAge.prefault('auto'),
    overdue: limits.overdue.prefault('auto'),
    staleDrill: limits.staleDrill.prefault('14d'),
    staleVerify: limits.staleVerify.prefault('14d'),
    lateCopy: limits.lateCopy.prefault('24h'),
    sizeDrop: limits.sizeDrop.prefault('50%'),
    sizeJump: limits.sizeJump.prefault('200%'),
    minFree: setting('off, a part such as 10%, or a size such as 20gb', orOff(readFree))
      .prefault('10%')
      .meta({ description: 'Less free space in a storage is a warning: a part such as 10%, or a size such as 20gb.' }),
    timeout: duration(1000)
      .prefault('30s')
      .meta({ description: 'How long one storage or database may take to answer a check.' }),
    every: setting(`off, or ${span}`, orOff(readSpan)).prefault('15m').meta({ description: 'How often serve checks.' }),
    report: z
      .strictObject({ cron: timingShape.cron, every: timingShape.every, timezone: timingShape.timezone })
      .superRefine((timing, context) => refineTiming(timing, context))
      .transform((timing) => toTiming({ ...timing, ...once }))
      .nullable()
      .default(null)
      .meta({ description: 'When serve sends a report to the channels of the alerts; default: never.' }),
  })
  .transform(({ every, report, ...rules }) => ({
    ...rules,
    check: every === null ? null : toTiming({ every, ...once }),
    report,
  }));

/** A check or a report that failed has its next time; the last one missed says nothing any more. */
const once = {
  missed: 'run',
  retries: 0,
  retryDelay: 60_000,
  jitter: 0,
  runOnStart: false,
} as const;

type Read<Value> = (text: string) => Value | undefined;

/** A number counts as its text. Whatever cannot be read is told with all that is allowed. */
function setting<Value>(allowed: string, read: Read<Value>) {
  return z.union([z.string(), z.int()], { error: `must be ${allowed}` }).transform((given, context): Value => {
    const value = read(String(given).trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `must be ${allowed}` });
    return z.NEVER;
  });
}

function readSpan(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms === null || ms < 60_000 ? undefined : ms;
}

function readSize(text: string): number | undefined {
  return parseSize(text) || undefined;
}

/** `50%` is 0.5. */
function readPart(text: string): number | undefined {
  const match = /^(\d{1,6}(?:\.\d+)?)\s*%$/.exec(text);
  return match ? Number(match[1]) / 100 : undefined;
}

function readFree(text: string): { part: number } | { bytes: number } | undefined {
  const part = readPart(text);
  if (part !== undefined) return part > 0 && part < 1 ? { part } : undefined;
  const bytes = readSize(text);
  return bytes === undefined ? undefined : { bytes };
}

function within(smallest: number, biggest: number): Read<number> {
  return (text) => {
    const part = readPart(text);
    return part !== undefined && part >= smallest && part <= biggest ? part : undefined;
  };
}

function orOff<Value>(read: Read<Value>): Read<Value | null> {
  return (text) => (text === 'off' ? null : read(text));
}

function orAuto(read: Read<number | null>): Read<number | 'auto' | null> {
  return (text) => (text === 'auto' ? 'auto' : read(text));
}
