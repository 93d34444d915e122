import { expect, test } from 'vitest';
import type { Alerts } from '../care/alerts/alerts.ts';
import type { Source } from '../care/source.ts';
import { alertsJob, copiesJob, type JobParts } from './jobs.ts';

const signal = new AbortController().signal;

test('what could not be looked at for a moment stays news, and is looked at again soon', async () => {
  let ms = 1_000_000;
  const clock = { now: () => new Date(ms), monotonic: () => ms };
  const warnings: string[] = [];
  const logger = { log: (_level: string, message: string) => void warnings.push(message) };
  let looks = 0;
  let isBroken = true;
  const alerts = {
    lookAt: () => null,
    look: async () => {
      looks += 1;
      if (isBroken) throw new Error('the disk is full');
    },
  } as unknown as Alerts;
  const changed = new Date(ms);
  const job = alertsJob(alerts, () => changed, { clock, logger, queued: () => undefined });
  const next = () => job.next({ now: clock.now() } as never);
  const start = next();
  if (start === null) throw new Error('something has changed');
  await job.run(start, signal);
  expect(warnings).toEqual([expect.stringContaining('the disk is full')]);
  // Soon, but not at once: whatever is in the way has a moment to pass.
  const again = next();
  expect(again?.at.getTime()).toBe(ms + 30_000);
  ms += 30_000;
  isBroken = false;
  await job.run(again ?? start, signal);
  expect(looks).toBe(2);
  expect(next()).toBeNull();
});

test('owed copies wait no longer than they ever do, whatever the clock said when they were put off', () => {
  const now = new Date('2026-11-21T02:05:00Z');
  const clock = { now: () => now, monotonic: () => 0 };
  const dueOf = (owed: string) => {
    const queue = new Map([['shop', new Date(owed)]]);
    const job = copiesJob({ name: 'shop' } as Source, () => queue, { clock } as JobParts);
    return job.next({ now, since: now, awakeSince: now })?.at.toISOString();
  };
  expect(dueOf('2026-11-21T08:00:00Z')).toBe('2026-11-21T08:00:00.000Z');
  expect(dueOf('2027-11-21T02:00:00Z')).toBe(now.toISOString());
});
