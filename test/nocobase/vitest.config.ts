import { defineConfig } from 'vitest/config';

const mysql = process.env['HOLDFAST_TEST_MYSQL'];

/** `npm run test:nocobase`: the real NocoBase from npm, beside real databases. Minutes, not seconds; nothing else starts it. */
export default defineConfig({
  test: {
    name: 'nocobase',
    include: ['test/nocobase/**/*.test.ts'],
    // Before all others, so that it is found where programs are looked for.
    env: mysql === undefined ? {} : { PATH: `${mysql}:${process.env['PATH'] ?? ''}` },
    testTimeout: 600_000,
    hookTimeout: 1_200_000,
    fileParallelism: false,
  },
});
