import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger, type Logger } from '../../src/base/logger.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import type { Database } from '../../src/engines/engine.ts';
import { createAccess } from '../../src/engines/mysql/connect/access.ts';
import { readObjects } from '../../src/engines/mysql/look/objects.ts';
import { databaseSchema } from '../../src/engines/mysql/options.ts';
import { readRoutineGrants } from '../../src/engines/mysql/look/routine-grants.ts';
import { runStatement } from '../../src/engines/mysql/connect/run-statement.ts';
import { planSwap } from '../../src/engines/mysql/swap/plan.ts';
import { noteDone, writeJournal } from '../../src/engines/mysql/swap/journal.ts';
import { rehearsalName } from '../../src/engines/mysql/swap/rehearse.ts';

import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import {
  asleep,
  hasMysql,
  openMysql,
  product,
  productName,
  startMysql,
  type TestMysql,
} from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

describe.skipIf(!hasMysql())(`the swap of ${productName} databases`, () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await startMysql({
      'event-scheduler': 'ON',
      'innodb-flush-log-at-trx-commit': '1',
      'log-bin': 'on',
      'server-id': '1',
      'log-bin-trust-function-creators': '1',
    });
    folder = await temporaryFolder();
  });
  afterEach(async () => {
    for (const name of await server.databases()) await server.sql(null, `DROP DATABASE \`${name}\``);
    await server.sql(null, "DROP USER IF EXISTS caller, modest@'127.0.0.1'");
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const open = (name: string, login?: { user: string; password: string }) =>
    openMysql(server, name, { scratch: folder.path, ...(login ? { login } : {}) });

  /** A live database that has moved on since its backup, and the proven replacement beside it. */
  const prepare = async (as: (name: string) => Database = open) => {
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(50))',
      'CREATE TABLE orders (id INT PRIMARY KEY, customer INT, FOREIGN KEY (customer) REFERENCES customer (id))',
      'CREATE TABLE log (t VARCHAR(50))',
      ...(product === 'mariadb' ? ['CREATE SEQUENCE numbers'] : []),
      "INSERT INTO customer VALUES (1, 'one')",
      'INSERT INTO orders VALUES (1, 1)',
      'CREATE FUNCTION twice (x INT) RETURNS INT DETERMINISTIC RETURN x * 2',
      'CREATE PROCEDURE steady () SELECT 1',
      'CREATE VIEW a_list AS SELECT id, twice(id) AS double_id FROM orders',
      'CREATE VIEW b_list AS SELECT * FROM a_list',
      "CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW INSERT INTO log VALUES ('insert')",
      'CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM log',
    );
    const taken = await takeDump(as('shop'), folder.path);
    await server.sql(
      'shop',
      "INSERT INTO customer VALUES (2, 'two')",
      'CREATE TABLE newer (id INT)',
      'DROP VIEW b_list',
      'CREATE VIEW c_list AS SELECT id FROM newer',
      'DROP FUNCTION twice',
      'CREATE FUNCTION twice (x INT) RETURNS INT DETERMINISTIC RETURN x + x',
      'CREATE TRIGGER newer_one BEFORE INSERT ON newer FOR EACH ROW SET NEW.id = 5',
    );
    const replacement = as('shop_restoring_20261121_120000_abcdef');
    await bringBack(replacement, taken);
    await replacement.dress(taken.facts, never);
    return { live: as('shop'), replacement: replacement.name, previous: 'shop_before_x' };
  };
  const names = async (database: string) => {
    const rows = await server.sql<{ n: string }>(
      null,
      `SELECT CONCAT(TABLE_TYPE, ' ', TABLE_NAME) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${database}'
       UNION SELECT CONCAT('TRIGGER ', TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '${database}'
       UNION SELECT CONCAT('ROUTINE ', ROUTINE_NAME) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${database}'
       UNION SELECT CONCAT('EVENT ', EVENT_NAME, ' ', STATUS) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '${database}'
       ORDER BY 1`,
    );
    return rows.map(({ n }) => n);
  };

  const keysOf = async (database: string) => {
    const texts: string[] = [];
    for (const name of await names(database)) {
      if (!name.startsWith('BASE TABLE ') && !name.startsWith('SYSTEM VERSIONED ')) continue;
      const [row] = await server.sql(database, `SHOW CREATE TABLE \`${name.slice(name.lastIndexOf(' ') + 1)}\``);
      texts.push(...(String(Object.values(row ?? {})[1]).match(/CONSTRAINT .* FOREIGN KEY .*/g) ?? []));
    }
    return texts.toSorted();
  };

  const mayCall = async (user: string, grant: string) => {
    await server.sql(null, `CREATE USER ${user} IDENTIFIED BY 'secret-of-${user}'`, grant);
    return async () => (await server.sql(null, `SHOW GRANTS FOR ${user}`)).map((row) => String(Object.values(row)[0]));
  };

  it('S17 puts tables, sequences, views, triggers, routines and events in place, and the way back does too', async () => {
    const { live, replacement, previous } = await prepare();
    const before = await names('shop');
    await live.swap({ replacement, previous }, 'refuse', never);
    expect(await server.databases()).toEqual(['shop', previous]);
    expect(await names('shop')).toEqual([
      'BASE TABLE customer',
      'BASE TABLE log',
      'BASE TABLE orders',
      'EVENT tidy ENABLED',
      'ROUTINE steady',
      'ROUTINE twice',
      ...(product === 'mariadb' ? ['SEQUENCE numbers'] : []),
      'TRIGGER noted',
      'VIEW a_list',
      'VIEW b_list',
    ]);
    expect(await server.sql('shop', 'SELECT * FROM b_list')).toEqual([{ id: 1, double_id: 2 }]);
    expect(await server.sql('shop', 'SELECT COUNT(*) AS n FROM customer')).toEqual([{ n: 1 }]);
    await server.sql('shop', "INSERT INTO customer VALUES (9, 'new')", 'INSERT INTO orders VALUES (9, 9)');
    expect(await server.sql('shop', 'SELECT COUNT(*) AS n FROM log')).toEqual([{ n: 1 }]);
    await expect(server.sql('shop', 'INSERT INTO orders VALUES (10, 77)')).rejects.toThrow('foreign key');
    // What was live is whole under its other name, but its events are asleep.
    expect(await names(previous)).toEqual(before.map((each) => each.replace('tidy ENABLED', `tidy ${asleep}`)));
    expect(await server.sql(previous, 'SELECT COUNT(*) AS n FROM customer')).toEqual([{ n: 2 }]);
    expect(await server.sql(previous, 'SELECT id, double_id FROM a_list')).toEqual([{ id: 1, double_id: 2 }]);

    await live.swap({ replacement: previous, previous: 'shop_undone' }, 'refuse', never);
    expect(await names('shop')).toEqual(before);
    expect(await server.sql('shop', 'SELECT COUNT(*) AS n FROM customer')).toEqual([{ n: 2 }]);
    expect(await server.databases()).toEqual(['shop', 'shop_undone']);
  });

  it('S17 every event has the status it had, with the swap and with the way back', async () => {
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    const odd = "x ON COMPLETION PRESERVE ENABLE it's";
    await server.sql(
      'shop',
      'CREATE TABLE t (id INT PRIMARY KEY)',
      'CREATE EVENT runs ON SCHEDULE EVERY 1 DAY DO DELETE FROM t',
      'CREATE EVENT rests ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM t',
      'CREATE EVENT replicated ON SCHEDULE EVERY 1 DAY DISABLE ON SLAVE DO DELETE FROM t',
      `CREATE EVENT \`${odd}\` ON SCHEDULE EVERY 1 DAY DISABLE ON SLAVE COMMENT 'DISABLE' DO DELETE FROM t`,
    );
    const statuses = async (database: string) => {
      const rows = await server.sql<{ name: string; status: string }>(
        null,
        `SELECT EVENT_NAME AS name, STATUS AS status FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '${database}'`,
      );
      return Object.fromEntries(rows.map(({ name, status }) => [name, status]));
    };
    const saved = { runs: 'ENABLED', rests: 'DISABLED', replicated: asleep, [odd]: asleep };
    const sleeping = { ...saved, runs: asleep };
    expect(await statuses('shop')).toEqual(saved);
    for (const format of ['plain', 'directory'] as const) {
      const taken = await takeDump(openMysql(server, 'shop', { scratch: folder.path, dump: { format } }), folder.path);
      // A copy runs nothing, and shows nothing that the original does not have.
      await bringBack(open(`copy_${format}`), taken);
      await open(`copy_${format}`).dress(taken.facts, never);
      expect(await statuses(`copy_${format}`)).toEqual(sleeping);
      expect(await names(`copy_${format}`)).toHaveLength(5);
      const replacement = open(`shop_restoring_20261121_12000${format.length}_abcdef`);
      await bringBack(replacement, taken);
      await replacement.dress(taken.facts, never);
      expect(await statuses(replacement.name)).toEqual(sleeping);
      // What lives has moved on.
      await server.sql('shop', 'DROP EVENT runs', 'ALTER EVENT rests ENABLE');
      const previous = `shop_before_${format}`;
      await open('shop').swap({ replacement: replacement.name, previous }, 'refuse', never);
      expect(await statuses('shop')).toEqual(saved);
      expect(await statuses(previous)).toEqual({ rests: asleep, replicated: asleep, [odd]: asleep });
      expect(
        await open('shop').named(previous).count({ tables: null, sequences: true, fingerprints: false }, never),
      ).toMatchObject({
        tables: [{ name: 't' }],
      });
      const undone = `shop_undone_${format}`;
      await open('shop').swap({ replacement: previous, previous: undone }, 'refuse', never);
      expect(await statuses('shop')).toEqual({ rests: 'ENABLED', replicated: asleep, [odd]: asleep });
      await open('shop').swap({ replacement: undone, previous: `shop_again_${format}` }, 'refuse', never);
      expect(await statuses('shop')).toEqual(saved);
    }
  });

  it('S17 who may call a single routine may still do so', async () => {
    const { live, replacement, previous } = await prepare();
    const grants = await mayCall('caller', 'GRANT EXECUTE ON FUNCTION shop.twice TO caller WITH GRANT OPTION');
    await server.sql(
      null,
      "CREATE USER modest@'127.0.0.1' IDENTIFIED BY 'secret-modest'",
      "GRANT ALL ON *.* TO modest@'127.0.0.1'",
    );
    const swaps = [
      { replacement, previous },
      { replacement: previous, previous: 'shop_undone' },
      { replacement: 'shop_undone', previous: 'shop_again' },
    ];
    for (const each of swaps) {
      await live.swap(each, 'refuse', never);
      expect(await grants()).toEqual(
        expect.arrayContaining([expect.stringMatching(/EXECUTE ON FUNCTION `shop`.`twice`.*GRANT OPTION/)]),
      );
    }
    // Who may grant nothing swaps all the same.
    await open('shop', { user: 'modest', password: 'secret-modest' }).swap(
      { replacement: 'shop_again', previous: 'shop_last' },
      'refuse',
      never,
    );
    expect(await names('shop')).toContain('ROUTINE twice');
  });

  /** All a restore needs, and no look at the accounts of others. */
  const modest = async () => {
    const account = "modest@'127.0.0.1'";
    const special = { mariadb: 'SET USER', mysql: 'SET_ANY_DEFINER, SYSTEM_USER, SHOW_ROUTINE' }[product];
    const texts = product === 'mariadb' ? [`GRANT SELECT ON mysql.proc TO ${account}`] : [];
    await server.sql(
      null,
      `CREATE USER ${account} IDENTIFIED BY 'secret-modest'`,
      `GRANT ALL ON shop.* TO ${account}`,
      `GRANT ALL ON \`shop\\_%\`.* TO ${account}`,
      `GRANT PROCESS, ${special} ON *.* TO ${account}`,
      ...texts,
    );
    const told: string[] = [];
    const logger: Logger = { log: (level, message) => void (level === 'warn' && told.push(message)) };
    const login = { user: 'modest', password: 'secret-modest' };
    return { told, database: openMysql(server, 'shop', { scratch: folder.path, login, logger }) };
  };

  it('S17 who cannot see rights to single routines is told so where some may go, and nowhere else', async () => {
    const { replacement, previous } = await prepare();
    const { told, database } = await modest();
    const grants = await mayCall('caller', 'GRANT EXECUTE ON PROCEDURE shop.steady TO caller');
    const before = await grants();
    const sameText = 'CREATE FUNCTION twice (x INT) RETURNS INT DETERMINISTIC RETURN x * 2';
    await server.sql('shop', 'DROP FUNCTION twice', sameText);
    await database.swap({ replacement, previous }, 'refuse', never);
    await database.swap({ replacement: previous, previous: 'shop_undone' }, 'refuse', never);
    expect(await grants()).toEqual(before);
    expect(told).toEqual([]);

    // One that is another one now: MariaDB exchanges it with its rights, MySQL forgets them.
    const changed = sameText.replace('x * 2', '2 * x');
    await server.sql('shop', 'DROP FUNCTION twice', changed, 'GRANT EXECUTE ON FUNCTION shop.twice TO caller');
    const all = await grants();
    expect(all).toHaveLength(before.length + 1);
    await database.swap({ replacement: 'shop_undone', previous: 'shop_again' }, 'refuse', never);
    expect(await server.sql('shop', 'SHOW CREATE FUNCTION twice')).toMatchObject([
      { 'Create Function': expect.stringContaining('x * 2') },
    ]);
    expect(await grants()).toEqual(product === 'mariadb' ? all : before);
    const lost =
      "rights to these routines are lost where somebody has some, which cannot be seen: twice; GRANT SELECT ON mysql.procs_priv TO 'modest'@'127.0.0.1' keeps them at the next restore";
    expect(told.splice(0)).toEqual(product === 'mariadb' ? [] : [lost]);

    // One that the restored database does not have.
    await server.sql('shop', 'CREATE PROCEDURE newer () SELECT 2');
    await database.swap({ replacement: 'shop_again', previous: 'shop_last' }, 'refuse', never);
    expect(told).toEqual([
      ...(product === 'mariadb' ? [] : [lost]),
      'rights to these routines, which the restored database does not have, end with them; who has some cannot be seen: newer',
    ]);
  });

  it('S17 rights to a routine that the restored database does not have are named', async () => {
    const { replacement, previous } = await prepare();
    const told: string[] = [];
    const logger: Logger = { log: (level, message) => void (level === 'warn' && told.push(message)) };
    const live = openMysql(server, 'shop', { scratch: folder.path, logger });
    await server.sql('shop', 'CREATE PROCEDURE newer () SELECT 2', 'CREATE PROCEDURE unused () SELECT 3');
    await mayCall('caller', 'GRANT EXECUTE ON PROCEDURE shop.newer TO caller');
    await server.sql(null, "DELETE FROM mysql.procs_priv WHERE Routine_name = 'unused'", 'FLUSH PRIVILEGES');
    await live.swap({ replacement, previous }, 'refuse', never);
    expect(told).toEqual([
      "these rights end with their routines, which the restored database does not have: 'caller'@'%' to newer",
    ]);
  });

  it('S17 where the server keeps rights to routines that are dropped, none are lost', async () => {
    const { replacement, previous } = await prepare();
    const { told, database } = await modest();
    const grants = await mayCall('caller', 'GRANT EXECUTE ON FUNCTION shop.twice TO caller');
    await server.sql('shop', 'CREATE PROCEDURE newer () SELECT 2');
    const before = await grants();
    await server.sql(null, 'SET GLOBAL automatic_sp_privileges = 0');
    try {
      await database.swap({ replacement, previous }, 'refuse', never);
    } finally {
      await server.sql(null, 'SET GLOBAL automatic_sp_privileges = 1');
    }
    expect(await grants()).toEqual(before);
    expect(told).toEqual([]);
  });

  it('doctor says beforehand that rights to single routines cannot be kept', async () => {
    await prepare();
    const { database } = await modest();
    const check = async () => (await database.check(never)).find(({ name }) => name === 'rights to routines');
    const warning = {
      result: 'warning',
      detail: expect.stringContaining('modest@127.0.0.1 cannot see who may call single routines'),
      hint: "GRANT SELECT ON mysql.procs_priv TO 'modest'@'127.0.0.1';",
    };
    if (product === 'mysql') expect(await check()).toEqual({ name: 'rights to routines', ...warning });
    else expect(await check()).toBeUndefined();
    await server.sql(null, "GRANT SELECT ON mysql.procs_priv TO modest@'127.0.0.1'");
    expect(await check()).toBeUndefined();
  });

  it('S17 a right that is left of an account that is gone makes no account without a password', async () => {
    const { live, replacement, previous } = await prepare();
    await mayCall('gone', 'GRANT EXECUTE ON FUNCTION shop.twice TO gone');
    const rights = 'SELECT * FROM mysql.procs_priv WHERE User = "gone"';
    const kept = await server.sql(null, rights);
    expect(kept).toHaveLength(1);
    await server.sql(
      null,
      'CREATE TABLE mysql.kept AS SELECT * FROM mysql.procs_priv WHERE User = "gone"',
      'DROP USER gone',
    );
    await server.sql(
      null,
      'INSERT INTO mysql.procs_priv SELECT * FROM mysql.kept',
      'DROP TABLE mysql.kept',
      'FLUSH PRIVILEGES',
    );
    expect(await server.sql(null, rights)).toHaveLength(1);
    await live.swap({ replacement, previous }, 'refuse', never);
    expect(await server.sql(null, 'SELECT User FROM mysql.user WHERE User = "gone"')).toEqual([]);
    await server.sql(null, 'DELETE FROM mysql.procs_priv WHERE User = "gone"', 'FLUSH PRIVILEGES');
  });

  it('gives a database that does not exist its name', async () => {
    const { live, replacement } = await prepare();
    await server.sql(null, 'DROP DATABASE shop');
    await live.swap({ replacement, previous: null }, 'refuse', never);
    expect(await server.databases()).toEqual(['shop']);
    expect(await names('shop')).toContain('TRIGGER noted');
  });

  it('S17 a foreign key to a table that is not there means its own database wherever it goes', async () => {
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'CREATE TABLE customer (id INT PRIMARY KEY)',
      'CREATE TABLE orders (id INT PRIMARY KEY, customer INT, CONSTRAINT `of it` FOREIGN KEY (customer) REFERENCES customer (id) ON DELETE CASCADE)',
      'INSERT INTO customer VALUES (1), (2)',
      'INSERT INTO orders VALUES (1, 1), (2, 2)',
      'SET foreign_key_checks = 0',
      `CREATE TABLE note (id INT PRIMARY KEY, a INT, b INT, FOREIGN KEY (a, b) REFERENCES missing (a, b) ON UPDATE SET NULL)${product === 'mariadb' ? ' WITH SYSTEM VERSIONING' : ''}`,
    );
    const taken = await takeDump(open('shop'), folder.path);
    const saved = await keysOf('shop');
    const replacement = open('shop_restoring_20261121_120000_abcdef');
    await bringBack(replacement, taken);
    await replacement.dress(taken.facts, never);
    // What a restore is for.
    await server.sql('shop', 'SET foreign_key_checks = 0', 'DROP TABLE customer');
    const lost = await keysOf('shop');
    await open('shop').swap({ replacement: replacement.name, previous: 'shop_before' }, 'refuse', never);
    expect(await keysOf('shop')).toEqual(saved);
    expect(await keysOf('shop_before')).toEqual(lost);
    await server.sql('shop', 'DELETE FROM customer WHERE id = 1');
    expect(await server.sql('shop', 'SELECT id FROM orders')).toEqual([{ id: 2 }]);
    expect(await server.sql('shop_before', 'SELECT id FROM orders ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);

    await open('shop').swap({ replacement: 'shop_before', previous: 'shop_undone' }, 'refuse', never);
    expect(await keysOf('shop')).toEqual(lost);
    expect(await keysOf('shop_undone')).toEqual(saved);
  });

  it('S17 nor does one to what the server takes for no other end of it', async () => {
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'SET foreign_key_checks = 0',
      'CREATE TABLE old_one (id INT PRIMARY KEY) ENGINE=MyISAM',
      'CREATE TABLE a_child (id INT PRIMARY KEY, CONSTRAINT `to old` FOREIGN KEY (id) REFERENCES old_one (id))',
      'CREATE TABLE z_child (id INT PRIMARY KEY, CONSTRAINT `to view` FOREIGN KEY (id) REFERENCES seen (id))',
      'CREATE VIEW seen AS SELECT id FROM old_one',
      ...(product === 'mariadb'
        ? [
            'CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2',
            'CREATE TABLE p_child (id INT PRIMARY KEY, CONSTRAINT `to parts` FOREIGN KEY (id) REFERENCES parts (id) ON DELETE CASCADE)',
          ]
        : []),
    );
    const saved = await keysOf('shop');
    expect(saved).toHaveLength(product === 'mariadb' ? 3 : 2);
    const taken = await takeDump(open('shop'), folder.path);
    const replacement = open('shop_restoring_20261121_120000_abcdef');
    await bringBack(replacement, taken);
    await replacement.dress(taken.facts, never);
    await open('shop').swap({ replacement: replacement.name, previous: 'shop_before' }, 'refuse', never);
    expect([await keysOf('shop'), await keysOf('shop_before')]).toEqual([saved, saved]);
    await open('shop').swap({ replacement: 'shop_before', previous: 'shop_undone' }, 'refuse', never);
    expect([await keysOf('shop'), await keysOf('shop_undone')]).toEqual([saved, saved]);
  });

  it.skipIf(product !== 'mysql')('S17 libraries change places too, with the rights to them', async (context) => {
    const [major = 0, minor = 0] = server.version.split('.').map(Number);
    if (major * 100 + minor < 902) context.skip();
    const library = (name: string, answer: number) =>
      `CREATE LIBRARY ${name} COMMENT 'it''s' LANGUAGE JAVASCRIPT AS $$ export function f() { return "\\\\ \`x\` ${answer}" } $$`;
    const using = (name: string, ...libraries: string[]) =>
      `CREATE FUNCTION ${name} () RETURNS INT DETERMINISTIC LANGUAGE JAVASCRIPT USING (${libraries.join(', ')}) AS $$ return 1 $$`;
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'CREATE TABLE t (id INT PRIMARY KEY)',
      library('changed', 1),
      library('dropped', 1),
      library('steady', 1),
      using('f', 'changed', 'dropped AS d'),
    );
    const grants = await mayCall('caller', 'GRANT EXECUTE ON LIBRARY shop.changed TO caller');
    const granted = await grants();
    const texts = async (name: string) =>
      server.sql(
        null,
        `SELECT LIBRARY_NAME AS n, LIBRARY_DEFINITION AS t, LIBRARY_COMMENT AS c FROM information_schema.LIBRARIES WHERE LIBRARY_SCHEMA = '${name}' ORDER BY 1`,
      );
    const saved = await texts('shop');
    expect(saved).toHaveLength(3);
    const taken = await takeDump(open('shop'), folder.path);
    const replacement = open('shop_restoring_20261121_120000_abcdef');
    await bringBack(replacement, taken);
    await replacement.dress(taken.facts, never);
    await server.sql(
      'shop',
      'DROP FUNCTION f',
      'DROP LIBRARY changed',
      'DROP LIBRARY dropped',
      library('changed', 2),
      library('newer', 1),
      using('g', 'steady', 'newer AS n'),
    );
    await server.sql(null, 'GRANT EXECUTE ON LIBRARY shop.changed TO caller');
    const lived = await texts('shop');
    await open('shop').swap({ replacement: replacement.name, previous: 'shop_before' }, 'refuse', never);
    expect([await texts('shop'), await texts('shop_before')]).toEqual([saved, lived]);
    expect(await grants()).toEqual(granted);
    await open('shop').swap({ replacement: 'shop_before', previous: 'shop_undone' }, 'refuse', never);
    expect([await texts('shop'), await texts('shop_undone')]).toEqual([lived, saved]);
    expect(await grants()).toEqual(granted);
  });

  it('S15 refuses while sessions are connected, or ends them', async () => {
    const { live, replacement, previous } = await prepare();
    await using other = await server.session('shop');
    await other.query('SELECT * FROM customer');
    await expect(live.swap({ replacement, previous }, 'refuse', never)).rejects.toMatchObject({
      code: 'SESSIONS_CONNECTED',
      kind: 'refused',
    });
    expect(await server.databases()).toEqual(['shop', replacement]);
    await other.query('START TRANSACTION');
    await other.query("INSERT INTO customer VALUES (70, 'open')");
    await live.swap({ replacement, previous }, 'disconnect', never);
    await expect(other.query('SELECT 1')).rejects.toThrow();
    expect(await server.databases()).toEqual(['shop', previous]);
    expect(await server.sql(previous, 'SELECT COUNT(*) AS n FROM customer')).toEqual([{ n: 2 }]);
  });

  it('S15 of two swaps at once the second finds out before it looks at what lives', async () => {
    const { live, replacement, previous } = await prepare();
    const second = open('shop_restoring_20261121_120001_abcdef');
    await bringBack(second, await takeDump(live, folder.path));
    await second.dress(await live.probe(never), never);
    const lived = await names(second.name);
    // Held up when it knows what lives, and has changed nothing.
    await server.sql(second.name, `CREATE TABLE ${rehearsalName} (n INT PRIMARY KEY)`);
    await using holder = await server.session(null);
    await holder.query('START TRANSACTION');
    await holder.query(`SELECT * FROM ${second.name}.${rehearsalName}`);
    const swapping = live.swap({ replacement: second.name, previous: 'shop_before_y' }, 'refuse', never);
    swapping.catch(() => undefined);
    await until(
      async () => (await server.connections()).some(({ info }) => info?.startsWith('DROP TABLE')),
      'the swap waits for the table',
    );
    await expect(live.swap({ replacement, previous }, 'disconnect', never)).rejects.toMatchObject({
      code: 'SWAP_RUNNING',
      retryable: true,
    });
    await holder.query('COMMIT');
    await swapping;
    expect((await names('shop')).map((name) => name.replace(asleep, 'ENABLED'))).toEqual(
      lived.map((name) => name.replace(asleep, 'ENABLED')),
    );
    expect(await server.databases()).toEqual(['shop', 'shop_before_y', replacement]);
    await live.swap({ replacement, previous }, 'refuse', never);
  });

  it('S17 a table that is called like something of ours is put in place as well', async () => {
    const { live, replacement, previous } = await prepare();
    await server.sql(replacement, 'CREATE TABLE holdfast_rehearsal (n INT)');
    await live.swap({ replacement, previous }, 'refuse', never);
    expect(await names('shop')).toContain('BASE TABLE holdfast_rehearsal');
  });

  it('S14 a failure after the tables have changed places puts everything back', async () => {
    await server.sql(null, "CREATE USER IF NOT EXISTS mover@'127.0.0.1' IDENTIFIED BY 'secret-mover'");
    await server.sql(
      null,
      "GRANT ALL ON `shop`.* TO mover@'127.0.0.1'",
      "GRANT ALL ON `shop\\_%`.* TO mover@'127.0.0.1'",
    );
    await server.sql(
      null,
      ...(product === 'mariadb'
        ? ["GRANT SELECT ON mysql.proc TO mover@'127.0.0.1'", "GRANT SET USER ON *.* TO mover@'127.0.0.1'"]
        : ["GRANT SHOW_ROUTINE, SET_ANY_DEFINER, SYSTEM_USER ON *.* TO mover@'127.0.0.1'"]),
      "GRANT PROCESS, RELOAD ON *.* TO mover@'127.0.0.1'",
    );
    const { replacement, previous } = await prepare();
    const before = await names('shop');
    const rows = await server.sql('shop', 'SELECT * FROM customer ORDER BY 1');
    // It may take events away, and then make none in the live database: found only at the very end.
    await server.sql('shop', 'DROP EVENT tidy');
    await server.sql(null, "REVOKE EVENT ON `shop`.* FROM mover@'127.0.0.1'");
    const error = await open('shop', { user: 'mover', password: 'secret-mover' })
      .swap({ replacement, previous }, 'refuse', never)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ code: 'DATABASE_NO_PRIVILEGE' });
    expect((error as HoldfastError).message).toContain('taken back');
    expect((error as HoldfastError).hint).toContain('shop is as it was');
    expect(await server.databases()).toEqual(['shop', replacement]);
    expect(await names('shop')).toEqual(before.filter((each) => !each.startsWith('EVENT')));
    expect(await server.sql('shop', 'SELECT * FROM customer ORDER BY 1')).toEqual(rows);
    expect(await server.sql('shop', 'SELECT id FROM a_list')).toEqual([{ id: 1 }]);
    expect(await names(replacement)).toContain('TRIGGER noted');
    // And then it works.
    await open('shop').swap({ replacement, previous }, 'refuse', never);
    expect(await names('shop')).toContain('EVENT tidy ENABLED');
  });

  it('S14 what could not be made again is found before anything is taken away', async () => {
    await server.sql(
      null,
      "CREATE USER helper@'127.0.0.1' IDENTIFIED BY 'secret-helper'",
      "GRANT ALL ON `shop`.* TO helper@'127.0.0.1'",
      "GRANT ALL ON `shop\\_%`.* TO helper@'127.0.0.1'",
      ...(product === 'mariadb'
        ? ["GRANT SELECT ON mysql.proc TO helper@'127.0.0.1'", "GRANT SET USER ON *.* TO helper@'127.0.0.1'"]
        : ["GRANT SHOW_ROUTINE, SET_ANY_DEFINER, SYSTEM_USER ON *.* TO helper@'127.0.0.1'"]),
      "GRANT PROCESS, RELOAD ON *.* TO helper@'127.0.0.1'",
      // Where the former ones are to be kept, it may make no events; in MySQL none that act as root either.
      "REVOKE EVENT ON `shop\\_%`.* FROM helper@'127.0.0.1'",
      ...(product === 'mysql' ? ["REVOKE SYSTEM_USER ON *.* FROM helper@'127.0.0.1'"] : []),
    );
    const { replacement, previous } = await prepare();
    const [before, beside] = [await names('shop'), await names(replacement)];
    const error = await open('shop', { user: 'helper', password: 'secret-helper' })
      .swap({ replacement, previous }, 'refuse', never)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SWAP_BLOCKED', kind: 'refused' });
    expect((error as HoldfastError).message).toContain('again (event tidy):');
    if (product === 'mysql') {
      const acting = 'function twice, procedure steady, view a_list, view c_list, trigger newer_one, trigger noted';
      expect((error as HoldfastError).message).toContain(`again (${acting}):`);
    }
    expect(await names('shop')).toEqual(before);
    expect(await names(replacement)).toEqual(beside);
    expect(await server.databases()).toEqual(['shop', replacement]);
    await server.sql(null, "DROP USER helper@'127.0.0.1'");
  });

  it('S14 nor a function that promises nothing, which a binary log refuses to everybody', async () => {
    const { live, replacement, previous } = await prepare();
    await server.sql('shop', 'CREATE FUNCTION loose () RETURNS INT RETURN 1');
    const before = await names('shop');
    await server.sql(null, 'SET GLOBAL log_bin_trust_function_creators = 0');
    await expect(live.swap({ replacement, previous }, 'refuse', never)).rejects.toMatchObject({
      code: 'SWAP_BLOCKED',
      message: expect.stringContaining('again (function loose):'),
    });
    expect(await names('shop')).toEqual(before);
    await server.sql(null, 'SET GLOBAL log_bin_trust_function_creators = 1');
    await live.swap({ replacement, previous }, 'refuse', never);
    expect(await names(previous)).toContain('ROUTINE loose');
  });

  it('S14 a table that stays locked, and an interruption, leave everything as it was', async () => {
    const { live, replacement, previous } = await prepare();
    const before = await names('shop');
    await using holder = await server.session(null);
    await holder.query('START TRANSACTION');
    await holder.query('SELECT * FROM shop.orders');
    const stop = new AbortController();
    const swapping = live.swap({ replacement, previous }, 'refuse', stop.signal);
    swapping.catch(() => undefined);
    await until(
      async () =>
        (await server.connections()).some(
          ({ info }) => info?.startsWith('DROP TRIGGER') || info?.startsWith('RENAME TABLE'),
        ),
      'the swap waits for the table',
    );
    stop.abort();
    await holder.query('SELECT 1');
    await holder.query('COMMIT');
    await expect(swapping).rejects.toMatchObject({ kind: 'interrupted' });
    expect(await names('shop')).toEqual(before);
    expect(await server.databases()).toEqual(['shop', replacement]);
  });

  it('S6 a server that crashes in the middle and comes back finds everything as it was', async () => {
    const { live, replacement, previous } = await prepare();
    const before = await names('shop');
    await using holder = await server.session(null);
    await holder.query('START TRANSACTION');
    await holder.query('SELECT * FROM shop.customer');
    const swapping = live.swap({ replacement, previous }, 'refuse', never);
    swapping.catch(() => undefined);
    await until(
      async () => (await server.connections()).some(({ info }) => info?.startsWith('RENAME TABLE')),
      'the renaming waits for the table',
    );
    await server.restart();
    await expect(swapping).rejects.toMatchObject({ message: expect.stringContaining('taken back') });
    expect(await names('shop')).toEqual(before);
    expect(await server.sql('shop', 'SELECT COUNT(*) AS n FROM customer')).toEqual([{ n: 2 }]);
    expect(await server.databases()).toEqual(['shop', replacement]);
  });

  it('S14 what a killed swap leaves is found, neither saved nor dropped nor exchanged again, and taken back', async () => {
    const { live, replacement, previous } = await prepare();
    const before = await names('shop');
    await using holder = await server.session(null);
    await holder.query('START TRANSACTION');
    await holder.query('SELECT * FROM shop.customer');
    const script = join(import.meta.dirname, '../support/mysql-swap-process.ts');
    const child = spawn(process.execPath, [script, server.url('shop'), replacement, previous, folder.path], {
      stdio: 'ignore',
    });
    await until(
      async () => (await server.connections()).some(({ info }) => info?.startsWith('RENAME TABLE')),
      'the renaming waits for the table',
    );
    child.kill('SIGKILL');
    await once(child, 'close');
    // The server does the last thing it was told, and nothing after it.
    await holder.query('COMMIT');
    if (product === 'mariadb')
      await until(async () => (await names(previous)).length === 5, 'the tables have changed places');
    // MySQL notices that nobody is there any more, and renames nothing.
    else await until(async () => (await server.connections()).length === 1, 'the last statement has ended');
    expect((await live.check(never)).find(({ name }) => name === 'unfinished swap')).toMatchObject({
      result: 'failed',
    });
    expect(await live.leftovers(never)).toContainEqual(
      expect.objectContaining({ database: replacement, note: expect.stringContaining('in the middle of a swap') }),
    );
    await expect(live.named(replacement).drop({ unmarked: false }, never)).rejects.toMatchObject({
      code: 'DATABASE_NOT_OURS',
    });

    // Nobody takes half a database for a whole one, whatever the account may see.
    const refused = { code: 'DATABASE_HALF_SWAPPED', kind: 'refused', hint: expect.stringContaining('--undo') };
    await server.sql(
      null,
      "CREATE USER IF NOT EXISTS reader@'127.0.0.1' IDENTIFIED BY 'secret-reader'",
      "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON `shop`.* TO reader@'127.0.0.1'",
    );
    const reader = open('shop', { user: 'reader', password: 'secret-reader' });
    for (const database of [live, reader]) {
      await expect(database.open({ folders: true }, never)).rejects.toMatchObject(refused);
      await expect(database.halfSwap?.refuse(never)).rejects.toMatchObject(refused);
    }
    await expect(live.swap({ replacement, previous: 'shop_before_y' }, 'refuse', never)).rejects.toMatchObject(refused);
    await expect(reader.halfSwap?.takeBack(never)).rejects.toMatchObject({ code: 'SWAP_UNFINISHED' });

    expect(await live.halfSwap?.takeBack(never)).toEqual({ replacement, previous });
    expect(await live.halfSwap?.find(never)).toBeNull();
    expect((await live.check(never)).filter(({ name }) => name === 'unfinished swap')).toEqual([]);
    expect(await names('shop')).toEqual(before);
    expect(await server.databases()).toEqual(['shop', replacement]);
    await live.swap({ replacement, previous }, 'refuse', never);
    expect(await names('shop')).toContain('TRIGGER noted');
  });

  it('S14 a swap killed after any of its statements, noted down or not, is taken back whole', async () => {
    const { live, replacement, previous } = await prepare();
    const counting = 'CREATE TABLE ticket (id INT DEFAULT NEXTVAL(numbers) PRIMARY KEY, n INT) WITH SYSTEM VERSIONING';
    if (product === 'mariadb') await server.sql(replacement, counting, 'CREATE VIEW tickets AS SELECT * FROM ticket');
    const packaged = (answer: number) => [
      "SET sql_mode = 'ORACLE'",
      'CREATE PACKAGE box AS FUNCTION f RETURN INT; END',
      `CREATE PACKAGE BODY box AS FUNCTION f RETURN INT AS BEGIN RETURN ${answer}; END; END`,
    ];
    if (product === 'mariadb') {
      await server.sql('shop', ...packaged(1));
      await server.sql(replacement, ...packaged(2));
    }
    for (const name of ['shop', replacement])
      await server.sql(
        name,
        'SET foreign_key_checks = 0',
        'CREATE TABLE note (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES missing (id))',
      );
    const before = await names('shop');
    const keys = [await keysOf('shop'), await keysOf(replacement)];
    const grants = await mayCall('called', 'GRANT EXECUTE, ALTER ROUTINE ON FUNCTION shop.twice TO called');
    if (product === 'mariadb')
      await server.sql(null, "SET sql_mode = 'ORACLE'", 'GRANT EXECUTE ON PACKAGE shop.box TO called');
    const granted = await grants();
    // Its code keeps the character set it was made under.
    await server.sql(null, 'ALTER DATABASE shop CHARACTER SET latin1');
    const made = `SELECT TRIGGER_NAME AS n, TRIGGER_SCHEMA AS d, ACTION_ORDER AS o, DATABASE_COLLATION AS c FROM information_schema.TRIGGERS
      UNION SELECT ROUTINE_NAME, ROUTINE_SCHEMA, 0, DATABASE_COLLATION FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA LIKE 'shop%'
      UNION SELECT EVENT_NAME, EVENT_SCHEMA, 0, DATABASE_COLLATION FROM information_schema.EVENTS
      UNION SELECT 'database', SCHEMA_NAME, 0, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA ORDER BY 1, 2`;
    const order = await server.sql(null, made);
    const access = createAccess(
      {
        database: databaseSchema.parse({ engine: product, url: server.url('shop') }),
        via: null,
        dump: dumpSchema.parse({}),
      },
      { clock: systemClock, logger: silentLogger, scratch: folder.path },
    );
    const swapNames = { live: 'shop', replacement, previous };
    const plan = async () => {
      await using session = await access.connect(never, { database: null });
      const [old, fresh] = [await readObjects(session, 'shop'), await readObjects(session, replacement)];
      return planSwap({
        ...swapNames,
        old,
        fresh,
        grants: (await readRoutineGrants(session, 'shop')) ?? [],
        replaces: product === 'mariadb',
      });
    };
    const count = (await plan()).length;
    expect(count).toBeGreaterThan(10);
    for (let done = 1; done <= count; done += 1) {
      const noted = done - (done % 2);
      const steps = await plan();
      {
        await using session = await access.connect(never, { database: null });
        await session.rows('SET SESSION foreign_key_checks = 0');
        await writeJournal(session, swapNames, steps);
        for (const step of steps.slice(0, done)) await runStatement(session, step, step.statement);
        for (const step of steps.slice(0, noted)) await noteDone(session, swapNames, step, true);
      }
      expect(await live.halfSwap?.takeBack(never), `${done}, ${noted}`).toEqual({ replacement, previous });
      expect(await names('shop'), `${done}, ${noted}`).toEqual(before);
      expect([await keysOf('shop'), await keysOf(replacement)], `${done}, ${noted}`).toEqual(keys);
      expect(await server.sql(null, made), `${done}, ${noted}`).toEqual(order);
      expect(await grants(), `${done}, ${noted}`).toEqual(granted);
      expect(await server.databases()).toEqual(['shop', replacement]);
      if (product === 'mariadb') await server.sql(replacement, 'INSERT INTO ticket (n) VALUES (1)');
    }
    expect(await server.sql('shop', 'SELECT COUNT(*) AS n FROM customer')).toEqual([{ n: 2 }]);
    await live.swap({ replacement, previous }, 'refuse', never);
    if (product === 'mariadb') await server.sql('shop', 'INSERT INTO ticket (n) VALUES (1)');
    expect(await server.sql('shop', 'SELECT * FROM b_list')).toEqual([{ id: 1, double_id: 2 }]);
    if (product === 'mariadb')
      expect(await server.sql('shop', "SET sql_mode = 'ORACLE'", 'SELECT box.f() AS n')).toEqual([{ n: 2 }]);
    expect(await grants()).toEqual(granted);
  });

  it('refuses where tables of other databases refer to those that would go away', async () => {
    const { live, replacement, previous } = await prepare();
    await server.sql(null, 'CREATE DATABASE other');
    await server.sql('other', 'CREATE TABLE t (c INT, FOREIGN KEY (c) REFERENCES shop.customer (id))');
    await expect(live.swap({ replacement, previous }, 'refuse', never)).rejects.toMatchObject({ code: 'SWAP_BLOCKED' });
    await server.sql(null, 'DROP TABLE other.t');
  });
});
