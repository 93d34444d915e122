import { defineConfig } from 'vitest/config';

/** `npm run test:nocobase`: the real NocoBase from npm, beside a real PostgreSQL. Minutes, not seconds; nothing else starts it. */
export default defineConfig({
  test: {
    name: 'nocobase',
    include: ['test/nocobase/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 1_200_000,
    fileParallelism: false,
  },
});
