import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentOf, evidenceOf } from '../support/evidence.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { caught, until } from '../support/until.ts';

let server: TestPostgres;
let holdfast: Installation;
let id: string;
let backedUp: Record<string, string>;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 20_000 });
  holdfast = await installHoldfast({ url: server.url('shop') });
  backedUp = await contentOf(server, 'shop');
  ({ id } = await holdfast.json<{ id: string }>('backup'));
});
afterAll(async () => {
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const scratch = async () => (await server.databases()).filter((name) => name.includes('_restoring_'));

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'S14, S22: a restore ended by %s half-way leaves the live database as it was',
  async (signal) => {
    let before: unknown;
    const start = async () => {
      before = await evidenceOf(server, 'shop');
      return holdfast.start({}, 'restore', id, '--yes', '--no-safety-backup');
    };
    const { child, ended } = await caught(
      start,
      async () => (await scratch()).length > 0,
      'the scratch database appears',
    );
    child.kill(signal);
    const { status } = await ended;
    expect(await evidenceOf(server, 'shop')).toEqual(before);
    const [run] = await holdfast.json<{ operation: string; state: string }[]>('runs');
    expect(run).toMatchObject({ operation: 'restore', state: signal === 'SIGKILL' ? 'failed' : 'cancelled' });
    if (signal === 'SIGKILL') {
      // Nobody was left to clean up: the leftover is named, and the next that begins something removes it.
      const [leftover = ''] = await scratch();
      await until(
        async () => (await server.connections()).every(({ database }) => database !== leftover),
        'the loading sessions have ended',
      );
      const { stdout, stderr } = await holdfast.run('doctor');
      expect(stdout + stderr).toContain(leftover);
      const next = await holdfast.run('restore', id, '--into', 'beside', '--yes');
      expect(next.stderr).toContain(`dropped the scratch database ${leftover} of `);
      expect(await scratch()).toEqual([]);
      await server.sql('postgres', 'drop database beside');
    } else {
      expect(status).toBe(130);
      expect(await scratch()).toEqual([]);
    }
  },
);

test('S14: after all that the same backup restores', async () => {
  await holdfast.json('restore', id, '--yes');
  expect(await contentOf(server, 'shop')).toEqual(backedUp);
});
