import { defineConfig } from 'vitest/config';
import { ClosingLine } from '../support/closing-line.ts';

const folder = process.env['HOLDFAST_TEST_MYSQL'] ?? '';

/** `npm run test:mysql`: what the usual tests do with MariaDB, with a real MySQL and its own tools. */
export default defineConfig({
  test: {
    name: 'mysql',
    include: [
      'test/mysql/*.test.ts',
      'test/integration/{mysql-*,create-interrupted,plan-tells-all,nocobase-engines}.test.ts',
      'test/scenarios/{engines,half-swapped-database,late-writes}.test.ts',
    ],
    reporters: ['default', new ClosingLine()],
    // Before all others, so that it is found where programs are looked for.
    env: { HOLDFAST_TEST_MYSQL: folder, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
