import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gather } from './gather.ts';
import { giveBack } from './reuse.ts';

/** Writes each chunk as a pipe would be read: into the room there is, as often as it takes. Copies each piece the moment it comes. */
function pass(chunks: readonly Buffer[], consumed: (piece: Buffer) => void = () => undefined): Buffer[] {
  const pieces: Buffer[] = [];
  const seen: Buffer[] = [];
  const gathered = gather(
    (piece) => {
      pieces.push(Buffer.from(piece));
      consumed(piece);
    },
    (some) => seen.push(Buffer.from(some)),
  );
  for (const chunk of chunks) {
    let rest = chunk;
    while (rest.length > 0) {
      const bytes = rest.copy(gathered.room());
      gathered.took(bytes);
      expect(seen.at(-1)?.equals(rest.subarray(0, bytes))).toBe(true);
      rest = rest.subarray(bytes);
    }
  }
  gathered.end();
  return pieces;
}

test('every byte comes out once, in order, whatever the sizes, and whether or not the memory is given back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 30 }), fc.boolean(), (sizes, back) => {
      const chunks = sizes.map((size, index) => Buffer.alloc(size, index + 1));
      const pieces = pass(chunks, back ? giveBack : undefined);
      expect(Buffer.concat(pieces).equals(Buffer.concat(chunks))).toBe(true);
      expect(pieces.every((piece) => piece.length > 0)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('many small writes become few pieces', () => {
  expect(pass(Array.from({ length: 1000 }, () => Buffer.alloc(8192))).length).toBeLessThanOrEqual(43);
});

test('whoever sees what was read may change it before it goes on, also where one reading fills a piece', () => {
  const pieces: string[] = [];
  const gathered = gather(
    (piece) => pieces.push(piece.toString('latin1', 0, 3)),
    (some) => void some.write('new'),
  );
  gathered.took(gathered.room().fill('x').length);
  expect(pieces).toEqual(['new']);
});
