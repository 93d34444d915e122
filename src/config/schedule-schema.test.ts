import { expect, test } from 'vitest';
import { scheduleSchema } from './schedule-schema.ts';

test('a schedule that is switched off starts nothing, and is still checked', () => {
  expect(scheduleSchema.parse({ cron: '15 4 * * *', enabled: false })).toBeNull();
  expect(scheduleSchema.parse({ cron: '15 4 * * *' })).toMatchObject({ plan: { cron: '15 4 * * *' } });
  expect(scheduleSchema.safeParse({ enabled: false }).success).toBe(false);
});
