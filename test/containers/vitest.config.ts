import { defineConfig } from 'vitest/config';

/** `npm run test:containers`: builds the image and runs stacks in a real engine. Minutes, not seconds; nothing else starts it. */
export default defineConfig({
  test: {
    name: 'containers',
    include: ['test/containers/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 1_200_000,
    fileParallelism: false,
  },
});
