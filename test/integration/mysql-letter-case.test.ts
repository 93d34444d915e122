import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareCounts } from '../../src/care/proof/compare.ts';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import { hasMysql, openMysql, product, productName, startMysql, type TestMysql } from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

describe.skipIf(!hasMysql())(`a ${productName} server that keeps names in lower case`, () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await startMysql({ 'lower-case-table-names': '1' });
    folder = await temporaryFolder();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const open = (name: string, dump: Record<string, unknown> = {}) =>
    openMysql(server, name, { scratch: folder.path, dump });

  for (const format of ['plain', 'directory'] as const) {
    it(`S18 a database that the configuration names with capitals (${format})`, async () => {
      const live = open(`Shop_${format}`, { format });
      await server.sql(
        null,
        `CREATE DATABASE Shop_${format} CHARACTER SET utf8mb4`,
        'CREATE DATABASE IF NOT EXISTS Other',
      );
      await server.sql(
        `Shop_${format}`,
        'CREATE TABLE IF NOT EXISTS other.Seen (Id INT PRIMARY KEY)',
        'CREATE TABLE Orders (Id INT PRIMARY KEY, N INT)',
        'CREATE TABLE Log (N INT)',
        `CREATE VIEW Both_Of AS SELECT o.Id, s.Id AS seen FROM Shop_${format}.Orders o LEFT JOIN Other.Seen s ON s.Id = o.Id`,
        'CREATE FUNCTION Twice (x INT) RETURNS INT DETERMINISTIC RETURN x * 2',
        'CREATE VIEW Doubled AS SELECT Twice(Id) AS d FROM Orders',
        `CREATE TRIGGER Noted AFTER INSERT ON Shop_${format}.Orders FOR EACH ROW INSERT INTO Log VALUES (NEW.Id)`,
        'CREATE EVENT Tidy ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM Log',
        'INSERT INTO Orders VALUES (1, 1)',
      );
      const taken = await takeDump(live, folder.path);
      // A copy reads its own tables.
      await bringBack(open(`Copy_${format}`), taken);
      await server.sql(`copy_${format}`, 'DELETE FROM orders');
      expect(await server.sql(`copy_${format}`, 'SELECT * FROM both_of')).toEqual([]);
      expect(await server.sql(`copy_${format}`, 'SELECT * FROM doubled')).toEqual([]);

      const replacement = open(`Shop_${format}_restoring_20261121_120000_abcdef`);
      await bringBack(replacement, taken);
      await replacement.dress(taken.facts, never);
      await server.sql(`shop_${format}`, 'DELETE FROM Orders', 'DROP VIEW Doubled');
      await live.swap({ replacement: replacement.name, previous: `Shop_${format}_Before` }, 'refuse', never);
      expect(await server.databases()).toEqual(
        expect.arrayContaining([`shop_${format}`, `shop_${format}_before`, `copy_${format}`]),
      );
      expect(await server.databases()).not.toContain(replacement.name.toLowerCase());
      await server.sql(`shop_${format}`, 'INSERT INTO ORDERS VALUES (2, 2)');
      expect(await server.sql(`shop_${format}`, 'SELECT d FROM doubled ORDER BY 1')).toEqual([{ d: 2 }, { d: 4 }]);
      expect(await server.sql(`shop_${format}`, 'SELECT id FROM both_of ORDER BY 1')).toHaveLength(2);
      expect(await server.sql(`shop_${format}_before`, 'SELECT id FROM both_of')).toEqual([]);
      expect(await server.sql(`shop_${format}`, 'SELECT N FROM log')).toHaveLength(2);
      await live.swap({ replacement: `Shop_${format}_Before`, previous: `Shop_${format}_Undone` }, 'refuse', never);
      expect(await server.sql(`shop_${format}`, 'SELECT id FROM both_of')).toEqual([]);
    });
  }

  it('S18 a drill on a throw-away server tells names apart as this one does', async () => {
    const live = open('Drilled');
    await server.sql(null, 'CREATE DATABASE Drilled CHARACTER SET utf8mb4');
    await server.sql(
      'drilled',
      'CREATE TABLE Orders (Id INT PRIMARY KEY)',
      'CREATE TABLE Log (N INT)',
      'CREATE VIEW Doubled AS SELECT Id * 2 AS d FROM Orders',
      'CREATE TRIGGER Noted AFTER INSERT ON Orders FOR EACH ROW INSERT INTO Log VALUES (NEW.Id)',
      'CREATE FUNCTION Written () RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM LOG)',
      'INSERT INTO Orders VALUES (1)',
    );
    const taken = await takeDump(live, folder.path);
    await using temporary = await live.temporary(taken.facts, never);
    const { counts } = await bringBack(temporary, taken);
    expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
    expect(await temporary.select('SELECT Written() AS n, d FROM doubled', never)).toEqual([{ n: 1, d: 2 }]);
  });

  it('S14 a swap that was cut off is found and taken back', async () => {
    const live = open('Cut');
    await server.sql(null, 'CREATE DATABASE Cut CHARACTER SET utf8mb4');
    await server.sql('cut', 'CREATE TABLE T (id INT PRIMARY KEY)', 'CREATE VIEW V AS SELECT * FROM T');
    const taken = await takeDump(live, folder.path);
    const replacement = open('Cut_restoring_20261121_120000_abcdef');
    await bringBack(replacement, taken);
    await replacement.dress(taken.facts, never);
    await server.sql('cut', 'INSERT INTO t VALUES (1)');
    await using holder = await server.session(null);
    await holder.query('START TRANSACTION');
    await holder.query('SELECT * FROM cut.t');
    const stop = new AbortController();
    const swapping = live.swap({ replacement: replacement.name, previous: 'Cut_Before' }, 'refuse', stop.signal);
    swapping.catch(() => undefined);
    await expect
      .poll(async () => (await server.connections()).some(({ info }) => info?.startsWith('RENAME TABLE')))
      .toBe(true);
    await expect(live.open({ folders: true }, never)).rejects.toMatchObject({ code: 'DATABASE_HALF_SWAPPED' });
    stop.abort();
    await holder.query('COMMIT');
    await expect(swapping).rejects.toMatchObject({ kind: 'interrupted' });
    expect(await server.sql('cut', 'SELECT * FROM v')).toEqual([{ id: 1 }]);
    expect(await live.halfSwap?.find(never)).toBeNull();
  });
});

