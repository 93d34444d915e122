import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareCounts } from '../../src/care/proof/compare.ts';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import { hasMysql, openMysql, product, startMysql, type TestMysql } from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

/** What MySQL has and MariaDB has not, or writes in another way. */
const tables = [
  'CREATE TABLE invisible (id INT PRIMARY KEY, s INT DEFAULT 5 INVISIBLE)',
  'INSERT INTO invisible (id, s) VALUES (1, 6)',
  'CREATE TABLE functional (id INT PRIMARY KEY, s VARCHAR(20), KEY k ((LOWER(s))), KEY d (s DESC))',
  "INSERT INTO functional VALUES (1, 'A')",
  'CREATE TABLE expression (id INT PRIMARY KEY, s CHAR(36) DEFAULT (UUID()), d JSON DEFAULT (JSON_ARRAY()))',
  'INSERT INTO expression (id) VALUES (1)',
  'CREATE TABLE places (id INT PRIMARY KEY, p POINT NOT NULL SRID 4326, SPATIAL INDEX (p))',
  "INSERT INTO places VALUES (1, ST_GeomFromText('POINT(1 2)', 4326))",
  'SET SESSION sql_generate_invisible_primary_key = ON',
  'CREATE TABLE no_key (s INT)',
  'INSERT INTO no_key VALUES (1)',
  'SET SESSION sql_generate_invisible_primary_key = OFF',
  'CREATE TABLE members (id INT PRIMARY KEY, d JSON, KEY k ((CAST(d -> "$.a" AS UNSIGNED ARRAY))))',
  `INSERT INTO members VALUES (1, '{"a": [1, 2]}')`,
];
const vectors = [
  'CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(3))',
  "INSERT INTO vectors VALUES (1, TO_VECTOR('[1,2,3]'))",
];
const generated = [
  'CREATE TABLE doubled (id INT PRIMARY KEY, g INT AS (id * 2))',
  'INSERT INTO doubled (id) VALUES (1)',
];

describe.skipIf(!hasMysql() || product !== 'mysql')('MySQL by its own tools, and by those of MariaDB', () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await startMysql();
    folder = await temporaryFolder();
    for (const [name, statements] of Object.entries({ plain: tables, whole: [...tables, ...vectors, ...generated] })) {
      await server.sql(null, `CREATE DATABASE \`${name}\``);
      await server.sql(name, ...statements);
    }
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const open = (name: string, tools: string | null, format = 'plain') =>
    openMysql(server, name, {
      scratch: folder.path,
      dump: { format, fingerprints: true },
      database: tools === null ? {} : { tools },
    });
  const shapes = async (name: string) => {
    const found: unknown[] = [];
    const list = await server.sql<{ n: string }>(
      null,
      `SELECT TABLE_NAME AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${name}' AND TABLE_NAME <> 'holdfast_scratch' ORDER BY 1`,
    );
    for (const { n } of list) found.push((await server.sql(name, `SHOW CREATE TABLE \`${n}\``))[0]?.['Create Table']);
    return found;
  };

  it.each([
    ['plain', 'whole', null],
    ['directory', 'whole', null],
    ['plain', 'plain', '/usr/bin'],
    ['directory', 'plain', '/usr/bin'],
  ] as const)('%s of what is in %s comes back as it was, with the tools of %s', async (format, name, tools) => {
    const taken = await takeDump(open(name, tools, format), folder.path);
    expect(taken.warnings.join('\n').includes("MariaDB's")).toBe(tools !== null);
    const copy = `copy_${format}_${tools === null ? 'own' : 'other'}`;
    const { counts } = await bringBack(open(copy, tools), taken);
    expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
    expect(await shapes(copy)).toEqual(await shapes(name));
  });

  it('what the tools of MariaDB would write as MySQL cannot read it is refused before anything begins', async () => {
    const database = open('whole', '/usr/bin');
    await expect(database.open({ folders: true }, never)).rejects.toMatchObject({
      code: 'TOOL_LACKS_FEATURE',
      message: expect.stringContaining('(doubled, vectors)'),
      hint: expect.stringContaining("MySQL's own client tools"),
    });
    const checks = await database.check(never);
    expect(checks).toContainEqual(expect.objectContaining({ name: 'dump tool', result: 'failed' }));
  });
});
