import { z } from 'zod';
import { parseDuration, parseSize } from '../base/units.ts';

// Values that come from the environment are texts: `"5432"` and `"true"` mean the number and the truth.

export function wholeNumber(minimum: number, maximum: number) {
  const allowed = `must be a whole number from ${minimum} to ${maximum}`;
  const inRange = z
    .number({ error: allowed })
    .int({ error: allowed })
    .min(minimum, { error: allowed })
    .max(maximum, { error: allowed });
  return z
    .union([z.number(), z.string().regex(/^\d{1,9}$/, { error: allowed })], { error: allowed })
    .transform(Number)
    .pipe(inRange);
}

export const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], { error: 'must be true or false' })
  .transform((value) => String(value) === 'true');

export const duration = z.string({ error: 'must be a duration such as 15s, 30m or 24h' }).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  context.issues.push({ code: 'custom', input: text, message: 'must be a duration such as 15s, 30m or 24h' });
  return z.NEVER;
});

/** Bytes per second. */
export const speed = z
  .union([z.string(), z.number()], { error: 'must be a size per second such as 500kb or 20mb' })
  .transform((input, context) => {
    const bytes = parseSize(String(input).replace(/\/s$/i, ''));
    if (bytes !== null && bytes >= 1024) return bytes;
    const message =
      bytes === null ? 'must be a size per second such as 500kb or 20mb' : 'must be at least 1kb a second';
    context.issues.push({ code: 'custom', input, message });
    return z.NEVER;
  });

/** A name on the server or a path: not empty, and without the one character neither can hold. */
export const text = z
  .string()
  .min(1, { error: 'must not be empty' })
  .refine((value) => !value.includes('\0'), { error: 'must not contain a NUL character' });
