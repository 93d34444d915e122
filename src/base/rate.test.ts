import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { sharedRate, slowed } from './rate.ts';

/** A clock that is moved by those who wait. */
function slowMotion() {
  let now = 0;
  const passed: { at: number; bytes: number }[] = [];
  const rate = sharedRate(1_000_000, { monotonic: () => now }, async (ms) => {
    now = Math.max(now, now + ms);
  });
  return {
    passed,
    now: () => now,
    rest: (ms: number) => {
      now += ms;
    },
    rate: {
      ...rate,
      take: async (bytes: number, signal: AbortSignal) => {
        await rate.take(bytes, signal);
        passed.push({ at: now, bytes });
      },
    },
  };
}

const { signal } = new AbortController();

test('content passes unchanged, in its time, and never faster than twice the rate within a second', async () => {
  const motion = slowMotion();
  const content = Buffer.alloc(5_000_000, 'abcdefg');
  const read = await buffer(slowed(Readable.from([content], { objectMode: false }), motion.rate, signal));
  expect(read.equals(content)).toBe(true);
  expect(motion.now()).toBeGreaterThan(4900);
  expect(motion.now()).toBeLessThan(5100);
  for (let from = 0; from < 5000; from += 100) {
    const within = motion.passed.filter(({ at }) => at >= from && at < from + 1000);
    expect(within.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(2_000_000);
  }
});

test('what was not used while nothing flowed is not made up for', async () => {
  const motion = slowMotion();
  await motion.rate.take(1000, signal);
  motion.rest(60_000);
  const before = motion.now();
  await buffer(slowed(Readable.from([Buffer.alloc(1_000_000)], { objectMode: false }), motion.rate, signal));
  expect(motion.now() - before).toBeGreaterThan(900);
});

test('several streams share one rate', async () => {
  const motion = slowMotion();
  const two = [1, 2].map(() =>
    slowed(Readable.from([Buffer.alloc(1_000_000)], { objectMode: false }), motion.rate, signal),
  );
  await Promise.all(two.map((content) => buffer(content)));
  expect(motion.now()).toBeGreaterThan(1900);
});

test('whoever waits is told when the work is stopped, and the source is let go', async () => {
  const stop = new AbortController();
  const rate = sharedRate(1024);
  const source = Readable.from([Buffer.alloc(1024 * 1024)], { objectMode: false });
  const content = slowed(source, rate, stop.signal);
  content.once('data', () => stop.abort());
  await expect(buffer(content)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(source.destroyed).toBe(true);
});

test('an error of the source arrives', async () => {
  const source = new Readable({ read: () => undefined });
  const content = slowed(source, sharedRate(1024), signal);
  source.destroy(new Error('the tool died'));
  await expect(buffer(content)).rejects.toThrow('the tool died');
});

test('without a rate it is the stream itself', () => {
  const source = Readable.from([]);
  expect(slowed(source, null, signal)).toBe(source);
});
