import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { hasMysql, startMysql, type TestMysql } from '../support/mysql-server.ts';

describe.skipIf(!hasMysql())('one table of a database', () => {
  let server: TestMysql;
  let holdfast: Installation;
  beforeAll(async () => {
    server = await startMysql();
    await server.sql(null, 'create database shop');
    for (const name of ['orders', 'notes']) {
      await server.sql('shop', `create table ${name} (id int primary key, t text)`);
      await server.sql('shop', `insert into ${name} values (1, '${name}'), (2, null)`);
    }
    const url = server.url('shop');
    holdfast = await installHoldfast({ url });
    await holdfast.configure({
      state: './state',
      sources: { shop: { database: { url, ssl: 'disable' }, dump: { format: 'directory', jobs: 2 } } },
      storages: { local: { type: 'local', path: './backups' } },
    });
    await holdfast.json('backup');
  });
  afterAll(async () => {
    await holdfast[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test('comes back beside the live one, by the name that it has', async () => {
    await holdfast.json('restore', 'latest', '--table', 'notes', '--into', 'part', '--yes');
    expect(await server.sql('part', 'show tables')).toEqual([{ Tables_in_part: 'notes' }]);
    expect(await server.sql('part', 'select id, t from notes order by id')).toEqual([
      { id: 1, t: 'notes' },
      { id: 2, t: null },
    ]);
  });

  test('is not exchanged in the live one, which is told before anything else', async () => {
    const before = await server.sql('shop', 'select * from notes');
    for (const table of ['notes', 'nothing']) {
      const { status, stderr } = await holdfast.run('restore', 'latest', '--table', table, '--yes');
      expect(status).toBe(2);
      expect(stderr).toContain('(WHOLE_ONLY)');
    }
    expect(await server.sql('shop', 'select * from notes')).toEqual(before);
  });

  test('that the backup lacks is told with what it has', async () => {
    const { status, stderr } = await holdfast.run('restore', 'latest', '--table', 'Note', '--into', 'none', '--yes');
    expect(status).toBe(2);
    expect(stderr).toContain('(NOT_IN_BACKUP)');
    expect(stderr).toContain('`holdfast inspect` shows what is in it');
  });
});
