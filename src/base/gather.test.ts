import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gather } from './gather.ts';

function pass(chunks: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = [];
  const gathered = gather((piece) => pieces.push(piece));
  for (const chunk of chunks) gathered.add(chunk);
  gathered.end();
  return pieces;
}

test('every byte comes out once, in order, whatever the sizes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 30 }), (sizes) => {
      const chunks = sizes.map((size, index) => Buffer.alloc(size, index + 1));
      const pieces = pass(chunks);
      expect(Buffer.concat(pieces).equals(Buffer.concat(chunks))).toBe(true);
      expect(pieces.every((piece) => piece.length > 0)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('many small writes become few pieces', () => {
  expect(pass(Array.from({ length: 1000 }, () => Buffer.alloc(8192)))).toHaveLength(32);
});
