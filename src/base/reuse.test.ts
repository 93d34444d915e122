import { expect, test } from 'vitest';
import { giveBack, lend, letGo, markPassing, reusedMemory } from './reuse.ts';

const size = 70_001;

test('memory is used again once all of its content was given back, and not before', () => {
  const content = lend(reusedMemory(size).subarray(0, 50_000));
  giveBack(content.subarray(0, 30_000));
  expect(reusedMemory(size).buffer).not.toBe(content.buffer);
  giveBack(content.subarray(30_000));
  expect(reusedMemory(size).buffer).toBe(content.buffer);
  expect(reusedMemory(size).buffer).not.toBe(content.buffer);
});

test('what was never lent is nobody else s, however often it is given back', () => {
  const own = Buffer.alloc(size);
  giveBack(own);
  giveBack(own);
  expect(reusedMemory(size).buffer).not.toBe(own.buffer);
});

test('given back twice is given back once', () => {
  const content = lend(reusedMemory(size));
  giveBack(content);
  giveBack(content);
  expect(reusedMemory(size).buffer).toBe(content.buffer);
  expect(reusedMemory(size).buffer).not.toBe(content.buffer);
});

test('memory of another owner goes back to it, once', () => {
  const returned: ArrayBuffer[] = [];
  const content = lend(Buffer.allocUnsafeSlow(size), (memory) => returned.push(memory));
  giveBack(content.subarray(0, 10));
  expect(returned).toEqual([]);
  giveBack(content.subarray(10));
  giveBack(content);
  expect(returned).toEqual([content.buffer]);
  expect(reusedMemory(size).buffer).not.toBe(content.buffer);
});

test('no more than a little is kept', () => {
  const megabyte = 1024 * 1024;
  const lent = Array.from({ length: 20 }, () => lend(reusedMemory(megabyte)));
  for (const content of lent) giveBack(content);
  const memories = new Set(lent.map(({ buffer }) => buffer));
  const again = Array.from({ length: 20 }, () => reusedMemory(megabyte)).filter(({ buffer }) => memories.has(buffer));
  expect(again).toHaveLength(8);
});

test('memory that passes is freed with its last part, and none that is not marked', () => {
  const content = Buffer.allocUnsafeSlow(size);
  letGo(content);
  expect(content.buffer.byteLength).toBe(size);
  markPassing(content);
  letGo(content.subarray(0, 10));
  expect(content.buffer.byteLength).toBe(size);
  letGo(content.subarray(10));
  expect(content.buffer.byteLength).toBe(0);
  letGo(content);
});
