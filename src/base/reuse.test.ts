import { expect, test } from 'vitest';
import { giveBack, lend, reusedMemory } from './reuse.ts';

const bytes = 4099;

test('memory is used again when all of its content was consumed, and not before', () => {
  const first = reusedMemory(bytes);
  const content = lend(first.subarray(0, 1000));
  giveBack(content.subarray(0, 400));
  expect(reusedMemory(bytes).buffer).not.toBe(first.buffer);
  giveBack(content.subarray(400));
  expect(reusedMemory(bytes).buffer).toBe(first.buffer);
  expect(reusedMemory(bytes).buffer).not.toBe(first.buffer);
});

test('what was not lent, or was given back already, is nobody’s to give', () => {
  const own = Buffer.allocUnsafeSlow(bytes);
  giveBack(own);
  const content = lend(Buffer.allocUnsafeSlow(bytes));
  giveBack(content);
  giveBack(content);
  const some = [reusedMemory(bytes), reusedMemory(bytes)].map(({ buffer }) => buffer);
  expect(some[0]).toBe(content.buffer);
  expect(some[1]).not.toBe(content.buffer);
  expect(some).not.toContain(own.buffer);
});

test('it goes back to whoever wants it', () => {
  const back: ArrayBuffer[] = [];
  const content = lend(Buffer.allocUnsafeSlow(bytes), (memory) => back.push(memory));
  giveBack(content);
  expect(back).toEqual([content.buffer]);
});
