import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareCounts } from '../../src/care/proof/compare.ts';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import { hasMysql, openMysql, product, productName, startMysql, type TestMysql } from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

describe.skipIf(!hasMysql())(`dumps of ${productName}`, () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await startMysql();
    folder = await temporaryFolder();
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await makeEverything(server, 'shop');
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const open = (name: string, dump: Record<string, unknown> = {}) =>
    openMysql(server, name, { scratch: folder.path, dump });

  for (const format of ['plain', 'directory'] as const) {
    it(`every kind of object comes back from the format ${format}, content and all`, async () => {
      const taken = await takeDump(
        open('shop', { format, fingerprints: true, jobs: format === 'plain' ? 1 : 2 }),
        folder.path,
      );
      expect(taken.isolation).toBe('consistent-snapshot-locked');
      expect(taken.warnings.join('\n')).not.toContain('FLOAT');
      const name = `shop_${format}`;
      const { counts, warnings } = await bringBack(open(name), taken);
      expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
      expect(counts.tables.every(({ fingerprint }) => fingerprint !== null)).toBe(true);
      expect(await shapeOf(server, name)).toEqual(await shapeOf(server, 'shop'));
      expect(warnings.join('\n')).toContain('events are switched off here');
      expect(await open('shop').readThrough(taken.dump, never)).toMatchObject({ entries: expect.any(Number) });
      const entries = await open('shop').contents(taken.dump, never);
      expect(
        entries
          .filter(({ kind }) => kind === 'TABLE')
          .map(({ name: table }) => table)
          .toSorted(),
      ).toEqual(taken.counts.tables.map(({ name: table }) => table).toSorted());
    });
  }
});

