import { describe, expect, test } from 'vitest';
import { monitorSchema, sourceMonitorSchema } from './monitor-schema.ts';

const hour = 3_600_000;
const day = 24 * hour;

test('J-12 what is looked for without a word about it', () => {
  expect(monitorSchema.parse({})).toMatchObject({
    minBackups: 1,
    maxSize: 10 * 1024 ** 3,
    maxAge: 'auto',
    overdue: 'auto',
    staleDrill: 14 * day,
    staleVerify: 14 * day,
    lateCopy: day,
    sizeDrop: 0.5,
    sizeJump: 2,
    minFree: { part: 0.1 },
    timeout: 30_000,
    check: { plan: { everyMs: 15 * 60_000 }, retries: 0 },
    report: null,
  });
});

test('a source says only what differs', () => {
  expect(sourceMonitorSchema.parse({})).toEqual({});
  expect(sourceMonitorSchema.parse({ maxAge: '3h', maxSize: 'off' })).toEqual({ maxAge: 3 * hour, maxSize: null });
});

test.each<[object, object]>([
  [{ maxSize: '500mb' }, { maxSize: 500 * 1024 ** 2 }],
  [{ maxSize: 1000 }, { maxSize: 1000 }],
  [{ maxSize: 'off' }, { maxSize: null }],
  [{ maxAge: '48h' }, { maxAge: 48 * hour }],
  [{ maxAge: 'off' }, { maxAge: null }],
  [{ overdue: '30m' }, { overdue: hour / 2 }],
  [{ minFree: '20gb' }, { minFree: { bytes: 20 * 1024 ** 3 } }],
  [{ minFree: '2.5 %' }, { minFree: { part: 0.025 } }],
  [{ minFree: 'off' }, { minFree: null }],
  [{ sizeDrop: '99%' }, { sizeDrop: 0.99 }],
  [{ sizeJump: '1000%' }, { sizeJump: 10 }],
  [{ every: 'off' }, { check: null }],
  [
    { report: { cron: '0 7 * * 1', timezone: 'Europe/Berlin' } },
    { report: { plan: { cron: '0 7 * * 1', timezone: 'Europe/Berlin' } } },
  ],
  [{ minBackups: '3' }, { minBackups: 3 }],
])('%j', (written, expected) => {
  expect(monitorSchema.parse(written)).toMatchObject(expected);
});

describe('says what is allowed', () => {
  test.each<[object, string]>([
    [{ minBackups: 0 }, 'must be a whole number from 1 to 1000000'],
    [{ maxSize: 'big' }, 'must be off, or a size such as 500mb or 10gb'],
    [{ maxSize: '0' }, 'must be off, or a size such as 500mb or 10gb'],
    [{ maxSize: true }, 'must be off, or a size such as 500mb or 10gb'],
    [{ maxAge: '5' }, 'must be auto, off, or a duration of at least 1m such as 24h or 14d'],
    [{ maxAge: '5s' }, 'must be auto, off, or a duration of at least 1m such as 24h or 14d'],
    [{ staleDrill: 'auto' }, 'must be off, or a duration of at least 1m such as 24h or 14d'],
    [{ sizeDrop: '100%' }, 'must be off, or a part from 1% to 99%'],
    [{ sizeDrop: '0.5' }, 'must be off, or a part from 1% to 99%'],
    [{ minFree: '100%' }, 'must be off, a part such as 10%, or a size such as 20gb'],
    [{ minFree: '0%' }, 'must be off, a part such as 10%, or a size such as 20gb'],
    [{ report: {} }, 'needs cron or every'],
    [{ report: { cron: '0 7 * * 1', every: '1d' } }, 'has both cron and every; only one is allowed'],
  ])('%j', (written, message) => {
    const { error } = monitorSchema.safeParse(written);
    expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});
