import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { makeBank } from '../support/sqlite.ts';

/** Set by hand, or by an image that somebody made smaller: where nobody can create anything, and where there is no folder. */
const unusable = ['/proc', '/dev/null', '/proc/no/where'];

let house: Installation;
beforeEach(async () => {
  house = await installHoldfast({ url: '', settings: {} });
  makeBank(join(house.folder, 'bank.sqlite'), 'delete', 'create table notes (a); insert into notes values (1)');
  await mkdir(join(house.folder, 'uploads'));
  await writeFile(join(house.folder, 'uploads', 'one'), 'content');
  const shop = { database: { engine: 'sqlite', path: './bank.sqlite' }, files: [{ path: './uploads' }] };
  await house.configure({
    state: './state',
    sources: { shop },
    storages: { local: { type: 'local', path: './backups' } },
  });
});
afterEach(() => house[Symbol.asyncDispose]());

describe.each(unusable)('S9 a folder for temporary files that cannot be used: %s', (place) => {
  const env = { TMPDIR: place };
  const told = `the folder for temporary files cannot be used: ${place}`;

  test('what needs one ends soon, says so, and leaves nothing', async () => {
    const backup = await house.runWith({ env }, 'backup', 'shop');
    expect(backup.stderr).toContain(told);
    expect(backup.stderr).toContain('(SCRATCH_UNUSABLE)');
    expect(backup.stderr).toContain('TMPDIR');
    expect(backup.status).toBe(1);
    expect(await house.stored()).toEqual([]);

    expect((await house.run('backup', 'shop')).status).toBe(0);
    const drill = await house.runWith({ env }, 'drill');
    expect(drill.stderr).toContain('(SCRATCH_UNUSABLE)');
    expect(drill.status).toBe(1);
  });

  test('what needs none succeeds', async () => {
    expect((await house.run('backup', 'shop')).status).toBe(0);
    for (const command of [['list'], ['status'], ['config', 'validate']]) {
      expect(await house.runWith({ env }, ...command)).toMatchObject({ status: 0, stderr: '' });
    }
  });
});