describe.skipIf(!hasMysql())(`what the tools of ${productName} cannot write`, () => {
  it.runIf(product === 'mariadb')(
    'history that goes by transactions, which no tool saves, keeps nothing else from being saved',
    async () => {
      await using server = await startMysql();
      await using folder = await temporaryFolder();
      await server.sql(null, 'CREATE DATABASE counted');
      await server.sql(
        'counted',
        `CREATE TABLE by_transaction (id INT PRIMARY KEY, n INT, began BIGINT UNSIGNED GENERATED ALWAYS AS ROW START,
         ended BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (began, ended)) ENGINE=InnoDB WITH SYSTEM VERSIONING`,
        'CREATE TABLE by_time (id INT PRIMARY KEY, n INT) WITH SYSTEM VERSIONING',
        'INSERT INTO by_transaction (id, n) VALUES (1, 1)',
        'INSERT INTO by_time VALUES (1, 1)',
        'UPDATE by_transaction SET n = 2',
        'UPDATE by_time SET n = 2',
      );
      const [tool] = await server.sql<{ v: string }>(null, 'SELECT VERSION() AS v');
      const savesHistory = !tool?.v.startsWith('10.5.');
      const formats = { plain: 1, directory: savesHistory ? 2 : 1, auto: savesHistory ? 2 : 1 };
      for (const [format, versions] of Object.entries(formats)) {
        const open = (name: string) =>
          openMysql(server, name, { scratch: folder.path, dump: { format, fingerprints: true } });
        const taken = await takeDump(open('counted'), folder.path);
        expect(taken.warnings.join('\n')).toMatch(/only the present rows, not their history: .*by_transaction/);
        const copy = open(`counted_${format}`);
        const { counts } = await bringBack(copy, taken);
        expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
        expect(await server.sql(copy.name, 'SELECT id, n FROM by_transaction')).toEqual([{ id: 1, n: 2 }]);
        expect(await server.sql(copy.name, 'SELECT n FROM by_time FOR SYSTEM_TIME ALL')).toHaveLength(versions);
      }
    },
  );

  it('rows that lie elsewhere are not counted as if they were in the dump, and told', async () => {
    await using server = await startMysql();
    await using folder = await temporaryFolder();
    await server.sql(null, 'CREATE DATABASE shop', 'CREATE DATABASE elsewhere');
    await server.sql('elsewhere', 'CREATE TABLE t (id INT) ENGINE=MyISAM', 'INSERT INTO t VALUES (1), (2)');
    await server.sql(
      'shop',
      'CREATE TABLE merged (id INT) ENGINE=MERGE UNION=(elsewhere.t)',
      'CREATE TABLE own (id INT)',
      'INSERT INTO own VALUES (1)',
    );
    for (const format of ['plain', 'directory']) {
      const database = openMysql(server, 'shop', { scratch: folder.path, dump: { format, fingerprints: true } });
      const { counts, warnings } = await takeDump(database, folder.path);
      const rows = counts.tables.map((each) => [each.name, each.rows, each.fingerprint === null]);
      expect(rows).toEqual([
        ['merged', null, true],
        ['own', 1, false],
      ]);
      expect(warnings).toEqual([expect.stringMatching(/not in this backup.*: merged \(MRG_MYISAM\)/i)]);
    }
  });

  it('digits of FLOAT are told, where values have more than the tool writes', async () => {
    await using server = await startMysql();
    await using folder = await temporaryFolder();
    await server.sql(null, 'CREATE DATABASE shop');
    await server.sql(
      'shop',
      'CREATE TABLE short (id INT PRIMARY KEY, f FLOAT, g FLOAT)',
      'INSERT INTO short VALUES (1, 0.1, NULL), (2, -123456, 1e38), (3, 0, 0.333333)',
      'CREATE TABLE `long` (id INT PRIMARY KEY, f FLOAT, g FLOAT)',
      'INSERT INTO `long` VALUES (1, 0.1, 16777215)',
      'CREATE TABLE doubles (d DOUBLE)',
      'INSERT INTO doubles VALUES (52.520008123)',
    );
    const open = (dump: Record<string, unknown>) => openMysql(server, 'shop', { scratch: folder.path, dump });
    for (const format of ['plain', 'directory']) {
      const { warnings } = await takeDump(open({ format }), folder.path);
      const told = warnings.filter((each) => each.includes('FLOAT'));
      expect(told).toEqual([expect.stringMatching(/come back rounded: long; ALTER TABLE/)]);
    }
    const excluded = await takeDump(open({ exclude: { tables: ['long'] } }), folder.path);
    expect(excluded.warnings.join('\n')).not.toContain('FLOAT');
  });

  it('texts are told that do not come back from utf8mb4 as they are', async () => {
    await using server = await startMysql();
    await using folder = await temporaryFolder();
    await server.sql(null, 'CREATE DATABASE shop');
    await server.sql(
      'shop',
      'CREATE TABLE fine (a VARCHAR(9) CHARACTER SET latin1, b TEXT CHARACTER SET greek, c CHAR(9) CHARACTER SET sjis)',
      "INSERT INTO fine VALUES (UNHEX('8081FF'), UNHEX('C1'), UNHEX('955C'))",
      'CREATE TABLE `number one` (t VARCHAR(9) CHARACTER SET sjis)',
      "INSERT INTO `number one` VALUES (UNHEX('8740'))",
      'CREATE TABLE euro (id INT, t TEXT CHARACTER SET greek)',
      "INSERT INTO euro VALUES (1, UNHEX('C1')), (2, UNHEX('A4'))",
    );
    const bytes = async (database: string) => [
      await server.sql(database, 'SELECT HEX(a) AS a, HEX(b) AS b, HEX(c) AS c FROM fine'),
      await server.sql(database, 'SELECT HEX(t) AS t FROM `number one`'),
      await server.sql(database, 'SELECT HEX(t) AS t FROM euro WHERE id = 2'),
    ];
    const open = (name: string, dump: Record<string, unknown> = {}) =>
      openMysql(server, name, { scratch: folder.path, dump });
    const taken = await takeDump(open('shop'), folder.path);
    expect(taken.warnings.filter((each) => each.includes('character set'))).toEqual([
      expect.stringMatching(/as they are: euro, `number one`; ALTER TABLE/),
    ]);
    await bringBack(open('copy'), taken);
    const [before, after] = [await bytes('shop'), await bytes('copy')];
    expect(after[0]).toEqual(before[0]);
    for (const at of [1, 2]) expect(after[at]).not.toEqual(before[at]);
    const excluded = await takeDump(open('shop', { exclude: { tables: ['euro', 'number*'] } }), folder.path);
    expect(excluded.warnings.join('\n')).not.toContain('character set');
  });

  it('choices with letters that the server shows nobody come back, or are told', async () => {
    await using server = await startMysql();
    await using folder = await temporaryFolder();
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      "CREATE TABLE moods (id INT PRIMARY KEY, m ENUM('fine', '😀'), n SET('ä', 'b😀'))",
      "INSERT INTO moods VALUES (1, 'fine', 'ä'), (2, '😀', ''), (3, NULL, 'ä,b😀')",
      "CREATE TABLE unused (m ENUM('fine', '😀', '?'))",
      "INSERT INTO unused VALUES ('fine'), ('?')",
    );
    const open = (name: string) => openMysql(server, name, { scratch: folder.path });
    const taken = await takeDump(open('shop'), folder.path);
    await bringBack(open('copy'), taken);
    const rows = (database: string) => server.sql(database, 'SELECT * FROM moods ORDER BY id');
    const comesBack = isDeepStrictEqual(await rows('copy'), await rows('shop'));
    const told = taken.warnings.filter((each) => each.includes('ENUM'));
    expect(told).toEqual(comesBack ? [] : [expect.stringMatching(/come back empty: moods; VARCHAR/)]);
  });

  it('an event over whose text the tool would never come to an end is refused before it begins', async () => {
    await using server = await startMysql();
    await using folder = await temporaryFolder();
    await server.sql(null, 'CREATE DATABASE shop');
    const database = openMysql(server, 'shop', { scratch: folder.path });
    await server.sql('shop', "CREATE EVENT fine ON SCHEDULE EVERY 1 DAY COMMENT ';' DO SELECT '; ;'");
    await takeDump(database, folder.path);
    await server.sql('shop', "CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO SELECT ';;'");
    const message = expect.stringMatching(/;;.*\(tidy\)/);
    await expect(database.open({ folders: true }, never)).rejects.toMatchObject({
      code: 'TOOL_LACKS_FEATURE',
      message,
    });
    const checks = await database.check(never);
    expect(checks).toContainEqual(expect.objectContaining({ name: 'dump tool', result: 'failed', detail: message }));
    await server.sql('shop', "ALTER EVENT tidy COMMENT 'a;;b' DO SELECT 1");
    await expect(database.open({ folders: true }, never)).rejects.toMatchObject({
      code: 'TOOL_LACKS_FEATURE',
      message,
    });
  });
});

