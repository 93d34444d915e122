import { expect, test } from 'vitest';
import { nameTheSet } from './started-tool.ts';

const told = '-- x\n/*!40101 SET NAMES binary */;\n/*!40103 SET y */;\n';

test('the set of letters is named however the words come', () => {
  for (let first = 0; first <= told.length; first += 1) {
    for (const second of [first, first + 1, first + 7, told.length]) {
      const whole = Buffer.from(told);
      const pieces = [whole.subarray(0, first), whole.subarray(first, second), whole.subarray(second)];
      expect(nameTheSet(pieces)).toBe(true);
      expect(Buffer.concat(pieces).toString()).toBe(told.replace('binary */', 'utf8mb4*/'));
    }
  }
});

test('nothing is named where the tool says something else', () => {
  const some = Buffer.from(told.replace('binary', 'latin1'));
  expect(nameTheSet([some])).toBe(false);
  expect(some.toString()).toContain('latin1');
});
