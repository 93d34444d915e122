import { expect, test } from 'vitest';
import type { DaemonRecord } from './catalog.ts';
import { daemonState, tickIsYoung } from './daemon-state.ts';
import { ownProcess } from './process-identity.ts';

const now = new Date('2026-11-21T08:00:00.000Z');
const clock = { now: () => now, monotonic: () => 0 };
const own = ownProcess();
const elsewhere = { host: 'another', pid: 7, process: 'another-boot/1/2' };

function record(seconds: number, change: Partial<DaemonRecord>): DaemonRecord {
  const tickAt = new Date(now.getTime() - seconds * 1000).toISOString();
  return { id: 'd', ...own, version: '1', startedAt: tickAt, tickAt, stoppedAt: null, listen: null, ...change };
}

test.each<[string, string, number, Partial<DaemonRecord>]>([
  ['alive', 'its process runs and it ticked', 5, {}],
  ['alive', 'it cannot be seen, but ticks', 59, elsewhere],
  ['stuck', 'its process runs and it does not tick', 61, {}],
  ['silent', 'it cannot be seen and does not tick', 61, elsewhere],
  [
    'dead',
    'its process is gone, whatever it said a moment ago',
    1,
    { process: own.process?.replace(/\d+$/, '1') ?? null },
  ],
  ['stopped', 'it said so', 1, { stoppedAt: now.toISOString() }],
  ['stuck', 'its last tick lies far in the future', -61, {}],
])('N-d15: a daemon is %s: %s', (state, _why, seconds, change) => {
  expect(daemonState(record(seconds, change), clock)).toBe(state);
});

test('a tick is young for a minute, in both directions of the clock', () => {
  expect([-61, -60, 0, 60, 61].map((seconds) => tickIsYoung(record(seconds, {}), clock))).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
});
