import { defineConfig } from 'vitest/config';
import { ClosingLine } from '../support/closing-line.ts';

const { HOLDFAST_TEST_MYSQL: mysql, HOLDFAST_TEST_MARIADB: mariadb } = process.env;
const named = mysql === undefined ? { HOLDFAST_TEST_MARIADB: mariadb ?? '' } : { HOLDFAST_TEST_MYSQL: mysql };

/** `npm run test:mysql` and `npm run test:mariadb`: what the usual tests do with this system's MariaDB, with another server and its own tools. */
export default defineConfig({
  test: {
    name: 'mysql',
    include: [
      'test/mysql/*.test.ts',
      'test/integration/{mysql-*,create-interrupted,plan-tells-all,nocobase-engines}.test.ts',
      'test/scenarios/{engines,half-swapped-database,late-writes,left-out,left-out-elsewhere}.test.ts',
    ],
    reporters: ['default', new ClosingLine()],
    // Before all others, so that it is found where programs are looked for.
    env: { ...named, PATH: `${mysql ?? mariadb ?? ''}:${process.env['PATH'] ?? ''}` },
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
