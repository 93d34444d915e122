import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHeap } from './heap.ts';

const name = fc.integer({ min: 0, max: 30 }).map((number) => `plan-${number}`);
const change = fc.oneof(
  fc.record({ name, at: fc.integer({ min: 0, max: 1000 }) }),
  fc.record({ name, at: fc.constant(null) }),
);

test('whatever is put in, moved and taken out, the soonest stands first and each name once', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const heap = createHeap();
      const model = new Map<string, number>();
      for (const { name: which, at } of changes) {
        if (at === null) {
          heap.delete(which);
          model.delete(which);
        } else {
          heap.set(which, at);
          model.set(which, at);
        }
        expect(heap.peek()?.at ?? null).toBe(model.size === 0 ? null : Math.min(...model.values()));
      }
      const popped: number[] = [];
      for (let top = heap.peek(); top; top = heap.peek()) {
        expect(model.get(top.name)).toBe(top.at);
        popped.push(top.at);
        heap.delete(top.name);
      }
      expect(popped).toEqual([...model.values()].toSorted((a, b) => a - b));
    }),
    { numRuns: 300 },
  );
});