async function shapeOf(server: TestMysql, database: string): Promise<unknown> {
  const columns = await server.sql(
    null,
    `SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLUMN_DEFAULT, EXTRA, GENERATION_EXPRESSION FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = '${database}' ORDER BY 1, ORDINAL_POSITION`,
  );
  const objects = await server.sql(
    null,
    `SELECT TABLE_NAME AS name, TABLE_TYPE AS kind FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${database}'
       AND TABLE_NAME <> 'holdfast_scratch'
     UNION SELECT ROUTINE_NAME, CONCAT(ROUTINE_TYPE, DEFINER) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${database}'
     UNION SELECT TRIGGER_NAME, CONCAT('TRIGGER', DEFINER, ACTION_STATEMENT) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '${database}'
     UNION SELECT EVENT_NAME, CONCAT('EVENT', EVENT_DEFINITION) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '${database}'
     ORDER BY 2, 1`,
  );
  const keys = await server.sql(
    null,
    `SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = '${database}'
       AND TABLE_NAME <> 'holdfast_scratch' ORDER BY 1, 2, SEQ_IN_INDEX`,
  );
  const own = columns
    .filter((each) => each['TABLE_NAME'] !== 'holdfast_scratch')
    .map((each) => ({
      ...each,
      COLUMN_DEFAULT: String(each['COLUMN_DEFAULT']).replace(`\`${database}\`.`, 'its own '),
    }));
  return { columns: own, objects, keys };
}

