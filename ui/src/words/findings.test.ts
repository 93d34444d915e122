import { expect, test } from 'vitest';
import { findingCodes } from '../../../src/care/monitor/finding-codes.ts';
import { findingsEn } from './findings.ts';

test('whatever the monitor can find has words', () => {
  expect(Object.keys(findingsEn)).toEqual(expect.arrayContaining([...findingCodes]));
});
