import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareCounts } from '../../src/care/proof/compare.ts';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import { wholeLoad } from '../support/whole-load.ts';
import {
  hasMysql,
  numbersTo,
  openMysql,
  product,
  productName,
  startMysql,
  storedAt,
  type TestMysql,
} from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

describe.skipIf(!hasMysql())(`what goes wrong with dumps of ${productName}`, () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await startMysql();
    folder = await temporaryFolder();
    await server.sql(null, 'CREATE DATABASE shop', 'CREATE DATABASE large');
    await server.sql(
      'shop',
      'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)',
      'CREATE TABLE sums (id INT PRIMARY KEY, total INT)',
      'INSERT INTO sums VALUES (1, 0)',
    );
    await server.sql(
      'large',
      'CREATE TABLE first_one (id INT PRIMARY KEY, t TEXT)',
      `INSERT INTO first_one SELECT seq, REPEAT(SHA2(seq, 256), 30) FROM ${numbersTo(30_000)}`,
      'CREATE TABLE second_one LIKE first_one',
      'INSERT INTO second_one SELECT * FROM first_one',
    );
    await server.sql(
      null,
      "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'secret-of-reader'",
      "GRANT SELECT ON shop.t TO reader@'127.0.0.1'",
      "CREATE USER modest@'127.0.0.1' IDENTIFIED BY 'secret-of-modest'",
      "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON shop.* TO modest@'127.0.0.1'",
    );
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  it('a limit on the rows of a query, which the tool would keep to, is told before anything is dumped', async () => {
    await server.sql(null, 'CREATE DATABASE wide');
    for (let at = 1; at <= 5; at += 1)
      await server.sql('wide', `CREATE TABLE t${at} (id INT PRIMARY KEY)`, `INSERT INTO t${at} VALUES (1), (2), (3)`);
    await server.sql(null, 'SET GLOBAL sql_select_limit = 2');
    try {
      const { tables } = await open('wide').count({ tables: null, sequences: false, fingerprints: false }, never);
      expect(tables).toHaveLength(5);
      await expect(open('wide').open({ folders: true }, never)).rejects.toMatchObject({
        code: 'TOOL_LACKS_FEATURE',
        message: expect.stringContaining('sql_select_limit is 2'),
        hint: expect.stringContaining('SET GLOBAL sql_select_limit = DEFAULT'),
      });
    } finally {
      await server.sql(null, 'SET GLOBAL sql_select_limit = DEFAULT');
    }
    expect((await takeDump(open('wide'), folder.path)).counts.tables).toHaveLength(5);
  });

  const open = (name: string, more: Partial<Parameters<typeof openMysql>[2]> = {}) =>
    openMysql(server, name, { scratch: folder.path, ...more });

  /** Rows and their sum, changed together: what belongs together must come back together. */
  const startWriting = async () => {
    const session = await server.session('shop');
    let going = true;
    const loop = (async () => {
      while (going) {
        await session.query('START TRANSACTION');
        await session.query('INSERT INTO t (n) VALUES (1), (1), (1)');
        await session.query('UPDATE sums SET total = total + 3');
        await session.query('COMMIT');
      }
    })();
    return {
      [Symbol.asyncDispose]: async () => {
        going = false;
        await loop;
        await session[Symbol.asyncDispose]();
      },
    };
  };

  for (const format of ['plain', 'directory'] as const) {
    it(`under writers, counts and content of ${format} show one moment`, async () => {
      await using _ = await startWriting();
      for (let round = 0; round < 3; round += 1) {
        const before = await server.sql<{ n: number }>('shop', 'SELECT COUNT(*) AS n FROM t');
        await until(
          async () => (await server.sql<{ n: number }>('shop', 'SELECT COUNT(*) AS n FROM t'))[0]?.n !== before[0]?.n,
          'somebody writes',
        );
        const taken = await takeDump(open('shop', { dump: { format, fingerprints: true } }), folder.path, {
          meanwhile: async () => {
            const now = await server.sql<{ n: number }>('shop', 'SELECT COUNT(*) AS n FROM t');
            await until(
              async () => (await server.sql<{ n: number }>('shop', 'SELECT COUNT(*) AS n FROM t'))[0]?.n !== now[0]?.n,
              'nobody is kept from writing',
            );
          },
        });
        const name = `shop_${format}_${round}`;
        const { counts } = await bringBack(open(name), taken);
        expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
        const [sums] = await server.sql<{ a: number; b: number }>(
          name,
          'SELECT (SELECT COUNT(*) FROM t) AS a, (SELECT total FROM sums) AS b',
        );
        expect(sums?.a).toBe(sums?.b);
        expect(sums?.a).toBeGreaterThan(0);
      }
    });
  }

  it('S16 a role that may not lock still dumps one moment, and counts only what cannot have changed', async () => {
    await using _ = await startWriting();
    const login = { user: 'modest', password: 'secret-of-modest' };
    const taken = await takeDump(open('shop', { login }), folder.path);
    expect(taken.isolation).toBe('consistent-snapshot');
    expect(taken.warnings.join('\n')).toContain('may not lock the server');
    const { counts } = await bringBack(open('shop_modest'), taken);
    expect(compareCounts(taken.counts, counts)).toMatchObject({ ok: true });
  });

  it.runIf(product === 'mariadb')(
    'a limit on idle transactions does not end a snapshot while another part of it is counted',
    async () => {
      const login = { user: 'modest', password: 'secret-of-modest' };
      const limit = async (seconds: number) => server.sql(null, `SET GLOBAL idle_transaction_timeout = ${seconds}`);
      await limit(1);
      try {
        const taken = await takeDump(open('shop', { login }), folder.path, {
          meanwhile: async () => void (await server.sql(null, 'SELECT SLEEP(3)')),
        });
        expect(taken.counts.tables.filter(({ rows }) => rows === null)).toEqual([]);
      } finally {
        await limit(0);
      }
    },
  );

  it('S16 missing rights are named all at once, before anything begins', async () => {
    const login = { user: 'reader', password: 'secret-of-reader' };
    const database = open('shop', { login });
    await expect(database.open({ folders: false }, never)).rejects.toMatchObject({
      code: 'DATABASE_NO_PRIVILEGE',
      message: expect.stringContaining('SELECT, SHOW VIEW, TRIGGER, EVENT'),
      hint: expect.stringContaining("ON `shop`.* TO 'reader'@'127.0.0.1'"),
    });
    const checks = await database.check(never);
    expect(checks.find(({ name }) => name === 'rights')).toMatchObject({ result: 'failed' });
  });

  it.each(["it's", 'say "x"', 'back\\slash', 'two\nlines'])('S18 events of a database called %j', async (name) => {
    await server.sql(null, `CREATE DATABASE \`${name}\``);
    await server.sql(name, 'CREATE TABLE t (id INT)');
    // Without events there is nothing that a name could stand in the way of.
    await takeDump(open(name), folder.path);
    await server.sql(name, 'CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM t');
    if (product === 'mysql') {
      await bringBack(open(`${name}2`), await takeDump(open(name), folder.path));
      expect(await server.sql(`${name}2`, 'SHOW EVENTS')).toHaveLength(1);
      return;
    }
    const refused = { code: 'TOOL_LACKS_FEATURE', message: expect.stringContaining('tidy') };
    await expect(open(name).open({ folders: false }, never)).rejects.toMatchObject(refused);
    const checks = await open(name).check(never);
    expect(checks.find((each) => each.name === 'dump tool' && each.result === 'failed')?.detail).toContain('tidy');
  });

  it('a wrong password, a missing database and a server that is not there are told apart', async () => {
    const wrong = open('shop', { login: { user: 'reader', password: 'not-it-at-all' } });
    await expect(wrong.probe(never)).rejects.toMatchObject({ code: 'DATABASE_LOGIN_FAILED' });
    await expect(open('nothing').probe(never)).rejects.toMatchObject({ code: 'DATABASE_MISSING' });
    expect(await open('nothing').target(never)).toBeNull();
    const nobody = open('shop').at('mariadb://root:x@127.0.0.1:1/shop');
    await expect(nobody.probe(never)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE', retryable: true });
    await open('shop').ready('database', never);
    expect(Math.abs(await open('shop').clockAhead(never))).toBeLessThan(60_000);
  });

  it('S23 the password stands in no argument and no environment, and in a file only we can read', async () => {
    await using _snapshot = await open('large', { dump: { format: 'directory' } }).open({ folders: true }, never);
    const running = await toolsRunning(server);
    expect(running).toHaveLength(2);
    for (const pid of running) {
      const line = await readFile(join('/proc', String(pid), 'cmdline'), 'utf8');
      expect(line).not.toContain(server.password);
      expect(await readFile(join('/proc', String(pid), 'environ'), 'utf8')).not.toContain(server.password);
      const file = /--defaults-file=([^\0]+)/.exec(line)?.[1] ?? '';
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect((await stat(dirname(file))).mode & 0o777).toBe(0o700);
    }
  });

  it('S7 a table locked by a migration ends by the time limit, and is named', async () => {
    await using holder = await server.session('shop');
    await holder.query('LOCK TABLES t WRITE');
    await expect(open('shop', { dump: { lockTimeout: '1s' } }).open({ folders: false }, never)).rejects.toMatchObject({
      code: 'DATABASE_LOCKED',
      retryable: true,
    });
  });

  for (const format of ['plain', 'directory'] as const) {
    it(`a cancelled dump (${format}) leaves no process and no session`, async () => {
      const stop = new AbortController();
      await using snapshot = await open('large', { dump: { format } }).open({ folders: true }, stop.signal);
      const running = await toolsRunning(server);
      expect(running.length).toBeGreaterThan(0);
      const parts = snapshot.parts(stop.signal);
      const consumed = (async () => {
        for await (const part of parts) {
          const path = join(folder.path, `cancelled-${format}`);
          if (part.kind === 'folder') {
            await mkdir(path);
            const writing = part.write(path, stop.signal);
            await until(async () => (await readdir(path)).length > 0, 'files are written');
            stop.abort();
            await writing;
          } else {
            let seen = 0;
            for await (const chunk of part.open(stop.signal)) {
              seen += (chunk as Buffer).length;
              if (seen > 1_000_000) stop.abort();
            }
          }
        }
      })();
      await expect(consumed).rejects.toMatchObject({ kind: 'interrupted' });
      await snapshot[Symbol.asyncDispose]();
      expect(await toolsRunning(server)).toEqual([]);
      await until(async () => (await server.connections()).length === 0, 'no session is left');
    });

    it(`S2 S6 a killed tool (${format}) is no dump`, async () => {
      await using snapshot = await open('large', { dump: { format } }).open({ folders: true }, never);
      const [pid] = await toolsRunning(server);
      const consumed = (async () => {
        for await (const part of snapshot.parts(never)) {
          const path = join(folder.path, `killed-${format}`);
          if (pid !== undefined) process.kill(pid, 'SIGKILL');
          if (part.kind === 'folder') {
            await mkdir(path);
            await part.write(path, never);
          } else await pipeline(part.open(never), createWriteStream(path));
        }
      })();
      await expect(consumed).rejects.toMatchObject({ code: 'TOOL_FAILED' });
    });
  }

  it('S7 a migration that begins after the dump, and lasts, ends it by the time limit', async () => {
    await using holder = await server.session('large');
    const dumping = (async () => {
      await using snapshot = await open('large', { dump: { format: 'plain', lockTimeout: '1s' } }).open(
        { folders: true },
        never,
      );
      await holder.query('LOCK TABLES second_one WRITE');
      for await (const part of snapshot.parts(never)) {
        if (part.kind === 'stream') for await (const _ of part.open(never));
      }
    })();
    await expect(dumping).rejects.toMatchObject({
      code: 'DATABASE_LOCKED',
      message: expect.stringContaining('second_one'),
      retryable: true,
    });
    await holder.query('UNLOCK TABLES');
    await until(async () => (await server.connections()).length <= 1, 'no session is left waiting');
  });

  for (const [what, change, back] of [
    ['rebuilt', 'ALTER TABLE second_one FORCE', 'DO 0'],
    ['renamed', 'RENAME TABLE second_one TO third_one', 'RENAME TABLE third_one TO second_one'],
  ] as const) {
    it(`a table that is ${what} while the dump runs fails it, as something to try again`, async () => {
      const dumping = (async () => {
        await using snapshot = await open('large', { dump: { format: 'plain' } }).open({ folders: true }, never);
        await server.sql('large', change);
        for await (const part of snapshot.parts(never)) {
          if (part.kind === 'stream') for await (const _ of part.open(never));
        }
      })();
      await expect(dumping).rejects.toMatchObject({ code: 'DATABASE_CHANGED', retryable: true });
      await server.sql('large', back);
    });
  }

  for (const [what, change, fails] of [
    ['change places', 'RENAME TABLE a TO x, z TO a, x TO z', true],
    ['get a new one between them', 'CREATE TABLE y (id INT PRIMARY KEY)', false],
    ['are moved away after they were read', 'RENAME TABLE a TO x', false],
  ] as const) {
    it(`two tables that ${what} while the dump runs ${fails ? 'fail' : 'do not fail'} it`, async () => {
      await server.sql(null, 'CREATE DATABASE `pla-ces`');
      const filled = (name: string) => [
        `CREATE TABLE ${name} (id INT PRIMARY KEY, t TEXT)`,
        `INSERT INTO ${name} VALUES (1, 'of ${name}')`,
      ];
      await server.sql('pla-ces', ...filled('a'), ...filled('z'), 'CREATE TABLE m LIKE a');
      await server.sql('pla-ces', 'INSERT INTO m SELECT id, t FROM large.first_one');
      const dumping = (async () => {
        await using snapshot = await open('pla-ces', { dump: { format: 'plain' } }).open({ folders: true }, never);
        let seen = '';
        let isChanged = false;
        for await (const part of snapshot.parts(never)) {
          if (part.kind !== 'stream') continue;
          for await (const chunk of part.open(never)) {
            seen += String(chunk);
            if (!isChanged && seen.includes('INSERT INTO `m`')) {
              isChanged = true;
              await server.sql('pla-ces', change);
            }
          }
        }
        return /INSERT INTO `z` VALUES\s*\(1,'of (.)'/.exec(seen)?.[1];
      })();
      try {
        // Read by its name, the second one would be the first one again, and its own rows nowhere.
        if (fails) {
          await expect(dumping).rejects.toMatchObject({
            code: 'DATABASE_CHANGED',
            message: expect.stringMatching(/: a, z$/),
            retryable: true,
          });
        } else expect(await dumping).toBe('z');
      } finally {
        await server.sql(null, 'DROP DATABASE `pla-ces`');
      }
    });
  }

  it('S6 a server that dies in the middle is told as lost', async () => {
    const dumping = (async () => {
      await using snapshot = await open('large', { dump: { format: 'plain' } }).open({ folders: true }, never);
      await server.restart();
      for await (const part of snapshot.parts(never)) {
        if (part.kind === 'stream') for await (const _ of part.open(never));
      }
    })();
    await expect(dumping).rejects.toMatchObject({ code: 'DATABASE_CONNECTION_LOST', retryable: true });
  });

  it('S5 S13 a dump without its end is refused by reading and by loading, and the client gets no end', async () => {
    for (const format of ['plain', 'directory'] as const) {
      const taken = await takeDump(open('shop', { dump: { format, compression: 'none' } }), folder.path);
      const file = format === 'plain' ? taken.path : join(taken.path, 't00001.sql');
      const text = await readFile(file);
      // At the end of a line, where a client notices nothing.
      await truncate(file, text.lastIndexOf('\n', text.length - 200) + 1);
      await expect(open('shop').readThrough(taken.dump, never)).rejects.toMatchObject({
        code: 'DUMP_DAMAGED',
        kind: 'integrity',
      });
      const target = open(`shop_cut_${format}`);
      await target.create(taken.facts, 'test', never);
      await expect(target.load(taken.dump, wholeLoad, never)).rejects.toMatchObject({ code: 'DUMP_DAMAGED' });
      await target.drop({ unmarked: false }, never);
      expect(await server.databases()).not.toContain(`shop_cut_${format}`);
    }
  });

  it('what a client prints about rows stands in no error', async () => {
    const path = join(folder.path, 'duplicate.sql');
    const secretRow = 'row-nobody-may-see';
    await writeFile(
      path,
      `-- MariaDB dump 10.19\n--\n-- Host: x    Database: shop\nCREATE TABLE x (a VARCHAR(99) PRIMARY KEY);\nINSERT INTO \`x\` VALUES\n('${secretRow}'),\n('${secretRow}');\n-- Dump completed\n`,
    );
    const target = open('shop_duplicate');
    const facts = await open('shop').probe(never);
    await target.create(facts, 'test', never);
    const error = await target.load(storedAt(path, 'plain'), wholeLoad, never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).toContain('Duplicate entry');
    for (let at = error; at instanceof Error; at = at.cause) {
      expect(JSON.stringify(at, Object.getOwnPropertyNames(at))).not.toContain(secretRow);
    }
  });
});

/** The dump tools of this test's server, by the option file they were given. */
async function toolsRunning(server: TestMysql): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    const line = await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '');
    const file = /--defaults-file=([^\0]+)/.exec(line)?.[1];
    if (!line.includes('dump') || file === undefined) continue;
    if ((await readFile(file, 'utf8').catch(() => '')).includes(String(server.port))) found.push(Number(pid));
  }
  return found;
}