const onlyMariadbHas = [
  'CREATE TABLE history (id INT PRIMARY KEY, t VARCHAR(20)) WITH SYSTEM VERSIONING',
  "INSERT INTO history VALUES (1, 'a'), (2, 'b')",
  "UPDATE history SET t = 'c' WHERE id = 1",
  'CREATE SEQUENCE numbers START WITH 10 INCREMENT BY 5',
  'SELECT NEXTVAL(numbers)',
  'CREATE TABLE with_sequence (id INT DEFAULT NEXTVAL(numbers) PRIMARY KEY, t INT)',
];

async function makeEverything(server: TestMysql, database: string): Promise<void> {
  await server.sql(
    database,
    'CREATE TABLE customer (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(200) UNIQUE, note TEXT, photo LONGBLOB, flags BIT(5), price DECIMAL(20,4), at TIMESTAMP(6) NULL, place POINT, doc JSON, small FLOAT, big DOUBLE)',
    "INSERT INTO customer (name, note, photo, flags, price, at, place, doc, small, big) VALUES ('backslash \\\\', 'ends in \\\\', x'00FF27220A0D1A5C', b'10101', 1234567890.1234, '2026-01-02 03:04:05.678901', POINT(1.5, -2), '{\"a\": \"\\\\\\\\\"}', 0.1, 1e300)",
    "INSERT INTO customer (name, note, photo) VALUES ('😀 Ünïcode', 'line\\nbreak;\\n-- Table structure for table `x`\\nINSERT INTO `y`', NULL), ('quote '' \" `', 'tab\\t', ''), ('', NULL, x'5C')",
    "SET sql_mode=''",
  );
  await server.sql(
    database,
    'CREATE TABLE `odd ``name`` "$x" ü; -- \nline` (`a ``b\nc` INT PRIMARY KEY, `select` VARCHAR(10) AS (CONCAT(\'x\', `a ``b\nc`)) STORED, v INT AS (1 + 1) VIRTUAL)',
    'INSERT INTO `odd ``name`` "$x" ü; -- \nline` (`a ``b\nc`) VALUES (1), (2)',
    'CREATE TABLE orders (id INT PRIMARY KEY, customer INT, total INT CHECK (total >= 0), hidden INT DEFAULT 7 INVISIBLE, FOREIGN KEY (customer) REFERENCES customer (id))',
    'INSERT INTO orders (id, customer, total) VALUES (1, 1, 10), (2, 2, 20)',
    'CREATE TABLE a_child (id INT PRIMARY KEY, o INT, FOREIGN KEY (o) REFERENCES orders (id))',
    'INSERT INTO a_child VALUES (1, 2)',
    'CREATE TABLE parts (id INT, y INT) PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)',
    'INSERT INTO parts VALUES (1, 1), (2, 100)',
    ...(product === 'mariadb' ? onlyMariadbHas : []),
    'CREATE TABLE empty_one (id INT)',
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
    'CREATE TABLE zero (id INT AUTO_INCREMENT PRIMARY KEY, d DATE)',
    "INSERT INTO zero VALUES (0, '0000-00-00')",
    'CREATE FUNCTION plus_one (x INT) RETURNS INT DETERMINISTIC RETURN x + 1',
    "CREATE PROCEDURE report () BEGIN\nINSERT INTO zero VALUES (NULL, NOW());\nSELECT ';;' AS `DEFINER=x`;\nEND",
    `CREATE TRIGGER ${database}.watch AFTER INSERT ON ${database}.orders FOR EACH ROW BEGIN UPDATE customer SET note = note WHERE id = NEW.customer; END`,
    'CREATE EVENT tidy ON SCHEDULE EVERY 1 HOUR DO DELETE FROM empty_one',
    'CREATE EVENT never_runs ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM empty_one',
    'CREATE VIEW a_view AS SELECT o.id, c.name FROM z_orders_placeholder o JOIN customer c ON c.id = o.id'.replace(
      'z_orders_placeholder',
      'orders',
    ),
    `CREATE VIEW b_view AS SELECT plus_one(${database}.a_view.id) AS n, COUNT(*) AS c FROM ${database}.a_view GROUP BY ${database}.a_view.id`,
  );
}
