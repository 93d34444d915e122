import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { grounds, type Ground } from '../support/grounds.ts';

interface Restored {
  previous: string | null;
  safety: string;
  guards: { code: string; result: string; detail: string }[];
}

const left = { dump: { exclude: { tables: ['audit_log'], tableData: ['events'] } } };

/** A restore may not be the end of what was left out of backups because it is large, or because nobody thought that it matters. */
describe.each(['postgres', 'mariadb'])('S17: what dump.exclude leaves out of backups of %s', (engine) => {
  const { possible = false, start } = grounds[engine] ?? {};
  let ground: Ground;
  beforeAll(async () => {
    if (!start) throw new Error(`no ${engine}`);
    if (possible) ground = await start();
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    if (!possible) return;
    for (const table of ['orders', 'audit_log', 'events']) {
      await ground.sql(`drop table if exists ${table}`);
      await ground.sql(`create table ${table} (id int primary key)`);
      await ground.sql(`insert into ${table} values (1), (2)`);
    }
  });

  const install = (settings: object = left): Promise<Installation> =>
    installHoldfast({ url: '', settings: { database: ground.database, ...settings } });
  const count = async (table: string) => Number((await ground.sql(`select count(*) as n from ${table}`))[0]?.['n']);

  test.runIf(possible)('is not dropped by a restore that was not told to', async () => {
    await using holdfast = await install();
    const { id } = await holdfast.json<{ id: string }>('backup');
    const refused = await holdfast.run('restore', id, '--yes');
    expect(refused.status).toBe(4);
    expect(refused.stderr).toMatch(/excluded: .*audit_log would be gone.*events would be empty/);
    expect(refused.stderr).toContain('--allow excluded');
    expect(refused.stderr).toContain('--keep-old');
    expect([await count('audit_log'), await count('events')]).toEqual([2, 2]);
  });

  test.runIf(possible)('is in the safety backup of a restore that was told to, and comes back from it', async () => {
    await using holdfast = await install();
    const { id } = await holdfast.json<{ id: string }>('backup');
    const restored = await holdfast.json<Restored>('restore', id, '--yes', '--allow', 'excluded');
    expect(await count('events')).toBe(0);
    // What the safety backup holds whole stands in nobody's way.
    await holdfast.json('restore', restored.safety, '--yes');
    expect([await count('orders'), await count('audit_log'), await count('events')]).toEqual([2, 2, 2]);
  });

  test.runIf(possible)('stays in the database that --keep-old keeps', async () => {
    await using holdfast = await install();
    const { id } = await holdfast.json<{ id: string }>('backup');
    const { previous, guards } = await holdfast.json<Restored>('restore', id, '--yes', '--keep-old');
    expect(guards.find(({ code }) => code === 'excluded')).toMatchObject({ result: 'warn' });
    expect(previous).not.toBeNull();
    await holdfast.json('restore', '--undo', '--yes');
    expect([await count('audit_log'), await count('events')]).toEqual([2, 2]);
  });

  test.runIf(possible)('and rows that only the backup lacks are missed as well; empty tables are not', async () => {
    await using before = await install();
    const { id } = await before.json<{ id: string }>('backup');
    // Today's configuration leaves nothing out.
    await before.configure({
      state: './state',
      sources: { shop: { database: ground.database } },
      storages: { local: { type: 'local', path: './backups' } },
    });
    const refused = await before.run('restore', id, '--yes');
    expect(refused.stderr).toMatch(/excluded: .*events would be empty/);
    await ground.sql('delete from events');
    await before.json('restore', id, '--yes');
    expect(await count('orders')).toBe(2);
  });
});

test('S17: --in-place, and a table of it alone, do not empty what the backup has no rows of', async () => {
  const { start } = grounds['postgres'] ?? {};
  if (!start) throw new Error('no postgres');
  await using ground = await start();
  await ground.sql('create table events (id int)', 'insert into events values (1)', 'create table orders (id int)');
  await using holdfast = await installHoldfast({ url: '', settings: { database: ground.database, ...left } });
  const { id } = await holdfast.json<{ id: string }>('backup');
  for (const how of [['--in-place'], ['--table', 'public.events']]) {
    const refused = await holdfast.run('restore', id, '--yes', ...how);
    expect(refused.stderr).toMatch(/excluded: .*events would be empty/);
  }
  await holdfast.json('restore', id, '--yes', '--table', 'public.orders');
  expect(await ground.sql('select * from events')).toHaveLength(1);
});

test('S17: a partition that is in no backup is not emptied with its table', async () => {
  const { start } = grounds['postgres'] ?? {};
  if (!start) throw new Error('no postgres');
  await using ground = await start();
  await ground.sql(
    'create table sales (year int, n int) partition by list (year)',
    'create table sales_1 partition of sales for values in (1)',
    'create schema kept',
    'create table kept.sales_2 partition of sales for values in (2) partition by list (n)',
    'create table kept.sales_2_all partition of kept.sales_2 default',
    'create table sales_3 partition of sales for values in (3)',
    'insert into sales values (1, 1), (2, 2), (3, 3)',
  );
  const rows = async () => (await ground.sql('select year from sales order by 1')).map(({ year }) => year);
  for (const [exclude, said] of [
    [{ tables: ['kept.sales_2*'] }, /excluded: .*kept\.sales_2_all would be gone/],
    [{ tableData: ['public.sales_3'] }, /excluded: .*sales_3 would be empty/],
  ] as const) {
    await using holdfast = await installHoldfast({
      url: '',
      settings: { database: ground.database, dump: { exclude } },
    });
    const { id } = await holdfast.json<{ id: string }>('backup');
    for (const how of [['--table', 'public.sales'], ['--schema', 'public'], ['--in-place']]) {
      const refused = await holdfast.run('restore', id, '--yes', ...how);
      expect(refused.status, how.join(' ')).toBe(4);
      expect(refused.stderr, how.join(' ')).toMatch(said);
      expect(await rows()).toEqual([1, 2, 3]);
    }
    // One that is in the backup goes alone.
    await holdfast.json('restore', id, '--yes', '--table', 'public.sales_1');
    expect(await rows()).toEqual([1, 2, 3]);
  }
});
