import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

/** A database with a folder beside it, both replaced by a restore that keeps what lived: no order was there when the backup was made, two lived. */
describe('S17: the way back of folders and database', () => {
  let server: TestPostgres;
  let folder: { path: string } & AsyncDisposable;
  let holdfast: Installation;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    folder = await temporaryFolder();
    const uploads = join(folder.path, 'uploads');
    mkdirSync(uploads);
    writeFileSync(join(uploads, 'a.txt'), 'saved');
    for (const name of await server.databases())
      if (name !== 'postgres') await server.sql('postgres', `drop database "${name}" with (force)`);
    await server.createDatabase('shop');
    await server.sql('shop', 'create table orders (id int primary key)');
    holdfast = await installHoldfast({
      url: server.url('shop'),
      settings: { files: [{ name: 'uploads', path: uploads }] },
    });
    const { id } = await holdfast.json<{ id: string }>('backup');
    await server.sql('shop', 'insert into orders values (1), (2)');
    writeFileSync(join(uploads, 'a.txt'), 'lives');
    await holdfast.json('restore', id, '--yes', '--keep-old', '--no-safety-backup');
    return async () => {
      await holdfast[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    };
  });

  const now = async () => ({
    orders: (await server.sql('shop', 'select from orders')).length,
    uploads: readFileSync(join(folder.path, 'uploads/a.txt'), 'utf8'),
  });
  const kept = () => readdirSync(folder.path).filter((name) => name !== 'uploads');
  const undo = (...args: string[]) => holdfast.run('restore', '--undo', '--yes', ...args);

  test('is still there after it was refused, as often as that is', async () => {
    expect(await now()).toEqual({ orders: 0, uploads: 'saved' });
    {
      await using _client = await server.session('shop');
      for (let time = 0; time < 2; time += 1) {
        const refused = await undo('--if-connected', 'refuse');
        expect(refused.stderr).toContain('SESSIONS_CONNECTED');
        expect(await now()).toEqual({ orders: 0, uploads: 'saved' });
      }
    }
    const undone = await undo();
    expect(undone.status, undone.stderr).toBe(0);
    expect(await now()).toEqual({ orders: 2, uploads: 'lives' });
    expect(kept()).toHaveLength(1);
    expect((await undo()).stderr).toMatch(/was undone already/);
    expect((await holdfast.run('doctor')).stdout).not.toContain('cut off');
  });

  /** Killed while the database waits for its new name, after the folders have changed places. */
  async function killUndo(): Promise<void> {
    await using blocker = await server.session('postgres');
    await blocker.query('begin; lock table pg_catalog.pg_database in share mode');
    const { child } = holdfast.start({}, 'restore', '--undo', '--yes');
    const waiting = `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like 'ALTER DATABASE%'`;
    await until(async () => (await server.sql('postgres', waiting)).length > 0, 'the database waits for its name');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await blocker.query('commit');
    await blocker.end();
    await until(async () => (await server.connections()).length === 0, 'the server has noticed');
  }

  test('is told when it was cut off between the two, and goes on from there', async () => {
    await killUndo();
    expect(await now()).toEqual({ orders: 0, uploads: 'lives' });
    const told = /the folders \(uploads\) are those from before the restore .*, the database is not/;
    expect((await holdfast.run('doctor')).stdout).toMatch(told);
    expect((await holdfast.run('backup')).stderr).toMatch(told);
    const undone = await undo();
    expect(undone.status, undone.stderr).toBe(0);
    expect(await now()).toEqual({ orders: 2, uploads: 'lives' });
    expect((await holdfast.run('doctor')).stdout).not.toContain('cut off');
    expect((await undo()).stderr).toMatch(/was undone already/);
  });

  test('is not gone half where a restore in place kept the folders alone', async () => {
    expect((await undo()).status).toBe(0);
    const saved = (await holdfast.stored())[0] ?? '';
    const { safety } = await holdfast.json<{ safety: string }>('restore', saved, '--yes', '--in-place', '--keep-old');
    expect(await now()).toEqual({ orders: 0, uploads: 'saved' });
    const refused = await undo();
    expect(refused.status, refused.stderr).not.toBe(0);
    expect(refused.stderr).toContain(`holdfast restore ${safety}`);
    expect(refused.stderr).toMatch(/kept its folders \(.*uploads\.before-.*\), and nothing of its database/);
    expect(await now()).toEqual({ orders: 0, uploads: 'saved' });
    await holdfast.json('restore', safety, '--yes');
    expect(await now()).toEqual({ orders: 2, uploads: 'lives' });
  });

  test('is told as gone when it was cut off after both', async () => {
    await killUndo();
    const [run] = await holdfast.json<{ result: { kept: string } }[]>('runs');
    const aside = run?.result.kept ?? '';
    const former = (await server.databases()).find((name) => name.startsWith('shop_before_')) ?? '';
    await server.sql('postgres', `alter database shop rename to "${aside}"`);
    await server.sql('postgres', `alter database "${former}" rename to shop`);
    expect(await now()).toEqual({ orders: 2, uploads: 'lives' });
    expect((await holdfast.run('doctor')).stdout).not.toContain('cut off');
    const again = await undo();
    expect(again.stderr).toMatch(/was undone already/);
    expect(again.stderr).toContain(aside);
    expect(await now()).toEqual({ orders: 2, uploads: 'lives' });
  });
});
