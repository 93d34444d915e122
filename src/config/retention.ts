import { z } from 'zod';
import { duration, wholeNumber } from './fields.ts';

export const retentionSchema = z
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
