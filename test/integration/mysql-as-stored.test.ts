import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareCounts } from '../../src/care/proof/compare.ts';
import { dumpArgs } from '../../src/engines/mysql/dump/arguments.ts';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import {
  hasMysql,
  numbersTo,
  openMysql,
  product,
  startMysql,
  stockTools,
  toolFolder,
  type TestMysql,
} from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);

// MySQL's tool marks texts as bytes when it is told to take them as they are.
describe.runIf(hasMysql() && product === 'mariadb')('rows that MariaDB stores as they are written', () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await startMysql();
    folder = await temporaryFolder();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const open = (name: string, dump: Record<string, unknown> = {}) =>
    openMysql(server, name, { scratch: folder.path, dump: { fingerprints: true, ...dump } });

  /** As the tool writes it that looks at every letter. */
  const translated = async (database: string, history: boolean) => {
    const { host, port, user, password } = server;
    const login = [`--host=${host}`, `--port=${port}`, `--user=${user}`, `--password=${password}`, '--protocol=tcp'];
    const args = dumpArgs({
      flavour: 'mariadb',
      database,
      what: 'everything',
      tables: null,
      withoutTables: [],
      withoutRows: [],
      history,
      asStored: false,
    });
    const options = { encoding: 'buffer', maxBuffer: 64 * 1024 ** 2 } as const;
    const { stdout } = await run(join(toolFolder, stockTools.dump), ['--no-defaults', ...login, ...args], options);
    return stdout;
  };

  it('are, but for one line, what the tool writes that looks at every letter, and come back', async () => {
    const name = 'nästy';
    await server.sql(null, `CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4`);
    await server.sql(name, ...everythingOfTexts(server.version));
    await using session = await server.session(name);
    const texts = fc.sample(
      fc.string({
        unit: fc.oneof(fc.constantFrom(...special), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })),
        maxLength: 40,
      }),
      {
        numRuns: 500,
        seed: 7,
      },
    );
    for (const text of texts)
      await session.query('INSERT INTO plain (a, b) VALUES (?, ?)', [text, text.replaceAll(/[^\0-\uffff]/gu, '')]);
    const history = seriesOf(server.version) >= 10.11;
    const expected = await translated(name, history);

    const plain = await takeDump(open(name, { format: 'plain' }), folder.path);
    const script = await readFile(plain.path);
    expect(script.toString('latin1')).toContain('\n/*!40101 SET NAMES utf8mb4*/;\n');
    expect(Buffer.from(script.toString('latin1').replace('utf8mb4*/;', 'utf8mb4 */;'), 'latin1').equals(expected)).toBe(
      true,
    );

    const directory = await takeDump(open(name, { format: 'directory', jobs: 2, compression: 'zstd:1' }), folder.path);
    for (const file of (await readdir(directory.path)).filter((each) => each.startsWith('t0')))
      expect(zstdDecompressSync(await readFile(join(directory.path, file))).toString('latin1')).toContain('utf8mb4*/;');
    for (const taken of [plain, directory]) {
      const { counts } = await bringBack(open(`back_${taken.dump.format}`), taken);
      expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
      expect(counts.tables.every(({ fingerprint }) => fingerprint !== null)).toBe(true);
    }
  });

  it.each([
    ['BLOB', "x'00FF27C3285C'"],
    ['VARBINARY(20)', "x'E4'"],
    ['BINARY(2)', "x'E40A'"],
    ['BIT(9)', "b'101010101'"],
    ['POINT', 'POINT(1, -2.5)'],
    ['VARCHAR(20) CHARACTER SET latin1', "'äö\\\\'"],
    ["ENUM('ä', 'ö') CHARACTER SET latin2", "'ö'"],
    ['TEXT CHARACTER SET ucs2', "'ä\\n'"],
    ['CHAR(20) CHARACTER SET sjis', "'表'"],
    ['LONGTEXT CHARACTER SET utf16le', "'😀'"],
  ])('are translated where there is a column of type %s', async (type, value) => {
    const name = `other_${type.replaceAll(/\W/g, '_').toLowerCase()}`;
    await server.sql(null, `CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
    await server.sql(
      name,
      `CREATE TABLE t (c ${type}) CHARACTER SET utf8mb4`,
      `INSERT INTO t VALUES (${value})`,
      'CREATE TABLE u (c TEXT)',
    );
    const taken = await takeDump(open(name, { format: 'plain' }), folder.path);
    expect((await readFile(taken.path)).equals(await translated(name, false))).toBe(true);
    const { counts } = await bringBack(open(`${name}_back`), taken);
    expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
    // Without its rows, or itself, it is no reason.
    for (const exclude of [{ tableData: ['t'] }, { tables: ['t'] }]) {
      const { path } = await takeDump(open(name, { format: 'plain', exclude }), folder.path);
      expect(await readFile(path, 'latin1')).toContain('SET NAMES utf8mb4*/;');
    }
  });

  it('are not believed of a tool that names another set of letters, and nothing of it stays', async () => {
    await server.sql(null, 'CREATE DATABASE odd CHARACTER SET utf8mb4');
    await server.sql(
      'odd',
      'CREATE TABLE t (c TEXT)',
      `INSERT INTO t SELECT REPEAT('ä', 1000) FROM ${numbersTo(3000)}`,
    );
    const tools = await mkdtemp(join(folder.path, 'tools-'));
    await symlink(join(toolFolder, stockTools.client), join(tools, stockTools.client));
    const real = join(toolFolder, stockTools.dump);
    await writeFile(
      join(tools, stockTools.dump),
      `#!/bin/sh\ncase "$*" in *--version*) exec ${real} "$@" ;; esac\n${real} "$@" | sed 's/SET NAMES binary/SET NAMES latin9/'\n`,
      { mode: 0o755 },
    );
    for (const format of ['plain', 'directory']) {
      const database = openMysql(server, 'odd', { scratch: folder.path, dump: { format }, database: { tools } });
      await expect(takeDump(database, folder.path)).rejects.toMatchObject({
        code: 'TOOL_FAILED',
        message: expect.stringContaining('character set'),
        hint: expect.stringContaining('11.8'),
      });
      await until(async () => (await server.connections()).length === 0, 'no session stays');
    }
  });

  it('are not taken for such when a column was changed after it was looked at', async () => {
    await server.sql(null, 'CREATE DATABASE moving CHARACTER SET utf8mb4');
    await server.sql('moving', 'CREATE TABLE t (c VARCHAR(9))', "INSERT INTO t VALUES ('ä')", 'CREATE TABLE u (n INT)');
    for (const [format, change] of [
      ['plain', 'ALTER TABLE t MODIFY c VARCHAR(9) CHARACTER SET latin1'],
      ['directory', 'ALTER TABLE u ADD b BLOB'],
      ['plain', 'CREATE TABLE v (b BIT)'],
    ] as const) {
      await server.sql(
        'moving',
        'DROP TABLE IF EXISTS v',
        'ALTER TABLE u DROP COLUMN IF EXISTS b',
        'ALTER TABLE t MODIFY c VARCHAR(9) CHARACTER SET utf8mb4',
      );
      const database = open('moving', { format });
      await expect(
        takeDump(database, folder.path, { meanwhile: async () => void (await server.sql('moving', change)) }),
      ).rejects.toMatchObject({ code: 'DATABASE_CHANGED', retryable: true });
      await takeDump(database, folder.path);
    }
    expect(await open('moving').open({ folders: true }, never)).toBeDefined();
  });
});

