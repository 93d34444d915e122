import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { killAfterSwap, killInSwap, killInUndo, startSmallShop } from '../support/killed-swap.ts';
import { hasMysql } from '../support/mysql-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe.skipIf(!hasMysql())('a restore killed in the middle of the swap of a MariaDB database', () => {
  test('S14 it is found, neither saved nor restored over, and undo takes it back, with its folders', async () => {
    await using server = await startSmallShop();
    await using folder = await temporaryFolder();
    const uploads = join(folder.path, 'uploads');
    mkdirSync(uploads);
    writeFileSync(join(uploads, 'a.txt'), 'saved');
    await using holdfast = await installHoldfast({
      url: server.url('shop'),
      settings: { files: [{ name: 'uploads', path: uploads }] },
    });
    const { id } = await holdfast.json<{ id: string }>('backup');
    await server.sql('shop', 'INSERT INTO customer VALUES (2)');
    writeFileSync(join(uploads, 'a.txt'), 'lives');

    await killInSwap(server, holdfast, id);
    expect(await server.sql('shop', 'SELECT * FROM customer')).toEqual([{ id: 1 }]);
    expect(readFileSync(join(uploads, 'a.txt'), 'utf8')).toBe('saved');

    const stored = await holdfast.stored();
    for (const command of [['backup'], ['restore', id, '--yes'], ['restore', id, '--yes', '--no-safety-backup']]) {
      const { status, stderr } = await holdfast.run(...command);
      expect(status, stderr).not.toBe(0);
      expect(stderr).toContain('DATABASE_HALF_SWAPPED');
      expect(stderr).toContain('holdfast restore --undo');
    }
    expect(await holdfast.stored()).toEqual(stored);
    expect((await holdfast.run('doctor')).stdout).toMatch(/unfinished swap.*cut off in the middle/);

    const undone = await holdfast.json<{ undone: string; kept: string }>('restore', '--undo', '--yes');
    expect(undone.kept).toMatch(/^shop_restoring_/);
    expect(await server.sql('shop', 'SELECT * FROM customers ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(readFileSync(join(uploads, 'a.txt'), 'utf8')).toBe('lives');
    expect(await server.sql(undone.kept, 'SELECT * FROM customer')).toEqual([{ id: 1 }]);
    expect((await holdfast.json<{ state: string }>('backup')).state).toBe('succeeded');
    await holdfast.json('restore', id, '--yes');
    expect(await server.sql('shop', 'SELECT * FROM customers')).toEqual([{ id: 1 }]);
    expect(readdirSync(uploads)).toEqual(['a.txt']);
  });

  test('S14 an undo that was killed in the middle is taken back with its folders, and is possible still', async () => {
    await using server = await startSmallShop();
    await using folder = await temporaryFolder();
    const uploads = join(folder.path, 'uploads');
    mkdirSync(uploads);
    writeFileSync(join(uploads, 'a.txt'), 'saved');
    await using holdfast = await installHoldfast({
      url: server.url('shop'),
      settings: { files: [{ name: 'uploads', path: uploads }] },
    });
    const now = async () => ({
      customers: (await server.sql('shop', 'SELECT * FROM customers')).length,
      uploads: readFileSync(join(uploads, 'a.txt'), 'utf8'),
    });
    const { id } = await holdfast.json<{ id: string }>('backup');
    await server.sql('shop', 'INSERT INTO customer VALUES (2)');
    writeFileSync(join(uploads, 'a.txt'), 'lives');
    await holdfast.json('restore', id, '--yes', '--no-safety-backup', '--keep-old');

    await killInUndo(server, holdfast);
    expect((await holdfast.run('doctor')).stdout).toMatch(/unfinished swap.*cut off in the middle/);
    await holdfast.json('restore', '--undo', '--yes');
    expect(await now()).toEqual({ customers: 1, uploads: 'saved' });
    await holdfast.json('restore', '--undo', '--yes');
    expect(await now()).toEqual({ customers: 2, uploads: 'lives' });
    expect((await holdfast.run('doctor')).stdout).not.toContain('cut off');
  });

  test('S14 killed after the swap, before its end was noted, the way back is known all the same', async () => {
    await using server = await startSmallShop();
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const { id } = await holdfast.json<{ id: string }>('backup');
    await server.sql('shop', 'INSERT INTO customer VALUES (2)');
    await killAfterSwap(server, holdfast, id);
    expect(await server.sql('shop', 'SELECT * FROM customer')).toEqual([{ id: 1 }]);

    const undone = await holdfast.json<{ kept: string }>('restore', '--undo', '--yes');
    expect(await server.sql('shop', 'SELECT * FROM customers ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await server.sql(undone.kept, 'SELECT * FROM customer')).toEqual([{ id: 1 }]);
  });
});
