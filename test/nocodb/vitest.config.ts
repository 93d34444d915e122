import { defineConfig } from 'vitest/config';
import { ClosingLine } from '../support/closing-line.ts';

/**
 * `npm run test:nocodb`: against real NocoDB servers that run already and may be written to. HOLDFAST_TEST_NOCODB_URL and
 * HOLDFAST_TEST_NOCODB_TOKEN (of a super admin) name one on SQLite, HOLDFAST_TEST_NOCODB_PG_URL and HOLDFAST_TEST_NOCODB_PG_TOKEN one on
 * PostgreSQL. HOLDFAST_TEST_NOCODB_APP (a folder in which nocodb is installed) and HOLDFAST_TEST_NOCODB_NODE (a Node 22) let tests start
 * servers of their own. What is not named is skipped, and says so.
 */
export default defineConfig({
  test: {
    name: 'nocodb',
    include: ['test/nocodb/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    reporters: ['default', new ClosingLine()],
  },
});
