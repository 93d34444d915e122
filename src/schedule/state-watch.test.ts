import { expect, test } from 'vitest';
import { HoldfastError } from '../base/errors.ts';
import { watchState } from './state-watch.ts';

const full = new HoldfastError('DISK_FULL', 'no space left for the catalog', { hint: 'Free some space.' });
const minute = 60_000;

function watch() {
  let now = 0;
  const told: string[] = [];
  const shout = async (kind: string, { code, message, hint }: { code: string; message: string; hint: string }) => {
    told.push(`${kind} ${code}: ${message}. ${hint}`);
  };
  const clock = { now: () => new Date(now), monotonic: () => now };
  const state = watchState({ alerts: { shout }, clock }, new AbortController().signal);
  return { state, told, pass: (ms: number) => (now += ms) };
}

const problem =
  'problem STATE_NOT_WRITABLE: the state of the daemon cannot be written: no space left for the catalog (DISK_FULL). Free some space.';

test('a state that cannot be written is told after a minute, once a day, and its end once', () => {
  const { state, told, pass } = watch();
  state.failed(full);
  pass(50_000);
  state.failed(full);
  expect(told).toEqual([]);
  pass(10_000);
  for (let beat = 0; beat < 100; beat += 1, pass(10_000)) state.failed(full);
  expect(told).toEqual([problem]);
  pass(24 * 60 * minute);
  state.failed(full);
  expect(told).toEqual([problem, problem]);
  state.worked();
  state.worked();
  expect(told.slice(2)).toEqual([expect.stringMatching(/^resolved STATE_NOT_WRITABLE/)]);
});

test('a short trouble is nobody’s business', () => {
  const { state, told, pass } = watch();
  for (let round = 0; round < 10; round += 1) {
    state.failed(full);
    pass(40_000);
    state.worked();
    pass(40_000);
  }
  expect(told).toEqual([]);
});
