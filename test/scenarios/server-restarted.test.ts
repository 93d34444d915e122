import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentOf } from '../support/evidence.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql(
    'shop',
    `create table t (id int primary key, v text); insert into t select n, repeat('x', 100) from generate_series(1, 2000) n;
     create function slow() returns int language sql immutable as 'select 1 from pg_sleep(3)';
     create table u (id int); create index slowly on u ((public.slow())); insert into u values (1)`,
  );
});
afterAll(() => server[Symbol.asyncDispose]());

test.each([
  ['a drill', ['drill'], 'fast'],
  ['a drill', ['drill'], 'immediate'],
  ['a restore', ['restore', '--yes', '--no-safety-backup'], 'fast'],
  ['a restore', ['restore', '--yes', '--no-safety-backup'], 'immediate'],
  ['a restore beside', ['restore', '--yes', '--into', 'shop_copy'], 'immediate'],
  ['a restore in place', ['restore', '--yes', '--no-safety-backup', '--in-place'], 'immediate'],
] as const)(
  'S6 %s (%j), the server restarted (%s) in the middle: told as such, and nothing is left',
  async (_what, words, how) => {
    await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { drill: { target: 'same' } } });
    const { id } = await holdfast.json<{ id: string }>('backup');
    const before = await contentOf(server, 'shop');
    const { ended } = holdfast.start({}, ...words, id);
    const isSlow = async () => (await server.connections()).some(({ query }) => query.includes('slow()'));
    await expect.poll(isSlow, { timeout: 60_000, interval: 20 }).toBe(true);
    await server.restart(how);
    const { status, stderr } = await ended;
    expect([status, stderr]).toEqual([1, expect.stringContaining('(DATABASE_CONNECTION_LOST)')]);
    expect(await server.databases()).toEqual(['postgres', 'shop']);
    expect(await server.connections()).toEqual([]);
    expect(await contentOf(server, 'shop')).toEqual(before);
  },
  120_000,
);
