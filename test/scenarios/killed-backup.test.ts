import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { killAtPoints } from '../support/kill-points.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { until } from '../support/until.ts';

const kills = 50;

let server: TestPostgres;
let holdfast: Installation;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 2000 });
});
afterAll(() => server[Symbol.asyncDispose]());

for (const format of ['custom', 'directory'] as const) {
  test(`S1: kill -9 at ${kills / 2} points of a ${format} backup never leaves a listed backup that does not restore`, async () => {
    await using installed = await installHoldfast({
      url: server.url('shop'),
      settings: { dump: { format, jobs: format === 'directory' ? 2 : 'auto' }, drill: { target: 'same' } },
    });
    holdfast = installed;
    const died = await killAtPoints(holdfast, kills / 2);
    // Otherwise this test would prove nothing.
    expect(died).toBeGreaterThan(kills / 4);

    await until(
      async () => (await server.connections()).length === 0,
      'no session of a killed run is left on the server',
    );
    const listed = await holdfast.json<{ id: string; state: string }[]>('list');
    expect(listed.map(({ id }) => id).toSorted()).toEqual((await holdfast.stored()).toSorted());
    expect(listed.every(({ state }) => state === 'complete')).toBe(true);
    for (const { id } of listed) {
      const { ok } = await holdfast.json<{ ok: boolean }>('verify', id, '--depth', 'structure');
      expect(ok, id).toBe(true);
    }
    const newest = listed[0]?.id ?? '';
    expect(await holdfast.json('drill', newest)).toMatchObject({ ok: true });

    const runs = await holdfast.json<{ state: string; error: { code: string } | null }[]>('runs');
    expect(runs.filter(({ state }) => state === 'running')).toEqual([]);
    await expectSweptAfterADay();
  }, 300_000);
}

/** Leftovers of the killed runs stay a day, in case somebody is still writing them, and go with the next backup after that. */
async function expectSweptAfterADay(): Promise<void> {
  const folder = join(holdfast.storage, 'shop');
  const leftovers = async () => (await readdir(folder)).filter((name) => name.startsWith('.partial-'));
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  for (const name of await leftovers()) {
    await utimes(join(folder, name), yesterday, yesterday);
    for (const inside of await readdir(join(folder, name)))
      await utimes(join(folder, name, inside), yesterday, yesterday);
  }
  expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
  expect(await leftovers()).toEqual([]);
}
