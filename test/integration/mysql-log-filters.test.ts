import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import { hasMysql, openMysql, product, productName, startMysql, type TestMysql } from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

describe.skipIf(!hasMysql())(`${productName} with a binary log of one database only`, () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await startMysql({ 'log-bin': 'on', 'server-id': '1', 'binlog-do-db': 'shop' });
    folder = await temporaryFolder();
    await server.sql(null, 'CREATE DATABASE shop', "CREATE USER modest@'127.0.0.1' IDENTIFIED BY 'secret-modest'");
    await server.sql(null, "GRANT ALL ON `shop%`.* TO modest@'127.0.0.1'");
    await server.sql('shop', 'CREATE TABLE t (id INT PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const open = (name: string, login?: { user: string; password: string }) =>
    openMysql(server, name, { scratch: folder.path, ...(login ? { login } : {}) });
  const position = async () => {
    const show = product === 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
    const [at] = await server.sql<{ File: string; Position: number }>(null, show);
    if (!at) throw new Error('the server writes no binary log');
    return at;
  };

  it('what is only tried is in it neither as a whole nor in part, which would stop a replica', async () => {
    const { File, Position } = await position();
    const taken = await takeDump(open('shop'), folder.path);
    for (const kept of [false, true]) {
      const drill = open('shop_drill_20261121_120000_abcdef');
      const { warnings } = await bringBack(drill, taken);
      expect(warnings).toEqual([]);
      if (kept) await drill.dress(taken.facts, never);
      await drill.drop({ unmarked: kept }, never);
    }
    await server.sql('shop', 'INSERT INTO t VALUES (2)');
    const events = await server.sql<{ Info: string }>(null, `SHOW BINLOG EVENTS IN '${File}' FROM ${Position}`);
    expect(events.length).toBeGreaterThan(0);
    expect(events.map(({ Info }) => Info).filter((info) => info.includes('shop_drill'))).toEqual([]);
  });

  it('S17 that its replicas cannot follow a restore is told by the plan and by the restore', async () => {
    const taken = await takeDump(open('shop'), folder.path);
    const told = expect.stringMatching(/binary log.*binlog_do_db: shop.*replicas/);
    const asked = { scope: null, owners: 'keep', facts: taken.facts, inside: false } as const;
    expect(await open('shop').consequences?.(taken.dump, asked, never)).toEqual([told]);
    expect(await open('shop_copy').consequences?.(taken.dump, asked, never)).toEqual([]);
    const restored = await bringBack(open('shop_restoring_20261121_120000_abcdef'), taken);
    expect(restored.warnings).toEqual([told]);
    expect((await bringBack(open('shop_copy'), taken)).warnings).toEqual([]);
    // Who may not see it is told nothing, and kept from nothing.
    const modest = open('shop', { user: 'modest', password: 'secret-modest' });
    expect(await modest.consequences?.(taken.dump, asked, never)).toEqual([]);
  });
});
