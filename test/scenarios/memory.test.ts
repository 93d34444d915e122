import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { peakOf } from '../support/peak-memory.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const megabyte = 1024 * 1024;
const bound = 200 * megabyte;

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  for (const factor of [1, 4, 16]) {
    const database = `x${factor}`;
    await server.createDatabase(database);
    await server.sql(database, 'create table texts (id int primary key, body text)');
    // md5 does not compress much: what is stored grows with the data as well.
    await server.sql(
      database,
      `insert into texts select g, md5(g::text) || md5((g * 7)::text) || md5((g * 13)::text) || repeat('x', 100) from generate_series(1, ${50_000 * factor}) g`,
    );
  }
});
afterAll(() => server[Symbol.asyncDispose]());

test.each(['custom', 'directory', 'plain'])(
  'S29, N-d7: our own memory does not grow with the database, at 1x, 4x and 16x (%s)',
  async (format) => {
    const peaks: { backup: number; restore: number }[] = [];
    for (const factor of [1, 4, 16]) {
      await using holdfast = await installHoldfast({
        url: server.url(`x${factor}`),
        // zstd outside the tool puts all the work into our own process: the hardest case.
        settings: {
          dump: { format, ...(format === 'directory' ? {} : { compression: format === 'plain' ? 'zstd:1' : 'auto' }) },
        },
      });
      const backup = await peakOf(holdfast, 'backup');
      const restore = await peakOf(holdfast, 'restore', 'latest', '--into', 'copy', '--yes');
      peaks.push({ backup, restore });
      await server.sql('postgres', 'drop database copy');
    }
    const [small, , large] = peaks;
    for (const what of ['backup', 'restore'] as const) {
      const told = JSON.stringify(peaks.map((peak) => `${Math.round(peak[what] / megabyte)} MB`));
      expect(large?.[what], `${what}: ${told}`).toBeLessThan(bound);
      expect((large?.[what] ?? 0) - (small?.[what] ?? 0), `${what}: ${told}`).toBeLessThan(60 * megabyte);
    }
  },
  240_000,
);