const special = ['\0', '\n', '\r', '\\', "'", '"', '\x1a', '%', '_', '`', '\t', '-- ', '/*', '\x80', '\xff', '😀'];

function everythingOfTexts(version: string): string[] {
  return [
    `CREATE TABLE plain (id INT AUTO_INCREMENT PRIMARY KEY, a LONGTEXT CHARACTER SET utf8mb4, b VARCHAR(100) CHARACTER SET utf8mb3)`,
    `CREATE TABLE \`tübel\` (\`ïd\` INT PRIMARY KEY AUTO_INCREMENT, \`größe\` VARCHAR(50) DEFAULT 'ä€' COMMENT 'Kömment', e ENUM('ä', 'ö''x', '€'),
     s SET('é', 'b'), f FLOAT, d DOUBLE, dc DECIMAL(20,5) ZEROFILL, dt DATETIME(6), ts TIMESTAMP(3) NULL, y YEAR, t TIME(2), j JSON, i INET6,
     g VARCHAR(60) AS (CONCAT(\`größe\`, '–ü')) VIRTUAL, h INT INVISIBLE DEFAULT 3, z TEXT COMPRESSED, CHECK (\`größe\` <> 'ß''')) COMMENT 'Täble'
     PARTITION BY HASH (\`ïd\`) PARTITIONS 2`,
    `INSERT INTO \`tübel\` (\`größe\`, e, s, f, d, dc, dt, ts, y, t, j, i, z) VALUES ('a\\0b\\n\\r\\\\\\'"\\Z', 'ä', 'é,b', 1.5e-30, 1e300, 12.5,
     '2020-01-02 03:04:05.123456', '2021-01-01 00:00:00.5', 1999, '-12:13:14.15', '{"ä": "\\\\u00e4"}', '::1', 'ü'), ('', '€', '', 0, -0, 0, NULL, NULL, 0, 0, '[]', NULL, NULL)`,
    "CREATE TABLE p (n VARCHAR(10), KEY (n)) PARTITION BY LIST COLUMNS (n) (PARTITION `pä` VALUES IN ('ä', 'b'), PARTITION p2 VALUES IN ('€'))",
    "INSERT INTO p VALUES ('ä'), ('€')",
    "CREATE VIEW `wü` AS SELECT `größe` AS `ß`, CONCAT('ä', s) AS x FROM `tübel` WHERE e <> 'ö''x'",
    'CREATE VIEW v2 AS SELECT * FROM `wü`',
    "CREATE TRIGGER `trä` BEFORE INSERT ON p FOR EACH ROW SET NEW.n = IF(NEW.n = 'ä', NEW.n, NEW.n)",
    "CREATE FUNCTION `fü` (x VARCHAR(10)) RETURNS VARCHAR(20) DETERMINISTIC RETURN CONCAT(x, 'ä😀')",
    "CREATE PROCEDURE `pü` () COMMENT 'ä' BEGIN SELECT 'ä'; END",
    "CREATE EVENT `evä` ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' COMMENT 'ö' DO INSERT INTO p VALUES ('ä')",
    'CREATE SEQUENCE `sq` START WITH 5',
    'CREATE TABLE ver (x VARCHAR(10)) WITH SYSTEM VERSIONING',
    "INSERT INTO ver VALUES ('ä')",
    "UPDATE ver SET x = 'b'",
    ...(seriesOf(version) >= 10.11
      ? ['CREATE TABLE ids (u UUID, i INET4)', "INSERT INTO ids VALUES (UUID(), '1.2.3.4')"]
      : []),
    // Made by somebody who writes in another set.
    'SET NAMES latin1',
    "CREATE VIEW l1 AS SELECT 'ä' AS z",
    "CREATE PROCEDURE l2 () BEGIN SELECT 'äö'; END",
  ];
}

/** 10.05 and 10.11, which are in this order. */
function seriesOf(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major + minor / 100;
}
