import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seenKeys } from './seen.ts';
import type { RecordKey } from './tree-format.ts';

const key = fc.oneof(
  fc.nat(200_000),
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(2 ** 53, 2 ** 40, 1.5),
  fc.string(),
  fc.array(fc.oneof(fc.nat(9), fc.string()), { minLength: 2, maxLength: 2 }),
);

test('keys of every kind are told apart, and each is new once', () => {
  fc.assert(
    fc.property(fc.array(key), (keys) => {
      const seen = seenKeys();
      const known = new Set<string>();
      for (const each of keys as RecordKey[]) {
        const text = JSON.stringify(each);
        expect(seen.has(each)).toBe(known.has(text));
        expect(seen.add(each)).toBe(!known.has(text));
        known.add(text);
        expect(seen.size).toBe(known.size);
      }
    }),
  );
});

test('ids that lie far apart are kept one by one', () => {
  const seen = seenKeys();
  for (let at = 0; at < 6000; at += 1) expect(seen.add(at * 1_000_000)).toBe(true);
  expect(seen.add(5_999_000_000)).toBe(false);
  expect(seen.size).toBe(6000);
});
