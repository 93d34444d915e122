import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import { hasMysql, openMysql, product, productName, startMysql, type TestMysql } from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

describe.skipIf(!hasMysql())(`views over views of ${productName}`, () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await startMysql();
    folder = await temporaryFolder();
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'CREATE TABLE t (id INT PRIMARY KEY, n INT, word VARCHAR(20))',
      "INSERT INTO t VALUES (1, 5, 'one'), (2, 500, 'two')",
      // Read by views whose names come before theirs.
      'CREATE VIEW z_small AS SELECT id, n, word FROM t WHERE n < 1000',
      'CREATE VIEW checked AS SELECT id, n FROM z_small WHERE n < 100 WITH CASCADED CHECK OPTION',
      'CREATE VIEW also_checked AS SELECT c.id, c.n FROM shop.checked AS c WITH LOCAL CHECK OPTION',
      // Columns, aliases and texts that are called like other views are not these.
      "CREATE VIEW a AS SELECT id AS b, n AS checked, 'from `b`' AS z_small FROM t",
      'CREATE VIEW b AS SELECT x.b AS a, COUNT(*) AS c FROM a AS x JOIN (SELECT id FROM z_small) AS y ON y.id = x.b GROUP BY x.b ORDER BY a',
      'CREATE VIEW c AS WITH named AS (SELECT b.a FROM b) SELECT a AS d FROM named UNION SELECT (SELECT MAX(e.n) FROM z_small AS e)',
    );
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const open = (name: string, dump: Record<string, unknown> = {}) =>
    openMysql(server, name, { scratch: folder.path, dump });
  const shown = async (name: string) => {
    const rows: unknown[] = [];
    for (const view of ['a', 'also_checked', 'b', 'c', 'checked', 'z_small'])
      rows.push(view, await server.sql(name, `SELECT * FROM \`${view}\` ORDER BY 1`));
    const options = await server.sql(
      null,
      `SELECT TABLE_NAME AS name, CHECK_OPTION AS checks, IS_UPDATABLE AS updatable FROM information_schema.VIEWS WHERE TABLE_SCHEMA = '${name}' ORDER BY 1`,
    );
    return [...rows, options];
  };

  for (const format of ['plain', 'directory'] as const) {
    it(`what they check is restored whatever they are called (${format})`, async () => {
      const taken = await takeDump(open('shop', { format }), folder.path);
      await bringBack(open(`shop_${format}`), taken);
      expect(await shown(`shop_${format}`)).toEqual(await shown('shop'));
      await expect(server.sql(`shop_${format}`, 'INSERT INTO checked VALUES (7, 700)')).rejects.toThrow(
        'CHECK OPTION failed',
      );
    });
  }

  it('a swap makes each after those it reads, whatever their columns are called', async () => {
    const live = await takeDump(open('shop'), folder.path);
    await bringBack(open('goods'), live);
    await open('goods').dress(live.facts, never);
    const replacement = open('goods_restoring_20261121_120000_abcdef');
    await bringBack(replacement, live);
    await replacement.dress(live.facts, never);
    await open('goods').swap({ replacement: replacement.name, previous: 'goods_before' }, 'refuse', never);
    expect(await shown('goods')).toEqual(await shown('shop'));
    expect(await shown('goods_before')).toEqual(await shown('shop'));
    await open('goods').swap({ replacement: 'goods_before', previous: 'goods_undone' }, 'refuse', never);
    expect(await shown('goods')).toEqual(await shown('shop'));
  });

  it('a table or an alias may be called like the database', async () => {
    await server.sql(null, 'CREATE DATABASE stock CHARACTER SET utf8mb4', 'CREATE DATABASE elsewhere');
    await server.sql(
      'elsewhere',
      'CREATE TABLE seen (id INT PRIMARY KEY)',
      'INSERT INTO elsewhere.seen VALUES (1), (2)',
    );
    await server.sql(
      'stock',
      'CREATE TABLE stock (id INT PRIMARY KEY, at DATE)',
      "INSERT INTO stock VALUES (1, '2026-01-02'), (2, '2025-03-04')",
      'CREATE FUNCTION twice (x INT) RETURNS INT DETERMINISTIC RETURN x * 2',
      'CREATE VIEW by_name AS SELECT stock.id, EXTRACT(YEAR FROM stock.at) AS y FROM stock WHERE stock.id > 0',
      'CREATE VIEW by_alias AS SELECT stock.id, stock.twice(stock.y) AS z FROM by_name AS stock',
      'CREATE VIEW both_of AS SELECT stock.id, e.id AS other FROM stock.stock JOIN elsewhere.seen AS e ON e.id = stock.id',
    );
    const read = async (name: string) => [
      await server.sql(name, 'SELECT * FROM by_name ORDER BY id'),
      await server.sql(name, 'SELECT * FROM by_alias ORDER BY id'),
      await server.sql(name, 'SELECT * FROM both_of ORDER BY id'),
    ];
    const before = await read('stock');
    for (const format of ['plain', 'directory'] as const) {
      const taken = await takeDump(open('stock', { format }), folder.path);
      await bringBack(open(`stock_${format}`), taken);
      const replacement = open(`stock_restoring_20261121_12000${format.length - 5}_abcdef`);
      await bringBack(replacement, taken);
      await replacement.dress(taken.facts, never);
      await open('stock').swap({ replacement: replacement.name, previous: `stock_before_${format}` }, 'refuse', never);
      for (const name of ['stock', `stock_${format}`, `stock_before_${format}`])
        expect(await read(name), name).toEqual(before);
      // Each reads its own tables.
      await server.sql(`stock_${format}`, 'DELETE FROM stock');
      expect(await read(`stock_${format}`)).toEqual([[], [], []]);
      expect(await read('stock')).toEqual(before);
    }
  });

  it('S14 a view that reads what is gone is named before a swap takes anything away', async () => {
    await server.sql(null, 'CREATE DATABASE torn CHARACTER SET utf8mb4');
    await server.sql(
      'torn',
      'CREATE TABLE t (id INT PRIMARY KEY)',
      'CREATE TABLE u (id INT PRIMARY KEY)',
      "CREATE VIEW whole AS SELECT id, 'it''s nextval(`x`) \\\\' AS quoted FROM u",
      'CREATE VIEW broken AS SELECT id FROM t',
      // Over a sequence that is gone the server prepares a view, and makes none.
      ...(product === 'mariadb'
        ? [
            'CREATE SEQUENCE `s``1`',
            'CREATE SEQUENCE s2',
            'CREATE VIEW counted AS SELECT LASTVAL(`s``1`) AS a, LASTVAL(s2) AS b',
          ]
        : []),
      'CREATE TRIGGER tr BEFORE INSERT ON u FOR EACH ROW SET NEW.id = 1',
    );
    const taken = await takeDump(open('torn'), folder.path);
    const replacement = open('torn_restoring_20261121_120000_abcdef');
    await bringBack(replacement, taken);
    await replacement.dress(taken.facts, never);
    // What a restore is made for.
    await server.sql('torn', 'DROP TABLE t', ...(product === 'mariadb' ? ['DROP SEQUENCE `s``1`'] : []));
    const before = await server.sql('torn', 'SHOW FULL TABLES');
    const ahead = { mode: 'swap', exists: true } as const;
    const lost = product === 'mariadb' ? '.*counted: .*s``1.*does not exist' : '';
    const reason = expect.stringMatching(new RegExp(`could not be made again.*broken.*doesn't exist${lost}`));
    expect(await open('torn').obstacles?.(ahead as never, never)).toEqual([{ stops: 'swap', reason }]);
    const swapping = () =>
      open('torn').swap({ replacement: replacement.name, previous: 'torn_before' }, 'refuse', never);
    await expect(swapping()).rejects.toMatchObject({ code: 'SWAP_BLOCKED', kind: 'refused', message: reason });
    expect(await server.sql('torn', 'SHOW FULL TABLES')).toEqual(before);
    expect(await server.databases()).toContain(replacement.name);
    expect(await server.databases()).not.toContain('torn_before');
    await server.sql('torn', `DROP VIEW broken${product === 'mariadb' ? ', counted' : ''}`);
    expect(await open('torn').obstacles?.(ahead as never, never)).toEqual([]);
    await swapping();
    expect(await server.sql('torn', 'SELECT COUNT(*) AS n FROM broken')).toEqual([{ n: 0 }]);
    expect(await server.sql('torn_before', 'SELECT quoted FROM whole')).toEqual([]);
  });
});
