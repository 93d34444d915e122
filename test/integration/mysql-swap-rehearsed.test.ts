import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/engines/engine.ts';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import { asleep, hasMysql, openMysql, productName, startMysql, type TestMysql } from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

describe.skipIf(!hasMysql())(`what could end a swap of ${productName} databases half-way`, () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await startMysql({ 'event-scheduler': 'ON' });
    folder = await temporaryFolder();
  });
  afterEach(async () => {
    for (const name of await server.databases()) await server.sql(null, `DROP DATABASE \`${name}\``);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const open = (name: string) => openMysql(server, name, { scratch: folder.path });

  /** A database as it is now, loaded and proven beside the live one. */
  const beside = async (name = 'shop'): Promise<{ live: Database; replacement: string; previous: string }> => {
    const taken = await takeDump(open(name), folder.path);
    const replacement = open(`${name}_restoring_20261121_120000_abcdef`);
    await bringBack(replacement, taken);
    await replacement.dress(taken.facts, never);
    return { live: open(name), replacement: replacement.name, previous: `${name}_before` };
  };
  /** All there is, as the server shows it. */
  const shown = async (name: string) => {
    const texts: unknown[] = [];
    const quoted = (text: string) => `\`${text.replaceAll('`', '``')}\``;
    const look = async (kind: string, query: string) => {
      for (const { n } of await server.sql<{ n: string }>(null, `${query} = '${name}' ORDER BY 1`))
        texts.push(Object.values((await server.sql(name, `SHOW CREATE ${kind} ${quoted(n)}`))[0] ?? {}));
    };
    const from = 'FROM information_schema';
    await look('TABLE', `SELECT TABLE_NAME AS n ${from}.TABLES WHERE BINARY TABLE_SCHEMA`);
    await look('TRIGGER', `SELECT TRIGGER_NAME AS n ${from}.TRIGGERS WHERE BINARY TRIGGER_SCHEMA`);
    await look(
      'FUNCTION',
      `SELECT ROUTINE_NAME AS n ${from}.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION' AND BINARY ROUTINE_SCHEMA`,
    );
    await look('EVENT', `SELECT EVENT_NAME AS n ${from}.EVENTS WHERE BINARY EVENT_SCHEMA`);
    // When a trigger was made does not come back; nor does the name of its own database.
    return JSON.stringify(texts)
      .replaceAll(/"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*"/g, '""')
      .replaceAll(/(?<=(?:TRIGGER|ON) )shop\./g, '');
  };
  const swap = async ({ live, ...names }: Awaited<ReturnType<typeof beside>>, signal = never) =>
    live.swap(names, 'refuse', signal);

  it('S14 a trigger whose column is gone is named before anything is taken away', async () => {
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'CREATE TABLE customer (id INT PRIMARY KEY)',
      'CREATE TABLE orders (id INT PRIMARY KEY, price INT)',
      'CREATE TRIGGER kept AFTER INSERT ON customer FOR EACH ROW SET @last = NEW.id',
      'CREATE TRIGGER `odd ``one` /* of all */ BEFORE INSERT ON `orders` FOR EACH ROW BEGIN SET NEW.price = NEW.price + 1; END',
      'CREATE VIEW v AS SELECT id FROM orders',
    );
    const all = await beside();
    // The mistake a restore is made for: from now on nobody can insert, and the server makes no such trigger any more.
    await server.sql('shop', 'ALTER TABLE orders DROP COLUMN price');
    const [before, restored] = [await shown('shop'), await shown(all.replacement)];
    await expect(swap(all)).rejects.toMatchObject({
      code: 'SWAP_BLOCKED',
      kind: 'refused',
      message: expect.stringMatching(/could not be made again \(trigger `odd ``one`\): .*price/),
      hint: expect.stringContaining('remove'),
    });
    expect(await shown('shop')).toBe(before);
    expect(await shown(all.replacement)).toBe(restored);
    expect(await server.databases()).toEqual(['shop', all.replacement]);
    await server.sql('shop', 'DROP TRIGGER `odd ``one`');
    await swap(all);
    expect(await server.sql('shop', 'INSERT INTO orders VALUES (1, 1)', 'SELECT price FROM orders')).toEqual([
      { price: 2 },
    ]);
  });

  it('S14 nor a view that checks what is written through another, which takes no writes any more', async () => {
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'CREATE TABLE t (id INT PRIMARY KEY, n INT)',
      'CREATE VIEW lower_one AS SELECT id, n FROM t WHERE n < 100',
      'CREATE VIEW `upper ``one` AS SELECT id, n FROM lower_one WITH CASCADED CHECK OPTION',
      'CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.n = NEW.n',
    );
    const all = await beside();
    // It can still be read, and the server goes on showing its text.
    await server.sql('shop', 'CREATE OR REPLACE VIEW lower_one AS SELECT DISTINCT id, n FROM t');
    const before = await shown('shop');
    await expect(swap(all)).rejects.toMatchObject({
      code: 'SWAP_BLOCKED',
      message: expect.stringMatching(/could not be made again \(view `upper ``one`\): /),
    });
    expect(await shown('shop')).toBe(before);
    expect(await server.databases()).toEqual(['shop', all.replacement]);
    await server.sql('shop', 'DROP VIEW `upper ``one`');
    await swap(all);
    await expect(server.sql('shop', 'INSERT INTO `upper ``one` VALUES (1, 500)')).rejects.toThrow('CHECK OPTION');
  });

  it('S14 what is tried before a swap runs nothing, changes nothing and leaves nothing', async () => {
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, n INT, s VARCHAR(20) DEFAULT "it\'s", g INT AS (n * 2) STORED, CHECK (n < 1000)) PARTITION BY HASH (id) PARTITIONS 3',
      'CREATE TABLE u (id INT PRIMARY KEY, t INT, z DATE NOT NULL, FOREIGN KEY (t) REFERENCES u (id))',
      'CREATE FUNCTION twice (x INT) RETURNS INT DETERMINISTIC RETURN x * 2',
      'CREATE FUNCTION `a ``b` (x INT) RETURNS INT DETERMINISTIC RETURN shop.twice(x)',
      'SET sql_mode = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"',
      "CREATE FUNCTION \"quoted\" () RETURNS VARCHAR(20) DETERMINISTIC COMMENT 'it''s' RETURN 'a\\'",
      "SET sql_mode = ''",
      'CREATE PROCEDURE p () BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM t; END',
      "CREATE VIEW v AS SELECT id, twice(n) AS `VIEW ``v```, 'VIEW `v`' AS s FROM t",
      'CREATE VIEW w AS SELECT v.* FROM v JOIN shop.u ON u.id = v.id',
      'CREATE TRIGGER first_one BEFORE INSERT ON t FOR EACH ROW SET NEW.n = NEW.n + 1',
      'CREATE TRIGGER second_one BEFORE INSERT ON t FOR EACH ROW PRECEDES first_one SET NEW.n = NEW.n * 2',
      'CREATE TRIGGER shop.third_one AFTER DELETE ON shop.u FOR EACH ROW DELETE FROM t WHERE id = OLD.id',
      'CREATE EVENT runs ON SCHEDULE EVERY 1 SECOND DO INSERT INTO u VALUES (1, NULL, NOW())',
      'DROP EVENT runs',
      'CREATE EVENT once ON SCHEDULE AT NOW() + INTERVAL 1 DAY ON COMPLETION PRESERVE DO DELETE FROM t',
      'INSERT INTO t (n) VALUES (1), (2)',
    );
    const all = await beside();
    const before = await shown('shop');
    const restored = await shown(all.replacement);
    await server.sql('shop', 'CREATE EVENT runs ON SCHEDULE EVERY 1 SECOND DO CREATE TABLE ran (id INT)');
    await until(async () => (await server.sql('shop', 'SHOW TABLES LIKE "ran"')).length > 0, 'the event ran');
    await server.sql('shop', 'DROP EVENT runs', 'DROP TABLE ran');
    await swap(all);
    expect(await shown('shop')).toBe(before);
    expect(await shown(all.previous)).toBe(restored.replaceAll(all.replacement, all.previous));
    expect(await server.databases()).toEqual(['shop', all.previous]);
    expect(await server.sql('shop', 'SELECT n, g FROM t ORDER BY id')).toEqual([
      { n: 3, g: 6 },
      { n: 5, g: 10 },
    ]);
  });

  it('S17 the character set of the database comes back with it, and goes with the way back', async () => {
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci');
    const functionOf = (name: string) =>
      `CREATE FUNCTION ${name} (x VARCHAR(10)) RETURNS VARCHAR(10) DETERMINISTIC RETURN x`;
    await server.sql(
      'shop',
      'CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(20))',
      "INSERT INTO t VALUES (1, 'Ж')",
      'CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id',
      'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM t',
      functionOf('f'),
      'ALTER DATABASE shop CHARACTER SET cp1251 COLLATE cp1251_bin',
      functionOf('g'),
      'ALTER DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
    );
    const made = async (name: string) =>
      (
        await server.sql<{ m: string }>(
          null,
          `SELECT CONCAT(TRIGGER_NAME, ' ', DATABASE_COLLATION) AS m FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '${name}'
           UNION SELECT CONCAT(ROUTINE_NAME, ' ', DATABASE_COLLATION) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${name}'
           UNION SELECT CONCAT(EVENT_NAME, ' ', DATABASE_COLLATION) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '${name}' ORDER BY 1`,
        )
      ).map(({ m }) => m);
    const all = await beside();
    const saved = await made('shop');
    expect(saved).toEqual(['e utf8mb4_unicode_ci', 'f utf8mb4_unicode_ci', 'g cp1251_bin', 'tr utf8mb4_unicode_ci']);
    await server.sql(
      'shop',
      'ALTER DATABASE shop CHARACTER SET latin1 COLLATE latin1_general_ci',
      'DROP FUNCTION g',
      functionOf('g'),
      functionOf('h'),
    );
    const lived = await made('shop');
    expect(lived).toContain('g latin1_general_ci');
    const characters = async (name: string) =>
      (
        await server.sql<{ c: string }>(
          null,
          `SELECT DEFAULT_COLLATION_NAME AS c FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '${name}'`,
        )
      )[0]?.c;
    await swap(all);
    expect([await characters('shop'), await characters(all.previous)]).toEqual([
      'utf8mb4_unicode_ci',
      'latin1_general_ci',
    ]);
    expect([await made('shop'), await made(all.previous)]).toEqual([saved, lived]);
    await swap({ ...all, replacement: all.previous, previous: 'shop_undone' });
    expect([await characters('shop'), await characters('shop_undone')]).toEqual([
      'latin1_general_ci',
      'utf8mb4_unicode_ci',
    ]);
    expect([await made('shop'), await made('shop_undone')]).toEqual([lived, saved]);
  });

  it('S17 names beyond the character set that a view or an event was made in', async () => {
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'CREATE TABLE `стол` (id INT PRIMARY KEY, `цена` INT)',
      'SET collation_connection = latin1_swedish_ci',
      'CREATE VIEW `вид` AS SELECT `цена` FROM `стол`',
      'CREATE EVENT `ночь` ON SCHEDULE EVERY 1 DAY DISABLE ON SLAVE DO DELETE FROM `стол`',
      'CREATE EVENT `день` ON SCHEDULE EVERY 1 DAY DO DELETE FROM `стол`',
    );
    const all = await beside();
    const ahead = { mode: 'swap', exists: true } as const;
    expect(await all.live.obstacles?.(ahead as never, never)).toEqual([]);
    await swap(all);
    await swap({ ...all, replacement: all.previous, previous: 'shop_undone' });
    const rows = await server.sql<{ n: string; s: string }>(
      null,
      "SELECT EVENT_NAME AS n, STATUS AS s FROM information_schema.EVENTS WHERE BINARY EVENT_SCHEMA = 'shop'",
    );
    expect(Object.fromEntries(rows.map(({ n, s }) => [n, s]))).toEqual({ ночь: asleep, день: 'ENABLED' });
  });

  /** Applications come again and again while a swap waits for a table and nobody answers them. */
  const crowded = async () => {
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql('shop', 'CREATE TABLE customer (id INT PRIMARY KEY)', 'CREATE VIEW v AS SELECT id FROM customer');
    const all = await beside();
    const before = await shown('shop');
    const waiting = new AsyncDisposableStack();
    const holder = waiting.use(await server.session(null));
    await holder.query('START TRANSACTION');
    await holder.query('SELECT * FROM shop.customer');
    const full = async () => {
      let own: number | undefined;
      await until(async () => {
        own = (await server.connections()).find(({ info }) => info?.startsWith('RENAME TABLE'))?.id;
        return own !== undefined;
      }, 'the renaming waits for the table');
      for (let count = 0; count < 20; count += 1) waiting.use(await server.session(null));
      await holder.query('SET GLOBAL max_connections = 10');
      await expect(server.sql(null, 'SELECT 1')).rejects.toThrow('Too many connections');
      return own;
    };
    return { all, before, holder, full, waiting };
  };

  it('S14 a swap is taken back on a server that lets nobody in any more', async () => {
    const { all, before, holder, full, waiting } = await crowded();
    await using _ = waiting;
    const stop = new AbortController();
    const swapping = swap(all, stop.signal);
    swapping.catch(() => undefined);
    await full();
    stop.abort();
    await holder.query('COMMIT');
    await expect(swapping).rejects.toMatchObject({
      kind: 'interrupted',
      message: expect.stringContaining('taken back'),
    });
    await holder.query('SET GLOBAL max_connections = 100');
    expect(await shown('shop')).toBe(before);
    expect(await server.databases()).toEqual(['shop', all.replacement]);
  });

  it('S6 and when its own session was ended meanwhile, as soon as it is let in', async () => {
    const { all, before, holder, full, waiting } = await crowded();
    await using _ = waiting;
    const swapping = swap(all);
    swapping.catch(() => undefined);
    const own = await full();
    // Where they are counted depends on the server.
    const refused = async () => {
      const [rows] = await holder.query(
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Aborted_connects', 'Connection_errors_max_connections')",
      );
      return (rows as { Value: string }[]).reduce((sum, { Value }) => sum + Number(Value), 0);
    };
    const turnedAway = await refused();
    await holder.query(`KILL ${own}`);
    await until(async () => (await refused()) > turnedAway, 'it was turned away');
    await holder.query('COMMIT');
    await holder.query('SET GLOBAL max_connections = 100');
    await expect(swapping).rejects.toMatchObject({ message: expect.stringContaining('taken back') });
    expect(await shown('shop')).toBe(before);
    expect(await server.databases()).toEqual(['shop', all.replacement]);
  });
});
