import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentOfGround, fillGround, grounds, hostileTable, type Ground } from '../support/grounds.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { killAtPoints } from '../support/kill-points.ts';
import { caught } from '../support/until.ts';

const kills = 12;

/** What every engine must hold, through the real program; each has tests of its own for what only it has. */
describe.for(Object.entries(grounds).filter(([, { possible }]) => possible))('%s', ([engine, { start }]) => {
  let ground: Ground;
  let holdfast: Installation;
  let content: Record<string, string>;
  let id: string;

  beforeAll(async () => {
    ground = await start();
    await fillGround(ground, 10_000);
    holdfast = await installHoldfast({ url: '', settings: { database: ground.database } });
    content = await contentOfGround(ground);
    ({ id } = await holdfast.json<{ id: string }>('backup'));
  });
  afterAll(async () => {
    await holdfast?.[Symbol.asyncDispose]();
    await ground?.[Symbol.asyncDispose]();
  });

  const folder = () => join(holdfast.storage, 'shop', id);
  const artifacts = async () =>
    (await readdir(folder(), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && entry.name !== 'manifest.json' && !entry.parentPath.endsWith('drills'))
      .map((entry) => join(entry.parentPath, entry.name));

  async function expectRefused(what: string): Promise<void> {
    expect((await holdfast.run('verify', id, '--depth', 'checksum')).status, what).toBe(6);
    const restored = await holdfast.run('restore', id, '--yes', '--no-safety-backup');
    expect(restored.status, `${what}: ${restored.stderr}`).toBe(6);
    expect(restored.stderr).toMatch(/^error: .*\([A-Z_]+\)$/m);
    expect(await contentOfGround(ground)).toEqual(content);
    expect(await ground.others()).toEqual([]);
  }

  async function expectRefusedAfter(damage: (file: string) => Promise<void>): Promise<void> {
    const [file = ''] = await artifacts();
    const pristine = join(holdfast.folder, 'pristine');
    await cp(folder(), pristine, { recursive: true });
    try {
      await damage(file);
      await expectRefused(file);
    } finally {
      await rm(folder(), { recursive: true });
      await cp(pristine, folder(), { recursive: true });
      await rm(pristine, { recursive: true });
      // What was found damaged stays so until somebody has looked again.
      await holdfast.json('verify', id);
    }
  }

  test('S18 every row of every table is counted in the manifest, whatever it is called', async () => {
    const { manifest } = await holdfast.json<{
      manifest: { database: { engine: string; tables: { name: string; rows: number }[] } };
    }>('show', id);
    expect(manifest.database.engine).toBe(engine);
    const rows = Object.fromEntries(manifest.database.tables.map((table) => [table.name, table.rows]));
    expect(rows).toEqual({ customers: 3, orders: 10_000, [hostileTable]: 2 });
  });

  test('a backup is proven by a drill that leaves nothing behind', async () => {
    expect(await holdfast.json('drill', id)).toMatchObject({ ok: true, tables: { compared: 3, mismatched: [] } });
    expect(await ground.others()).toEqual([]);
    expect(await contentOfGround(ground)).toEqual(content);
  });

  test('S29 a drill on a throw-away place, without touching the live server', async () => {
    expect(await holdfast.json('drill', id, '--target', 'temporary')).toMatchObject({ ok: true });
    expect(await ground.others()).toEqual([]);
  });

  test('S4 S26 one flipped bit is refused before anything is touched', async () => {
    await expectRefusedAfter(async (file) => {
      const bytes = await readFile(file);
      const at = Math.floor(bytes.length / 2);
      bytes[at] = (bytes[at] ?? 0) ^ 0b100;
      await writeFile(file, bytes);
    });
  });

  test('S5 S13 a cut and a missing artifact are refused before anything is touched', async () => {
    await expectRefusedAfter(async (file) => truncate(file, Math.floor((await readFile(file)).length * 0.9)));
    await expectRefusedAfter((file) => rm(file));
  });

  test('S16 a table that is written in another way than it stands there is named as it does', async () => {
    const { status, stderr } = await holdfast.run('restore', id, '--table', 'main.orders', '--yes');
    expect(status).toBe(2);
    expect(stderr).toMatch(
      ['mariadb', 'mysql'].includes(engine)
        ? /WHOLE_ONLY/
        : /no table main\.orders .*hint: It has (public\.)?orders: write it like that/s,
    );
  });

  test('S13 a dump that restores something else than was counted never goes live', async () => {
    // As if rows had been lost on the way: the digests are right, the counts are not.
    const copy = await holdfast.json<{ id: string }>('backup');
    await ground.sql('delete from orders where id > 9990');
    try {
      const other = await holdfast.json<{ id: string }>('backup');
      expect(await holdfast.json('drill', other.id)).toMatchObject({ ok: true });
    } finally {
      await holdfast.json('restore', copy.id, '--yes', '--no-safety-backup');
    }
    expect(await contentOfGround(ground)).toEqual(content);
  });

  test('S17 a restore brings everything back, and the way back brings back what was there before', async () => {
    await ground.sql('delete from orders where id > 10', "update customers set name = 'changed' where id = 2");
    const damaged = await contentOfGround(ground);
    const restored = await holdfast.json<{ previous: string }>(
      'restore',
      id,
      '--yes',
      '--keep-old',
      '--no-safety-backup',
    );
    expect(restored.previous).toBeTruthy();
    expect(await contentOfGround(ground)).toEqual(content);
    await holdfast.json('restore', '--undo', '--yes');
    expect(await contentOfGround(ground)).toEqual(damaged);
    const again = await holdfast.json<{ safety: string }>('restore', id, '--yes');
    expect(await contentOfGround(ground)).toEqual(content);
    await holdfast.json('restore', again.safety, '--yes', '--no-safety-backup');
    expect(await contentOfGround(ground)).toEqual(damaged);
    await holdfast.json('restore', id, '--yes', '--no-safety-backup');
    expect(await contentOfGround(ground)).toEqual(content);
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'S14 S22 a restore ended by %s leaves the live database as it was',
    async (signal) => {
      let before: Record<string, string> = {};
      let others = new Set<string>();
      const restore = async () => {
        await ground.sql("update customers set name = 'newer' where id = 2");
        before = await contentOfGround(ground);
        others = new Set(await ground.others());
        return holdfast.start({}, 'restore', id, '--yes', '--no-safety-backup');
      };
      const { child, ended } = await caught(
        restore,
        async () => (await ground.others()).some((name) => !others.has(name)),
        'the scratch database appears',
      );
      child.kill(signal);
      await ended;
      expect(await contentOfGround(ground)).toEqual(before);
      const left = (await ground.others()).filter((name) => !others.has(name));
      if (signal === 'SIGTERM') expect(left).toEqual([]);
      else {
        const { stdout, stderr } = await holdfast.run('doctor');
        // A file has companions that go with it.
        for (const name of left.filter((each) => !/-(wal|shm|journal)$|\.holdfast-scratch$/.test(each)))
          expect(stdout + stderr).toContain(name);
      }
      await holdfast.json('restore', id, '--yes', '--no-safety-backup');
      expect(await contentOfGround(ground)).toEqual(content);
    },
  );

  test(`S1 kill -9 at ${kills} points of a backup never leaves a listed backup that does not restore`, async () => {
    const died = await killAtPoints(holdfast, kills);
    expect(died).toBeGreaterThan(kills / 2);
    const listed = await holdfast.json<{ id: string; state: string }[]>('list');
    expect(listed.map((each) => each.id).toSorted()).toEqual((await holdfast.stored()).toSorted());
    expect(listed.every(({ state }) => state === 'complete')).toBe(true);
    for (const each of listed)
      expect(await holdfast.json('verify', each.id, '--depth', 'structure')).toMatchObject({ ok: true });
    expect(await holdfast.json('drill', listed[0]?.id ?? '')).toMatchObject({ ok: true });
  }, 240_000);
});
