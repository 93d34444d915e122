import { Cron } from 'croner';
import { z } from 'zod';
import { parseDuration, parseSize } from '../base/units.ts';
import { nearest } from './nearest.ts';

/** `30m`, `7d`; milliseconds. */
export function duration(atLeastMs = 1) {
  const allowed = 'must be a duration such as 30m, 24h or 7d';
  return z.string({ error: allowed }).transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null && ms >= atLeastMs) return ms;
    context.addIssue({ code: 'custom', message: ms === null ? allowed : `must be at least ${atLeastMs / 1000}s` });
    return z.NEVER;
  });
}

/** Also as a text of digits: what comes out of the environment is text. */
export function wholeNumber(smallest: number, biggest = 1_000_000) {
  const allowed = `must be a whole number from ${smallest} to ${biggest}`;
  const inRange = z.int({ error: allowed }).min(smallest, { error: allowed }).max(biggest, { error: allowed });
  return z
    .union([inRange, z.string().regex(/^\d{1,9}$/, { error: allowed })], { error: allowed })
    .transform(Number)
    .pipe(inRange);
}

/** `500mb`; bytes. */
export function size() {
  const allowed = 'must be a size such as 500mb or 10gb';
  return z.union([z.string(), z.int()], { error: allowed }).transform((text, context) => {
    const bytes = parseSize(String(text));
    if (bytes !== null && bytes >= 1024) return bytes;
    context.addIssue({ code: 'custom', message: bytes === null ? allowed : 'must be at least 1kb' });
    return z.NEVER;
  });
}

/** `10mb`, also `10mb/s`; bytes per second. */
export function speed() {
  const allowed = 'must be a size per second such as 500kb or 10mb';
  return z.union([z.string(), z.int()], { error: allowed }).transform((text, context) => {
    const bytes = parseSize(String(text).replace(/\/s$/i, ''));
    // Less is nearly always a slip: a number without its unit.
    if (bytes !== null && bytes >= 1024) return bytes;
    context.addIssue({ code: 'custom', message: bytes === null ? allowed : 'must be at least 1kb a second' });
    return z.NEVER;
  });
}

/** Also as text, which is what the environment gives. */
export function truth() {
  return z
    .union([z.boolean(), z.enum(['true', 'false'])], { error: 'must be true or false' })
    .transform((value) => String(value) === 'true');
}

/** A plain, non-empty text of one line. */
export function line() {
  return z
    .string()
    .min(1, 'must not be empty')
    .regex(/^\P{Cc}*$/u, 'must be one line without control characters');
}

/** A time zone of the IANA database, as `Europe/Berlin`. */
export const timezone = z.string().superRefine((name, context) => {
  if (isTimezone(name)) return;
  const close = nearest(name, Intl.supportedValuesOf('timeZone'));
  context.addIssue({
    code: 'custom',
    message: `must be a time zone such as Europe/Berlin or UTC${close ? `; did you mean ${close}?` : ''}`,
  });
});

/** Five fields: minute, hour, day of month, month, day of week. */
export const cronPattern = z.string().superRefine((pattern, context) => {
  const wrong = problemWithCron(pattern);
  if (wrong) {
    const shape = 'must be a cron pattern of five fields (minute hour day month weekday) such as "15 5 * * *"';
    context.addIssue({ code: 'custom', message: `${shape}: ${wrong}` });
  }
});

function isTimezone(name: string): boolean {
  // The usual one; loading all the others would take a tenth of the program's start.
  if (name === 'UTC') return true;
  // Offsets such as +02:00 are accepted by the platform, but know no daylight saving.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

/** What is wrong with a cron pattern, or null. */
export function problemWithCron(pattern: string): string | null {
  // `?` would stand for the moment the pattern is read.
  if (pattern.includes('?')) return '"?" is not supported';
  const fields = pattern.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== 5 && !pattern.trim().startsWith('@'))
    return `it has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'} instead of 5`;
  try {
    const cron = new Cron(pattern, { timezone: 'UTC', mode: '5-part', paused: true });
    // Only a day that is not in the named month never comes. Asking for the next time loads what Node knows of time zones, which
    // takes a tenth of the time of a short command.
    const [, , , month = '*'] = fields;
    return month !== '*' && cron.nextRun(new Date(0)) === null ? 'this date never happens' : null;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^CronPattern: |\.$/g, '') : String(error);
  }
}
