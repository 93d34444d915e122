import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareCounts } from '../../src/care/proof/compare.ts';
import { recognise as recognisePostgres } from '../../src/engines/postgres/read/recognise.ts';
import { bringBack, never, takeDump, type TakenDump } from '../support/mysql-backup.ts';
import { wholeLoad } from '../support/whole-load.ts';
import {
  asleep,
  hasMysql,
  numbersTo,
  openMysql,
  product,
  productName,
  startMysql,
  stockTools,
  storedAt,
  type TestMysql,
} from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);

describe.skipIf(!hasMysql())(`restores into ${productName}`, () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  let taken: TakenDump;
  const login = { user: 'plain', password: 'secret-of-plain' };
  beforeAll(async () => {
    server = await startMysql({ 'log-bin': 'on', 'server-id': '1', 'event-scheduler': 'ON' });
    folder = await temporaryFolder();
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      "CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'secret-of-plain'",
      "GRANT ALL ON `mine\\_%`.* TO plain@'127.0.0.1'",
      "CREATE USER maker@'%' IDENTIFIED BY 'x12345'",
      "GRANT SELECT, UPDATE, TRIGGER ON *.* TO maker@'%'",
      'CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(50))',
      "INSERT INTO t VALUES (1, 'DEFINER=`maker`@`%`'), (2, '`shop`.`t`')",
      'CREATE TABLE other (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES t (id))',
      'INSERT INTO other VALUES (1, 1)',
      "CREATE DEFINER=maker@`%` VIEW v AS SELECT id, s, '`shop`.`t`' AS quoted FROM shop.t",
      'CREATE DEFINER=maker@`%` PROCEDURE p () SELECT * FROM shop.t',
      'CREATE DEFINER=`gone`@`no where` FUNCTION f () RETURNS INT DETERMINISTIC RETURN 1',
      'CREATE DEFINER=maker@`%` TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.s = NEW.s',
      'CREATE DEFINER=maker@`%` EVENT e ON SCHEDULE EVERY 1 SECOND DO DELETE FROM t WHERE id = 77',
    );
    taken = await takeDump(open('shop', { dump: { fingerprints: true } }), folder.path);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const open = (name: string, more: Partial<Parameters<typeof openMysql>[2]> = {}) =>
    openMysql(server, name, { scratch: folder.path, ...more });
  const definers = (name: string) =>
    server.sql<{ d: string }>(
      null,
      `SELECT CONCAT(TABLE_NAME, ' ', DEFINER) AS d FROM information_schema.VIEWS WHERE TABLE_SCHEMA = '${name}'
       UNION SELECT CONCAT(ROUTINE_NAME, ' ', DEFINER) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${name}'
       UNION SELECT CONCAT(TRIGGER_NAME, ' ', DEFINER) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '${name}'
       UNION SELECT CONCAT(EVENT_NAME, ' ', DEFINER) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '${name}' ORDER BY 1`,
    );

  it('keeps definers that exist, for who may set them, and replaces those that do not', async () => {
    const { warnings, counts } = await bringBack(open('kept'), taken);
    expect((await definers('kept')).map(({ d }) => d)).toEqual([
      'e maker@%',
      'f root@127.0.0.1',
      'p maker@%',
      'tr maker@%',
      'v maker@%',
    ]);
    expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
    const text = warnings.join('\n');
    expect(text).toContain('gone@no where');
    expect(text).not.toContain('maker@%');
    // A text that only looks like a definer or a name is content.
    expect(await server.sql('kept', 'SELECT s FROM t ORDER BY id')).toEqual([
      { s: 'DEFINER=`maker`@`%`' },
      { s: '`shop`.`t`' },
    ]);
    // The view reads its own table, not the one of the database it comes from.
    await server.sql('kept', "INSERT INTO t VALUES (50, 'only here')");
    expect(await server.sql('kept', 'SELECT quoted FROM v WHERE id = 50')).toEqual([{ quoted: '`shop`.`t`' }]);
    expect(text).toContain('procedure p');
    expect(text).toContain('events are switched off here');
    expect(
      await server.sql(null, "SELECT STATUS AS s FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'kept'"),
    ).toEqual([{ s: asleep }]);
  });

  it('S7 a server that somebody keeps from changes is told by the time limit, and not waited for', async () => {
    await using holder = await server.session(null);
    await holder.query('FLUSH TABLES WITH READ LOCK');
    await expect(open('kept_out').create(taken.facts, 'test', never)).rejects.toMatchObject({
      code: 'DATABASE_LOCKED',
      retryable: true,
    });
    await holder.query('UNLOCK TABLES');
    expect(await server.databases()).not.toContain('kept_out');
  });

  it('a server that takes no changes is told by the plan and by doctor, and only to whom it takes none from', async () => {
    await server.sql(null, 'CREATE DATABASE mine_still');
    const seen = async (as?: { user: string; password: string }) => {
      const database = open('mine_still', as ? { login: as } : {});
      const { mayNotCreate, mayNotChange } = await database.server(never);
      const told = (await database.check(never)).filter(({ detail }) => detail.includes('takes no changes'));
      expect(mayNotChange).toEqual(mayNotCreate);
      expect(told.map(({ name, result }) => `${name} ${result}`)).toEqual(mayNotCreate ? ['restores warning'] : []);
      return mayNotCreate?.reason ?? null;
    };
    try {
      await server.sql(null, 'SET GLOBAL read_only = 1');
      expect(await seen(login)).toBe('the server takes no changes (read_only)');
      expect(await seen()).toBeNull();
      if (product === 'mysql') {
        await server.sql(null, 'SET GLOBAL super_read_only = 1');
        expect(await seen()).toBe('the server takes no changes (super_read_only)');
      }
    } finally {
      if (product === 'mysql') await server.sql(null, 'SET GLOBAL super_read_only = 0');
      await server.sql(null, 'SET GLOBAL read_only = 0');
    }
    expect(await seen()).toBeNull();
  });

  it('brings tables that the server keeps, and would make no more', async () => {
    const eased = {
      mariadb: ['innodb_strict_mode'],
      mysql: ['innodb_strict_mode', 'restrict_fk_on_non_standard_key', 'sql_generate_invisible_primary_key'],
    }[product];
    const columns = Array.from({ length: 60 }, (_, at) => `c${at} VARCHAR(200)`).join(', ');
    await server.sql(null, 'CREATE DATABASE former CHARACTER SET latin1');
    await server.sql(
      'former',
      `SET SESSION ${eased.map((rule) => `${rule} = 0`).join(', ')}`,
      `CREATE TABLE wide (id INT PRIMARY KEY, ${columns}) ROW_FORMAT=COMPACT`,
      "INSERT INTO wide (id, c59) VALUES (1, 'there')",
      'CREATE TABLE odd (id INT PRIMARY KEY) ROW_FORMAT=DYNAMIC KEY_BLOCK_SIZE=8',
      'CREATE TABLE keyless (n INT)',
      'CREATE TABLE parent (id INT PRIMARY KEY, n INT, KEY (n))',
      'CREATE TABLE child (n INT, FOREIGN KEY (n) REFERENCES parent (n))',
    );
    const rules = product === 'mysql' ? ['sql_require_primary_key', 'sql_generate_invisible_primary_key'] : [];
    for (const rule of rules) await server.sql(null, `SET GLOBAL ${rule} = 1`);
    try {
      for (const format of ['plain', 'directory']) {
        const old = await takeDump(open('former', { dump: { format, fingerprints: true } }), folder.path);
        const { counts } = await bringBack(open(`former_${format}`), old);
        expect(compareCounts(old.counts, counts)).toMatchObject({ ok: true });
        const made = await server.sql(`former_${format}`, 'SHOW CREATE TABLE keyless');
        expect(made).toEqual(await server.sql('former', 'SHOW CREATE TABLE keyless'));
      }
    } finally {
      for (const rule of rules) await server.sql(null, `SET GLOBAL ${rule} = 0`);
    }
  });

  it('times that nobody sets stay as they are, also where the server lets such times change with their row', async () => {
    const rule = 'explicit_defaults_for_timestamp';
    const [usual] = await server.sql<{ is: number }>(null, `SELECT @@GLOBAL.${rule} AS \`is\``);
    await server.sql(null, `SET GLOBAL ${rule} = 0`);
    try {
      await server.sql(null, 'CREATE DATABASE timed');
      await server.sql(
        'timed',
        `SET SESSION ${rule} = 1`,
        'CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMP NOT NULL)',
      );
      await server.sql('timed', "INSERT INTO t VALUES (1, '2020-01-01 12:00:00')");
      await bringBack(open('timed_again'), await takeDump(open('timed'), folder.path));
      await server.sql('timed_again', 'UPDATE t SET id = 2');
      expect(await server.sql('timed_again', 'SELECT * FROM t')).toEqual([{ id: 2, at: '2020-01-01 12:00:00' }]);
      const made = await server.sql('timed_again', 'SHOW CREATE TABLE t');
      expect(made).toEqual(await server.sql('timed', 'SHOW CREATE TABLE t'));
    } finally {
      await server.sql(null, `SET GLOBAL ${rule} = ${usual?.is ?? 1}`);
    }
  });

  it.runIf(product === 'mysql')('says which rule is in the way of an account that may not switch it off', async () => {
    await server.sql(
      null,
      'CREATE DATABASE old_times',
      "CREATE USER ruled@'127.0.0.1' IDENTIFIED BY 'secret-of-ruled'",
      "GRANT ALL ON `ruled\\_%`.* TO ruled@'127.0.0.1'",
    );
    const columns = Array.from({ length: 60 }, (_, at) => `c${at} VARCHAR(200) CHARACTER SET latin1`).join(', ');
    await server.sql(
      'old_times',
      'SET SESSION innodb_strict_mode = 0',
      `CREATE TABLE wide (id INT PRIMARY KEY, ${columns}) ROW_FORMAT=COMPACT`,
    );
    const old = await takeDump(open('old_times'), folder.path);
    const ruled = { user: 'ruled', password: 'secret-of-ruled' };
    await expect(bringBack(open('ruled_one', { login: ruled }), old)).rejects.toMatchObject({
      code: 'DATABASE_FAILED',
      hint: expect.stringContaining('innodb_strict_mode'),
    });
  });

  it.runIf(product === 'mariadb')('brings rows from the time before a check', async () => {
    await server.sql(null, 'CREATE DATABASE lax');
    await server.sql(
      'lax',
      'CREATE TABLE odd (id INT PRIMARY KEY, n INT CHECK (n > 0), j JSON)',
      'SET check_constraint_checks = 0',
      "INSERT INTO odd VALUES (1, -1, '{'), (2, 1, '[]')",
    );
    for (const format of ['plain', 'directory']) {
      const old = await takeDump(open('lax', { dump: { format, fingerprints: true } }), folder.path);
      const { counts } = await bringBack(open(`lax_${format}`), old);
      expect(compareCounts(old.counts, counts)).toMatchObject({ ok: true });
      await expect(server.sql(`lax_${format}`, 'INSERT INTO odd VALUES (3, -1, NULL)')).rejects.toThrow('CONSTRAINT');
    }
  });

  it('brings dates that no calendar has, and those that begin with a zero', async () => {
    await server.sql(null, 'CREATE DATABASE calendar');
    await server.sql(
      'calendar',
      "SET sql_mode = 'ALLOW_INVALID_DATES'",
      "CREATE TABLE d (id INT PRIMARY KEY, day DATE DEFAULT '2021-02-29', moment DATETIME)",
      "INSERT INTO d VALUES (1, '2020-02-31', '2021-04-31 10:00:00'), (2, '0000-00-00', '2020-00-00')",
    );
    const all = (database: string) =>
      server.sql(database, 'SELECT id, CAST(day AS CHAR) AS d, CAST(moment AS CHAR) AS m FROM d ORDER BY id');
    const before = await all('calendar');
    expect(before[0]).toEqual({ id: 1, d: '2020-02-31', m: '2021-04-31 10:00:00' });
    for (const format of ['plain', 'directory']) {
      const dates = await takeDump(open('calendar', { dump: { format } }), folder.path);
      await bringBack(open(`calendar_${format}`), dates);
      expect(await all(`calendar_${format}`)).toEqual(before);
    }
  });

  it('an ordinary user gets everything, in its own name, and is told so', async () => {
    await expect(bringBack(open('mine_refused', { login }), taken)).rejects.toMatchObject({
      code: 'FUNCTION_CREATORS_NOT_TRUSTED',
    });
    const checks = await open('mine_x', { login }).check(never);
    expect(checks.map(({ result }) => result)).toContain('failed');
    await server.sql(null, 'SET GLOBAL log_bin_trust_function_creators = 1');
    const { warnings, counts } = await bringBack(open('mine_now', { login }), taken);
    expect((await definers('mine_now')).map(({ d }) => d)).toEqual(
      ['e', 'f', 'p', 'tr', 'v'].map((name) => `${name} plain@127.0.0.1`),
    );
    expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
    expect(warnings.join('\n')).toContain('what maker@% had defined belongs to the restoring user now');
    const facts = await open('mine_now', { login }).server(never);
    expect(facts).toMatchObject({ role: 'plain@127.0.0.1', mayNotCreate: null, superuser: false });
  });

  it('comments in routines, triggers and events come back', async () => {
    await server.sql(null, 'CREATE DATABASE said');
    await server.sql(
      'said',
      'CREATE TABLE t (id INT)',
      'CREATE PROCEDURE p() BEGIN /* who: ada */ SELECT 1; -- why: audit\n SELECT 2; # and so on\n END',
      'CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN /* never null */ SET NEW.id = 1; END',
      'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO BEGIN /* at night */ DELETE FROM t; END',
    );
    const texts = (name: string) =>
      server.sql(
        null,
        `SELECT ROUTINE_DEFINITION AS text FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${name}'
         UNION ALL SELECT ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '${name}'
         UNION ALL SELECT EVENT_DEFINITION FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '${name}'`,
      );
    const before = await texts('said');
    expect(JSON.stringify(before)).toMatch(/who: ada.*why: audit.*and so on.*never null.*at night/);
    for (const format of ['plain', 'directory'] as const) {
      const dump = await takeDump(open('said', { dump: { format } }), folder.path);
      const target = open(`said_${format}`);
      await bringBack(target, dump);
      expect(await texts(`said_${format}`)).toEqual(before);
    }
  });

  it('code that ends with a comment comes back, and so does what comes after it', async () => {
    await server.sql(null, 'CREATE DATABASE ended');
    await server.sql(
      'ended',
      'CREATE TABLE t (id INT)',
      'CREATE FUNCTION a() RETURNS INT DETERMINISTIC RETURN 1 -- as agreed /* in May */',
      'CREATE PROCEDURE b() SELECT 1 # once more',
      'CREATE PROCEDURE c() SELECT 2',
      'CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1 -- never null',
      'CREATE TRIGGER b BEFORE UPDATE ON t FOR EACH ROW SET NEW.id = 2',
      'CREATE EVENT a ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM t -- at night',
      'CREATE EVENT b ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM t WHERE id = 2',
    );
    const texts = async (name: string) => {
      const rows = await server.sql<{ text: string }>(
        null,
        `SELECT CONCAT(ROUTINE_NAME, ROUTINE_DEFINITION) AS text FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${name}'
         UNION ALL SELECT CONCAT(TRIGGER_NAME, ACTION_STATEMENT) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '${name}'
         UNION ALL SELECT CONCAT(EVENT_NAME, EVENT_DEFINITION) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '${name}'`,
      );
      return rows.map(({ text }) => text.trimEnd());
    };
    const before = await texts('ended');
    expect(before).toHaveLength(7);
    expect(before.join('\n')).toMatch(/as agreed[^]*once more[^]*never null[^]*at night/);
    for (const format of ['plain', 'directory'] as const) {
      await bringBack(open(`ended_${format}`), await takeDump(open('ended', { dump: { format } }), folder.path));
      expect(await texts(`ended_${format}`)).toEqual(before);
    }
  });

  it('a foreign key into another database keeps nobody from deleting there during a drill, and is told in a copy', async () => {
    await server.sql(null, 'CREATE DATABASE parents', 'CREATE DATABASE children');
    await server.sql('parents', 'CREATE TABLE p (id INT PRIMARY KEY)', 'INSERT INTO p VALUES (1), (2), (3)');
    await server.sql(
      'children',
      'CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parents.p (id))',
      'INSERT INTO c VALUES (1, 1), (2, 2), (3, 3)',
    );
    for (const [at, format] of (['plain', 'directory'] as const).entries()) {
      const dump = await takeDump(open('children', { dump: { format } }), folder.path);
      const drill = await bringBack(open(`children_drill_20261121_12000${at}_abcdef`), dump);
      expect(drill.warnings).toEqual([]);
      expect(drill.counts.tables).toMatchObject([{ name: 'c', rows: 3 - at }]);
      // The application goes on while it lasts.
      await server.sql('children', `DELETE FROM c WHERE p = ${at + 1}`);
      await server.sql('parents', `DELETE FROM p WHERE id = ${at + 1}`);
    }
    const last = await takeDump(open('children'), folder.path);
    for (const name of ['children_copy', 'children_restoring_20261121_120002_abcdef']) {
      const { warnings } = await bringBack(open(name), last);
      expect(warnings).toEqual([
        expect.stringMatching(/foreign keys lead to tables of other databases.*: c to parents\.p$/),
      ]);
      expect(await server.sql(name, 'SHOW CREATE TABLE c')).toMatchObject([
        { 'Create Table': expect.stringContaining('REFERENCES `parents`.`p`') },
      ]);
    }
  });

  it('code that was written on several lines, or with other quotes, comes back in a database of any name', async () => {
    await server.sql(null, 'CREATE DATABASE `as written`');
    await server.sql(
      'as written',
      'SET SESSION sql_mode = ANSI_QUOTES',
      'CREATE TABLE t (id INT)',
      'CREATE DEFINER=maker@"%" TRIGGER "as written"."first one"\n/* before all */ BEFORE INSERT -- of rows\nON "as written".t FOR EACH ROW\nSET NEW.id = NEW.id',
      'CREATE DEFINER=maker@"%" TRIGGER second BEFORE INSERT\nON `as written`.t FOR EACH ROW SET NEW.id = NEW.id',
      'CREATE DEFINER=maker@"%" PROCEDURE "a procedure" () SELECT COUNT(*) FROM "as written".t',
      'CREATE DEFINER=maker@"%" FUNCTION f () RETURNS INT DETERMINISTIC RETURN 1',
      'CREATE DEFINER=maker@"%" EVENT "two\nlines" ON SCHEDULE EVERY 1 SECOND DO INSERT INTO t VALUES (77)',
    );
    const made = ['first one maker@%', 'second maker@%', 'a procedure maker@%', 'f maker@%', 'two\nlines maker@%'];
    const inOrder = (some: readonly string[]) => some.toSorted();
    for (const format of ['plain', 'directory'] as const) {
      const written = await takeDump(open('as written', { dump: { format } }), folder.path);
      const { warnings } = await bringBack(open(`written_${format}`), written);
      expect(inOrder((await definers(`written_${format}`)).map(({ d }) => d))).toEqual(inOrder(made));
      expect(warnings.join('\n')).toMatch(/these name the database they come from[^\n]*: procedure `?a procedure/);
      expect(warnings.join('\n')).toContain('events are switched off here');
      expect(await server.sql(`written_${format}`, 'SELECT * FROM t')).toEqual([]);
      // Who may not make them act as somebody else is told.
      const mine = await bringBack(open(`mine_${format}`, { login }), written);
      expect((await definers(`mine_${format}`)).every(({ d }) => d.endsWith(' plain@127.0.0.1'))).toBe(true);
      expect(mine.warnings.join('\n')).toContain('what maker@% had defined belongs to the restoring user now');
      // A swap makes it all again, twice.
      const replacement = open(`as written_restoring_20261121_12000${format.length - 5}_abcdef`);
      await bringBack(replacement, written);
      await replacement.dress(written.facts, never);
      const names = { replacement: replacement.name, previous: `as written_before_${format}` };
      await open('as written').swap(names, 'disconnect', never);
      expect(inOrder((await definers('as written')).map(({ d }) => d))).toEqual(inOrder(made));
      expect(inOrder((await definers(names.previous)).map(({ d }) => d))).toEqual(inOrder(made));
    }
  });

  it.skipIf(product !== 'mariadb')('a default takes its numbers from the sequence of its own database', async () => {
    await server.sql(null, 'CREATE DATABASE counted');
    await server.sql(
      'counted',
      'CREATE SEQUENCE numbers START WITH 10',
      "CREATE TABLE t (id INT DEFAULT NEXTVAL(numbers) PRIMARY KEY COMMENT 'it''s `counted`.`x`', `counted` INT)",
      'INSERT INTO t (counted) VALUES (1)',
    );
    const insert = (name: string) => server.sql(name, 'INSERT INTO t (counted) VALUES (2)');
    for (const format of ['plain', 'directory'] as const) {
      const counted = await takeDump(open('counted', { dump: { format } }), folder.path);
      await bringBack(open(`counted_${format}`), counted);
      const position = await server.sql('counted', 'SELECT next_not_cached_value AS n FROM numbers');
      await insert(`counted_${format}`);
      expect(await server.sql('counted', 'SELECT next_not_cached_value AS n FROM numbers')).toEqual(position);
      const { columns } = (
        await server.sql<{ columns: string }>(
          null,
          `SELECT COLUMN_COMMENT AS columns FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'counted_${format}' AND COLUMN_NAME = 'id' AND TABLE_NAME = 't'`,
        )
      )[0] ?? { columns: '' };
      expect(columns).toBe("it's `counted`.`x`");
      // As a swap does, under whatever name: what is live in the end is meant, not what is there in between.
      for (const live of ['counted', 'recounted']) {
        const replacement = open(`${live}_restoring_20261121_12000${format.length - 5}_abcdef`);
        await bringBack(replacement, counted);
        await replacement.dress(counted.facts, never);
        await server.sql(null, `CREATE DATABASE IF NOT EXISTS ${live}`);
        await open(live).swap({ replacement: replacement.name, previous: `${live}_before_${format}` }, 'refuse', never);
        await insert(live);
      }
    }
  });

  it('S24 a database whose character set was changed after its code was made comes back anywhere, and no other is changed', async () => {
    const latin = 'CHARACTER SET latin1 COLLATE latin1_general_ci';
    await server.sql(null, `CREATE DATABASE \`con \`\`verted\` ${latin}`);
    await server.sql(
      'con `verted',
      'CREATE TABLE t (id INT PRIMARY KEY)',
      'CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id',
      'CREATE FUNCTION f (x VARCHAR(10)) RETURNS VARCHAR(10) DETERMINISTIC RETURN x',
      'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM t',
      'ALTER DATABASE `con ``verted` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
      'CREATE FUNCTION g (x VARCHAR(10)) RETURNS VARCHAR(10) DETERMINISTIC RETURN x',
    );
    const characters = async (name: string) => {
      const text = name.replaceAll("'", "''");
      const rows = await server.sql<{ c: string }>(
        null,
        `SELECT CONCAT('database ', DEFAULT_COLLATION_NAME) AS c FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '${text}'
         UNION SELECT CONCAT(TRIGGER_NAME, ' ', DATABASE_COLLATION) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '${text}'
         UNION SELECT CONCAT(ROUTINE_NAME, ' ', DATABASE_COLLATION) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${text}'
         UNION SELECT CONCAT(EVENT_NAME, ' ', DATABASE_COLLATION) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '${text}' ORDER BY 1`,
      );
      return rows.map(({ c }) => c);
    };
    const own = ['e latin1_general_ci', 'f latin1_general_ci', 'g utf8mb4_bin', 'tr latin1_general_ci'];
    const saved = ['database utf8mb4_bin', ...own];
    expect(await characters('con `verted')).toEqual(saved);
    const dumps = [
      await takeDump(open('con `verted', { dump: { format: 'plain' } }), folder.path),
      await takeDump(open('con `verted', { dump: { format: 'directory' } }), folder.path),
    ];
    // It has moved on since.
    await server.sql(null, 'ALTER DATABASE `con ``verted` CHARACTER SET cp1251');
    for (const [index, dump] of dumps.entries()) {
      await bringBack(open(`copy ${index} of`), dump);
      expect(await characters(`copy ${index} of`)).toEqual(saved);
      expect(await characters('con `verted')).toEqual(['database cp1251_general_ci', ...own]);
    }
    // As on a new machine.
    await server.sql(null, 'DROP DATABASE `con ``verted`');
    for (const [index, dump] of dumps.entries()) await bringBack(open(`new ${index} of`), dump);
    expect(await characters('new 1 of')).toEqual(saved);
    // A script that names another one is none that goes into a new database.
    const path = join(folder.path, 'altering.sql');
    const other = 'ALTER DATABASE `shop` CHARACTER SET latin1 COLLATE latin1_swedish_ci ;';
    await writeFile(path, `-- MariaDB dump\n-- Host: x    Database: elsewhere\n${other}\n-- Dump completed\n`);
    await open('altering').create(taken.facts, 'test', never);
    await expect(open('altering').load(storedAt(path, 'plain'), wholeLoad, never)).rejects.toMatchObject({
      code: 'SCRIPT_NAMES_DATABASE',
    });
    expect(await characters('shop')).toContain(`database ${taken.facts.collation}`);
  });

  it('events whose time is over are not made again, and named', async () => {
    await server.sql(null, 'CREATE DATABASE past');
    await server.sql(
      'past',
      'SET time_zone = "+00:00"',
      'CREATE EVENT once ON SCHEDULE AT NOW() + INTERVAL 2 SECOND DISABLE DO DO 0',
      'CREATE EVENT later ON SCHEDULE AT NOW() + INTERVAL 1 DAY DISABLE DO DO 0',
      'CREATE EVENT ends ON SCHEDULE EVERY 1 SECOND ENDS NOW() + INTERVAL 2 SECOND DISABLE DO DO 0',
    );
    const dump = await takeDump(open('past'), folder.path);
    const over = async () =>
      server.sql(
        'past',
        `SELECT 1 FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'past'
      AND EVENT_NAME = 'once' AND EXECUTE_AT < NOW() - INTERVAL 1 SECOND`,
      );
    await until(async () => (await over()).length > 0, 'its time is over');
    for (const name of ['past_copy', 'past_restoring_20261121_120000_abcdef']) {
      const { warnings } = await bringBack(open(name), dump);
      expect(warnings).toEqual([expect.stringMatching(/is over, .*: ends, once$/)]);
      expect(await server.sql(name, 'SHOW EVENTS')).toMatchObject([{ Name: 'later' }]);
    }
  });

  it.runIf(product === 'mariadb')('what an older client says of options it does not know is no news', async () => {
    const client = join(folder.path, 'mariadb');
    await writeFile(
      client,
      `#!/bin/sh
for arg; do
  shift
  case $arg in
    --loose-skip-print-query-on-error) echo "Warning: $0: unknown option '$arg'" >&2 ;;
    *) set -- "$@" "$arg" ;;
  esac
done
exec mariadb "$@"
`,
      { mode: 0o755 },
    );
    const older = { database: { tools: { client } } };
    const { warnings } = await bringBack(open('by_older', older), taken);
    expect(warnings.join('\n')).toContain('gone@no where');
    expect(warnings.join('\n')).not.toContain('unknown option');
    const path = join(folder.path, 'wrong.sql');
    await writeFile(path, '-- MariaDB dump\nINSERT INTO nowhere VALUES (1);\n-- Dump completed\n');
    const failed = await open('by_older', older)
      .load(storedAt(path, 'plain'), wholeLoad, never)
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ message: expect.stringContaining('nowhere') });
    expect((failed as Error).message).not.toContain('unknown option');
  });

  it('S18 hostile names of databases survive', async () => {
    for (const name of ['a`b "c" $d; -- e', "it's ünï\ncode.x", '-rf %s_%']) {
      await server.sql(null, `CREATE DATABASE \`${name.replaceAll('`', '``')}\``);
      await server.sql(name, 'CREATE TABLE t (id INT)', 'INSERT INTO t VALUES (1)', `CREATE VIEW v AS SELECT * FROM t`);
      for (const format of ['plain', 'directory'] as const) {
        const odd = await takeDump(open(name, { dump: { format } }), folder.path);
        const target = open(`${name}2`);
        const { counts } = await bringBack(target, odd);
        expect(compareCounts(odd.counts, counts)).toMatchObject({ ok: true });
        await target.drop({ unmarked: false }, never);
      }
      await open(name).drop({ unmarked: true }, never);
    }
  });

  it('S24 commands for the client in a script do not run, and foreign scripts need leave', async () => {
    const path = join(folder.path, 'evil.sql');
    const touched = join(folder.path, 'touched');
    const head = '-- MariaDB dump 10.19\n--\n-- Host: x    Database: shop\n';
    for (const evil of [
      `\\! touch ${touched}`,
      `system touch ${touched}`,
      `\\T ${touched}`,
      `tee ${touched}`,
      `source ${touched}`,
      `SELECT 1 INTO OUTFILE '${touched}' \\g`,
    ]) {
      await writeFile(path, `${head}${evil}\n;\n-- Dump completed\n`);
      const target = open('evil');
      await target.create(taken.facts, 'test', never);
      await expect(target.load(storedAt(path, 'plain', false), wholeLoad, never)).rejects.toMatchObject({
        code: 'SCRIPT_FOREIGN',
      });
      await target
        .load(storedAt(path, 'plain', false), { ...wholeLoad, allowForeignScript: true }, never)
        .catch(() => undefined);
      await target.drop({ unmarked: false }, never);
      if (!evil.includes('OUTFILE')) expect(existsSync(touched)).toBe(false);
    }
    for (const elsewhere of [
      'USE `shop`;',
      'CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop`;',
      '/*!40000 DROP DATABASE IF EXISTS `shop`*/;',
    ]) {
      await writeFile(path, `${head}${elsewhere}\nDROP TABLE t;\n-- Dump completed\n`);
      const target = open('elsewhere');
      await target.create(taken.facts, 'test', never);
      await expect(target.load(storedAt(path, 'plain'), wholeLoad, never)).rejects.toMatchObject({
        code: 'SCRIPT_NAMES_DATABASE',
      });
      await target.drop({ unmarked: false }, never);
    }
    expect(await server.sql('shop', 'SELECT COUNT(*) AS n FROM t')).toEqual([{ n: 2 }]);
  });

  it('stock dumps are told by their first bytes, and restore', async () => {
    const option = join(folder.path, 'my.cnf');
    await writeFile(option, `[client]\nhost=127.0.0.1\nport=${server.port}\nuser=root\npassword=${server.password}\n`, {
      mode: 0o600,
    });
    const stock = async (name: string, ...args: string[]) => {
      const path = join(folder.path, `${name}.sql`);
      const { stdout } = await run(stockTools.dump, [`--defaults-file=${option}`, ...args], {
        encoding: 'buffer',
        maxBuffer: 1 << 28,
      });
      await writeFile(path, stdout);
      return path;
    };
    const database = open('shop');
    const one = await stock('one', '--routines', '--events', 'shop');
    const head = (await readFile(one)).subarray(0, 1024);
    expect(database.recognise(head)).toEqual({ format: 'plain' });
    expect(recognisePostgres(head)).toHaveProperty('refused');
    for (const args of [['--databases', 'shop'], ['--all-databases']]) {
      const whole = await readFile(await stock('many', ...args));
      expect(database.recognise(whole.subarray(0, 4096))).toHaveProperty('refused');
    }
    expect(database.recognise(Buffer.from('--\n-- PostgreSQL database dump\n--\n'))).toHaveProperty('refused');
    expect(database.recognise(Buffer.from('PGDMP...'))).toHaveProperty('refused');
    expect(database.recognise(Buffer.from('hello'))).toBeNull();
    if (product === 'mariadb') {
      // A table that takes from a sequence is locked alone in a stock dump, which the stock client cannot load.
      await server.sql(null, 'CREATE DATABASE ticketed');
      await server.sql(
        'ticketed',
        'CREATE SEQUENCE numbers',
        'CREATE TABLE t (id INT DEFAULT NEXTVAL(numbers) PRIMARY KEY, n INT)',
        'INSERT INTO t (n) VALUES (1)',
      );
      const locked = storedAt(await stock('ticketed', 'ticketed'), 'plain', false);
      await open('ticketed2').create(taken.facts, 'test', never);
      await open('ticketed2').load(locked, { ...wholeLoad, allowForeignScript: true }, never);
      await server.sql('ticketed2', 'INSERT INTO t (n) VALUES (2)');
    }
    const target = open('from_stock');
    await target.create(taken.facts, 'test', never);
    await target.load(storedAt(one, 'plain', false), { ...wholeLoad, allowForeignScript: true }, never);
    const counts = await target.count({ tables: null, sequences: true, fingerprints: true }, never);
    expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
  });

  it('our own files load with nothing but the stock client', async () => {
    const option = join(folder.path, 'stock.cnf');
    await writeFile(option, `[client]\nhost=127.0.0.1\nport=${server.port}\nuser=root\npassword=${server.password}\n`, {
      mode: 0o600,
    });
    const directory = await takeDump(open('shop', { dump: { format: 'directory' } }), folder.path);
    await server.sql(null, 'CREATE DATABASE by_hand');
    // Views may carry the name of their database: into one of another name it has to go.
    const script = `zstd -dcq ${directory.path}/t*.zst ${directory.path}/code.sql.zst ${directory.path}/views.sql.zst | sed '/^.*DEFINER=/s/DEFINER=\`gone\`@\`no where\`/DEFINER=CURRENT_USER/; /^.*VIEW \`v\` AS/s/\`shop\`\\.\`t\`\\./\`t\`./g' | ${stockTools.client} --defaults-file=${option} by_hand`;
    await run('sh', ['-c', script]);
    expect(await server.sql('by_hand', 'SELECT COUNT(*) AS n FROM t')).toEqual([{ n: 2 }]);
  });

  it('one table comes out of a directory dump, and only its files are read', async () => {
    const directory = await takeDump(open('shop', { dump: { format: 'directory' } }), folder.path);
    const scope = { tables: [{ schema: '', name: 'other' }], schemas: [] };
    expect(await open('shop').filesFor(directory.dump, scope, never)).toEqual(['index.json', 't00001.sql']);
    const target = open('one_table');
    await target.create(directory.facts, 'test', never);
    const { warnings } = await target.load(directory.dump, { ...wholeLoad, scope }, never);
    expect(warnings.join()).toContain('left out of a part');
    expect(await server.sql('one_table', 'SHOW TABLES LIKE "other"')).toHaveLength(1);
    expect(await server.sql('one_table', 'SHOW TABLES LIKE "t"')).toHaveLength(0);
    await expect(target.load(taken.dump, { ...wholeLoad, scope }, never)).rejects.toMatchObject({
      code: 'SCOPE_IN_SCRIPT',
    });
  });

  it('scratch databases carry a mark, and nothing else is dropped', async () => {
    const target = open('shop_drill_20261121_120000_abcdef');
    await target.create(taken.facts, 'a drill', never);
    expect(await open('shop').leftovers(never)).toContainEqual(
      expect.objectContaining({ database: target.name, note: 'a drill' }),
    );
    expect(await target.count({ tables: null, sequences: true, fingerprints: false }, never)).toEqual({
      tables: [],
      sequences: [],
    });
    await expect(open('shop').drop({ unmarked: false }, never)).rejects.toMatchObject({ code: 'DATABASE_NOT_OURS' });
    await target.dress(taken.facts, never);
    await expect(target.drop({ unmarked: false }, never)).rejects.toMatchObject({ code: 'DATABASE_NOT_OURS' });
    expect(await open('shop').leftovers(never)).toContainEqual(expect.objectContaining({ database: target.name }));
    await target.drop({ unmarked: true }, never);
    await target.drop({ unmarked: false }, never);
  });

  it('a database that was to be dropped, and is still there, is named as a leftover', async () => {
    const keeper = { user: 'keeper', password: 'secret-of-keeper' };
    await server.sql(
      null,
      'CREATE DATABASE shop_before_x',
      "CREATE USER keeper@'127.0.0.1' IDENTIFIED BY 'secret-of-keeper'",
      "GRANT SELECT, CREATE, INSERT ON shop_before_x.* TO keeper@'127.0.0.1'",
    );
    await server.sql('shop_before_x', 'CREATE TABLE t (id INT)');
    const named = async () =>
      (await open('shop').leftovers(never)).filter(({ database }) => database === 'shop_before_x');
    expect(await named()).toEqual([]);
    await expect(open('shop_before_x', { login: keeper }).drop({ unmarked: true }, never)).rejects.toMatchObject({
      code: 'DATABASE_NO_PRIVILEGE',
    });
    expect(await named()).toMatchObject([{ note: expect.stringContaining('was to be dropped') }]);
    await open('shop_before_x').drop({ unmarked: false }, never);
    expect(await server.databases()).not.toContain('shop_before_x');
  });

  it('fills an existing database only when it is empty, and leaves it empty when that fails', async () => {
    await expect(open('shop').replace(taken.dump, wholeLoad, taken.counts, never)).rejects.toMatchObject({
      code: 'IN_PLACE_IMPOSSIBLE',
      kind: 'refused',
    });
    await server.sql(null, 'CREATE DATABASE waiting');
    const cut = join(folder.path, 'cut.sql');
    await writeFile(cut, (await readFile(taken.path)).subarray(0, -200));
    await expect(open('waiting').replace(storedAt(cut, 'plain'), wholeLoad, taken.counts, never)).rejects.toMatchObject(
      {
        code: 'DUMP_DAMAGED',
      },
    );
    expect(await server.sql('waiting', 'SHOW TABLES')).toEqual([]);
    await open('waiting').replace(taken.dump, wholeLoad, taken.counts, never);
    expect(await server.sql('waiting', 'SELECT COUNT(*) AS n FROM t')).toEqual([{ n: 2 }]);
  });

  it('S6 an existing database is empty again when the server dies while it is filled, and comes back', async () => {
    await server.sql(null, 'CREATE DATABASE bulky', 'CREATE DATABASE filled');
    await server.sql(
      'bulky',
      'CREATE TABLE first_one (id INT PRIMARY KEY, t TEXT)',
      'CREATE TABLE second_one (id INT)',
    );
    await server.sql(
      'bulky',
      `INSERT INTO first_one SELECT seq, REPEAT(SHA2(seq, 256), 30) FROM ${numbersTo(30_000)}`,
      'INSERT INTO second_one SELECT id FROM first_one',
    );
    const bulky = await takeDump(open('bulky', { dump: { format: 'plain' } }), folder.path);
    const filling = open('filled').replace(bulky.dump, wholeLoad, bulky.counts, never);
    filling.catch(() => undefined);
    await until(async () => (await server.sql('filled', 'SHOW TABLES')).length > 0, 'a table is there');
    await server.restart();
    await expect(filling).rejects.toMatchObject({ code: 'DATABASE_CONNECTION_LOST' });
    expect(await server.sql('filled', 'SHOW TABLES')).toEqual([]);
  });

  it('questions are asked in a transaction that changes nothing', async () => {
    expect(
      await open('shop').ask(
        ['SELECT COUNT(*) = 2 FROM t', 'SELECT COUNT(*) FROM t', 'SELECT 0', 'SELECT nonsense', 'DELETE FROM other'],
        never,
      ),
    ).toMatchObject([
      { ok: true },
      { ok: false },
      { ok: false },
      { ok: false },
      { ok: false, detail: expect.stringMatching(/read.?only/i) },
    ]);
    expect(
      await open('shop').select('SELECT id, CAST(9007199254740993 AS UNSIGNED) AS big FROM t ORDER BY id', never),
    ).toEqual([
      { id: 1, big: '9007199254740993' },
      { id: 2, big: '9007199254740993' },
    ]);
  });

  it('a drill on a throw-away server of the same product', async () => {
    const { folder: data, at } = await (async () => {
      await using temporary = await open('shop').temporary(taken.facts, never);
      const { counts } = await bringBack(temporary, taken);
      expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
      return { folder: temporary.title, at: temporary };
    })();
    expect(data).not.toContain(String(server.port));
    await expect(at.probe(never)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  });

  it('a row too large for the server is told as such', async () => {
    await server.sql('shop', 'CREATE TABLE huge (b LONGBLOB)', 'INSERT INTO huge VALUES (REPEAT("x", 3000000))');
    const large = await takeDump(open('shop'), folder.path);
    await server.sql('shop', 'DROP TABLE huge');
    await server.sql(null, 'SET GLOBAL max_allowed_packet = 2097152');
    await expect(bringBack(open('too_small'), large)).rejects.toMatchObject({ code: 'DATABASE_VALUE_TOO_LARGE' });
    expect((await open('shop').check(never)).find(({ name }) => name === 'largest row')).toMatchObject({
      result: 'warning',
    });
    await server.sql(null, 'SET GLOBAL max_allowed_packet = 1073741824');
  });
});
