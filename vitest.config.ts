import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closing-line.ts';
import { LongestFirst } from './test/support/longest-first.ts';

/** What measures latency, memory under load and the start of the program: beside other files it would measure those. */
const load = ['api-load', 'long-history', 'metrics', 'startup'].map((name) => `test/scenarios/${name}.test.ts`);
const optIn = ['test/containers/**', 'test/nocobase/**', 'test/nocodb/**', 'test/mysql/**'];
/** Real servers and programs take their time on a machine with other work. */
const patience = { testTimeout: 120_000, hookTimeout: 120_000 };
/** Most of them wait for servers: one more than there are cores keeps these busy, and many at once would fill the memory. */
const maxWorkers = Math.min(availableParallelism() + 1, 6);

/** `unit` needs nothing but Node; `integration` starts real servers; `load` runs alone, after all others. */
export default defineConfig({
  test: {
    reporters: ['default', new ClosingLine()],
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'ui/src/**/*.test.ts'], maxWorkers, ...patience } },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...optIn, ...load],
          maxWorkers,
          globalSetup: ['test/support/global-setup.ts'],
          ...patience,
        },
      },
      {
        test: {
          name: 'load',
          include: load,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          globalSetup: ['test/support/global-setup.ts'],
          ...patience,
        },
      },
    ],
  },
});