describe.skipIf(!hasMysql())(`a ${productName} server that tells capitals apart`, () => {
  it('S18 a database that differs by case only is another one', async () => {
    await using server = await startMysql({ 'event-scheduler': 'ON' });
    await using folder = await temporaryFolder();
    const open = (name: string) => openMysql(server, name, { scratch: folder.path });
    for (const name of ['shop', 'SHOP']) {
      await server.sql(null, `CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
      await server.sql(
        name,
        `CREATE TABLE t (id INT PRIMARY KEY, ${name}_n INT)`,
        `CREATE FUNCTION f () RETURNS VARCHAR(9) DETERMINISTIC RETURN '${name}'`,
        // The dump tool of 10.5 takes those of the other one for its own.
        ...(server.version.startsWith('10.5.')
          ? []
          : [`CREATE FUNCTION f_${name === 'shop' ? 'low' : 'high'} () RETURNS INT DETERMINISTIC RETURN 1`]),
        `CREATE VIEW v AS SELECT ${name}_n FROM t`,
        `CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.${name}_n = 1`,
        `CREATE TRIGGER tr_${name} BEFORE UPDATE ON t FOR EACH ROW SET NEW.${name}_n = 1`,
        `CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT '${name}'`,
        `CREATE EVENT e_${name} ON SCHEDULE EVERY 1 DAY DO SELECT '${name}'`,
        'SET foreign_key_checks = 0',
        // Names of keys are one for databases that differ by case only.
        `CREATE TABLE k (id INT PRIMARY KEY, CONSTRAINT ${name === 'shop' ? 'low' : 'high'} FOREIGN KEY (id) REFERENCES gone (id))`,
        ...(product === 'mariadb' ? ['CREATE SEQUENCE s', 'CREATE TABLE q (id INT DEFAULT NEXTVAL(s), n INT)'] : []),
      );
    }
    const shown = async (name: string) => {
      const rows: unknown[] = [];
      for (const [catalog, prefix, text] of [
        ['TABLES', 'TABLE', 'TABLE_TYPE'],
        ['TRIGGERS', 'TRIGGER', 'ACTION_STATEMENT'],
        ['ROUTINES', 'ROUTINE', 'ROUTINE_DEFINITION'],
        ['EVENTS', 'EVENT', 'CONCAT(STATUS, EVENT_DEFINITION)'],
      ] as const)
        rows.push(
          await server.sql(
            null,
            `SELECT ${prefix}_NAME AS n, ${text} AS t FROM information_schema.${catalog}
             WHERE CAST(${prefix}_SCHEMA AS BINARY) = '${name}' ORDER BY 1`,
          ),
        );
      return rows;
    };
    const [before, other] = [await shown('shop'), await shown('SHOP')];
    await using session = await server.session('SHOP');
    const replacement = open('shop_restoring_20261121_120000_abcdef');
    const taken = await takeDump(open('shop'), folder.path);
    await bringBack(replacement, taken);
    await replacement.dress(taken.facts, never);
    await open('shop').swap({ replacement: replacement.name, previous: 'shop_before' }, 'refuse', never);
    expect(await shown('shop')).toEqual(before);
    expect(await shown('SHOP')).toEqual(other);
    await open('shop').swap({ replacement: 'shop_before', previous: 'shop_undone' }, 'disconnect', never);
    expect(await shown('shop')).toEqual(before);
    expect(await shown('SHOP')).toEqual(other);
    expect((await session.query('SELECT f() AS f'))[0]).toEqual([{ f: 'SHOP' }]);
  });
});
