import { z } from 'zod';
import { sourceNamePattern } from '../base/ids.ts';
import { parseDuration } from '../base/units.ts';

/** A plain, non-empty text of one line. */
export const line = z
  .string()
  .min(1, 'must not be empty')
  .regex(/^\P{Cc}*$/u, 'must be one line without control characters');

/** An address that is posted to. Credentials have places of their own. */
export function address(example: string) {
  return z
    .string()
    .refine((written) => /^https?:\/\/[^\s/?#@]+([/?][^\s#]*)?$/i.test(written) && URL.canParse(written), {
      error: `must be an address such as ${example}, without user and password`,
    });
}

const timeoutAllowed = 'must be a duration from 1s to 10m such as 30s';

const timeout = z.string({ error: timeoutAllowed }).transform((written, context) => {
  const ms = parseDuration(written);
  if (ms !== null && ms >= 1000 && ms <= 600_000) return ms;
  context.addIssue({ code: 'custom', message: timeoutAllowed });
  return z.NEVER;
});

/** What every kind of channel understands. */
export const commonOptions = {
  name: line.max(60).optional().meta({ description: 'In lists and errors; default: the kind, with a number.' }),
  level: z
    .enum(['errors', 'warnings', 'all'])
    .optional()
    .meta({ description: 'In place of the level for all channels.' }),
  sources: z
    .array(z.string().regex(sourceNamePattern, 'must be the name of a source'))
    .min(1, 'must name at least one source')
    .optional()
    .meta({ description: 'Only what is about these sources; default: everything.' }),
  timeout: timeout.prefault('30s').meta({ description: 'How long one delivery may take.' }),
};

export interface CommonOptions {
  name?: string | undefined;
  level?: 'errors' | 'warnings' | 'all' | undefined;
  sources?: string[] | undefined;
  /** Milliseconds. */
  timeout: number;
}

/** Also as a text of digits: what comes out of the environment is text. */
export function wholeNumber(smallest: number, biggest: number) {
  const allowed = `must be a whole number from ${smallest} to ${biggest}`;
  const inRange = z.int({ error: allowed }).min(smallest, { error: allowed }).max(biggest, { error: allowed });
  return z
    .union([inRange, z.string().regex(/^\d{1,9}$/, { error: allowed })], { error: allowed })
    .transform(Number)
    .pipe(inRange);
}
