import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mebibyte } from './options.ts';
import { nextPartSize, usualPart, type PartPlan } from './part-size.ts';

const tebibyte = 1024 ** 4;
const gibibyte = 1024 ** 3;
const most = 5 * tebibyte;

function partsFor(plan: PartPlan, bytes: number): { parts: number; biggest: number } {
  let sent = 0;
  let parts = 0;
  let biggest = 0;
  while (sent < bytes) {
    const size = nextPartSize(plan, sent);
    biggest = Math.max(biggest, size);
    sent += size;
    parts += 1;
  }
  return { parts, biggest };
}

const bytes = fc.oneof(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: gibibyte }));
const maxParts = fc.constantFrom(1000, 5000, 10_000);
/** A part has 5 GiB at most, so a thousand of them never hold 5 TiB. */
const mostIn = (parts: number) => (parts < 5000 ? tebibyte : most);

test('N-22 parts never run out, whatever was expected, up to 5 TiB', () => {
  fc.assert(
    fc.property(bytes, maxParts, fc.option(bytes, { nil: undefined }), (length, limit, expected) => {
      expect(partsFor({ maxParts: limit, expected }, Math.min(length, mostIn(limit))).parts).toBeLessThanOrEqual(limit);
    }),
    { numRuns: 300 },
  );
  expect(partsFor({ maxParts: 1000 }, tebibyte).parts).toBeLessThanOrEqual(1000);
  expect(partsFor({ maxParts: 10_000 }, most).parts).toBeLessThanOrEqual(10_000);
});

test('a size that is known makes parts of one size', () => {
  fc.assert(
    fc.property(bytes, maxParts, (length, limit) => {
      const size = Math.min(length, mostIn(limit));
      const { parts, biggest } = partsFor({ maxParts: limit, size }, size);
      expect(parts).toBeLessThanOrEqual(limit);
      expect(biggest).toBe(nextPartSize({ maxParts: limit, size }, 0));
    }),
  );
});

test('every part is within what services take', () => {
  fc.assert(
    fc.property(bytes, maxParts, fc.option(bytes, { nil: undefined }), (sent, limit, expected) => {
      const size = nextPartSize({ maxParts: limit, expected }, sent);
      expect(size % mebibyte).toBe(0);
      expect(size).toBeGreaterThanOrEqual(usualPart);
      expect(size).toBeLessThanOrEqual(5 * gibibyte);
    }),
  );
});

test('usual sizes need little memory', () => {
  expect(partsFor({ maxParts: 10_000 }, 8 * gibibyte).biggest).toBeLessThanOrEqual(9 * mebibyte);
  expect(partsFor({ maxParts: 10_000, expected: 80 * gibibyte }, 80 * gibibyte).biggest).toBeLessThan(20 * mebibyte);
  expect(partsFor({ maxParts: 10_000 }, 30 * gibibyte).biggest).toBeLessThan(40 * mebibyte);
  expect(nextPartSize({ maxParts: 10_000, partSize: 64 * mebibyte }, 0)).toBe(64 * mebibyte);
});
