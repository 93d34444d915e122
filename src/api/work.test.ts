import { expect, test } from 'vitest';
import type { Report } from '../base/progress.ts';
import { openWork } from './work.ts';

test('a run whose end cannot be looked up for a moment has ended all the same', async () => {
  const catalog = {
    runs: {
      get: () => {
        throw new Error('the catalog is busy');
      },
    },
  };
  const warnings: string[] = [];
  const logger = { log: (level: string, message: string) => void (level === 'warn' && warnings.push(message)) };
  await using work = openWork({ catalog: catalog as never, logger });
  const begin = (end: () => unknown) =>
    work.begin(async ({ report }: { report: Report }) => {
      report({ kind: 'step', step: 'load' } as never, { id: 'r1', source: 'shop', operation: 'backup' });
      return end();
    }, 'somebody');
  const ends = [
    () => ({ run: 'r1' }),
    () => {
      throw new Error('it failed');
    },
  ];
  for (const end of ends) {
    const { run, ended } = await begin(end);
    expect(run).toBe('r1');
    await ended;
  }
  expect(warnings).toEqual([1, 2].map(() => expect.stringContaining('the catalog is busy')));
});
