import { expect, test } from 'vitest';
import type { SourceView } from '../../../../src/api/contract.ts';
import { failedSince } from './failed-since.ts';

const looked = '2026-11-23T07:36:58.340Z';
const source = (name: string, facts: Partial<Pick<SourceView, 'damaged'>> & { failedAt?: string | null }) =>
  ({
    name,
    damaged: facts.damaged ?? 0,
    failed: facts.failedAt === undefined ? null : { finishedAt: facts.failedAt },
  }) as SourceView;

test('what failed after a look, or lies there damaged, is news to it', () => {
  const sources = [
    source('fine', {}),
    source('before', { failedAt: '2026-11-23T07:30:00.000Z' }),
    source('after', { failedAt: '2026-11-23T07:43:02.110Z' }),
    source('damaged', { damaged: 1 }),
    source('unended', { failedAt: null }),
  ];
  expect(failedSince(looked, sources)).toEqual(['after', 'damaged']);
});
