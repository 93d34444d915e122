import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interrupted } from '../../src/base/errors.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import { createAccess } from '../../src/engines/mysql/connect/access.ts';
import { databaseSchema } from '../../src/engines/mysql/options.ts';
import { cutProxy } from '../support/loopback.ts';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { fakeDocker } from '../support/fake-docker.ts';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import { hasMysql, openMysql, product, productName, startMysql, type TestMysql } from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

describe.skipIf(!hasMysql())(`the way to a ${productName} server`, () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  let certificates: Certificates;
  let readable: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    certificates = await makeCertificates();
    // The server runs as another user, who must be able to read them.
    readable = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
    await chmod(readable, 0o755);
    for (const name of ['key', 'cert'] as const)
      await writeFile(join(readable, name), certificates[name], { mode: 0o644 });
    server = await startMysql({ 'ssl-key': join(readable, 'key'), 'ssl-cert': join(readable, 'cert') });
    await server.sql(
      null,
      'CREATE DATABASE shop',
      'CREATE TABLE shop.t (id INT)',
      'INSERT INTO shop.t VALUES (1), (2)',
      'CREATE TABLE shop.log_1 (id INT)',
      'INSERT INTO shop.log_1 VALUES (1)',
      'CREATE TABLE shop.cache (id INT) ENGINE=MyISAM',
      'INSERT INTO shop.cache VALUES (1)',
      "CREATE USER sealed@'%' IDENTIFIED BY 'secret-of-sealed' REQUIRE SSL",
      "GRANT ALL ON *.* TO sealed@'%'",
      `CREATE USER odd@'%' IDENTIFIED BY 'a"b\\\\c#d;e''f '`,
      "GRANT ALL ON *.* TO odd@'%'",
    );
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
    await certificates?.[Symbol.asyncDispose]();
    if (readable) await rm(readable, { recursive: true, force: true });
  });
  const sealed = { user: 'sealed', password: 'secret-of-sealed' };
  const open = (ssl: unknown, login = sealed, dump = {}) =>
    openMysql(server, 'shop', { scratch: folder.path, login, dump, database: { ssl } });

  it.each(['prefer', 'require', 'verify-ca', 'verify-full'] as const)(
    'driver and tool go encrypted with %s',
    async (mode) => {
      const { ca } = certificates;
      const database = open(mode.startsWith('verify') ? { mode, ca } : mode);
      expect((await database.check(never)).find(({ name }) => name === 'connection')?.detail).toContain('TLS');
      const taken = await takeDump(database, folder.path);
      expect(taken.counts.tables.find(({ name }) => name === 't')?.rows).toBe(2);
      expect(taken.warnings.join('\n')).toContain('cache (MyISAM)');
    },
  );

  it('and so do both through a container, where the tools have none of our files, with a password of any characters', async () => {
    using docker = await fakeDocker(folder.path);
    const path = `${process.env['HOLDFAST_TEST_MYSQL'] ?? '/usr/bin'}:/usr/bin:/bin`;
    await docker.run({ id: 'c0ffee'.repeat(10), name: 'shop-db', image: 'example/shop', path });
    const inside = (ssl: unknown, login: { user: string; password: string }) =>
      openMysql(server, 'shop', { scratch: folder.path, login, database: { ssl }, container: 'shop-db' });
    for (const ssl of ['prefer', 'require', { mode: 'verify-full', ca: certificates.ca }]) {
      const database = inside(ssl, sealed);
      expect((await database.check(never))[0]?.detail).toMatch(/through the container shop-db .*TLS/);
      const taken = await takeDump(database, folder.path);
      expect(taken.counts.tables.find(({ name }) => name === 't')?.rows).toBe(2);
      const copy = database.named('shop_copy');
      expect((await bringBack(copy, taken)).counts.tables).toEqual(taken.counts.tables);
      await copy.drop({ unmarked: true }, never);
    }
    const odd = inside('disable', { user: 'odd', password: `a"b\\c#d;e'f ` });
    expect((await takeDump(odd, folder.path)).counts.tables).toHaveLength(3);
    await using other = await makeCertificates();
    await expect(inside({ mode: 'verify-ca', ca: other.ca }, sealed).probe(never)).rejects.toMatchObject({
      code: 'DATABASE_TLS_FAILED',
    });
    await expect(inside('disable', sealed).probe(never)).rejects.toMatchObject({ code: 'DATABASE_LOGIN_FAILED' });
  });

  it('a wrong authority, and none of the encryption that is asked for, are told', async () => {
    await using other = await makeCertificates();
    await expect(open({ mode: 'verify-ca', ca: other.ca }).probe(never)).rejects.toMatchObject({
      code: 'DATABASE_TLS_FAILED',
    });
    await expect(open('disable').probe(never)).rejects.toMatchObject({ code: 'DATABASE_LOGIN_FAILED' });
    await using plain = await startMysql(product === 'mariadb' ? { 'skip-ssl': '1' } : { 'tls-version': '' });
    const refused = openMysql(plain, 'mysql', { scratch: folder.path, database: { ssl: 'require' } });
    await expect(refused.probe(never)).rejects.toMatchObject({ code: 'DATABASE_TLS_REFUSED' });
    await openMysql(plain, 'mysql', { scratch: folder.path, database: { ssl: 'prefer' } }).ready('database', never);
  });

  it('a password of any characters reaches driver and tool', async () => {
    const taken = await takeDump(open('disable', { user: 'odd', password: `a"b\\c#d;e'f ` }), folder.path);
    expect(taken.counts.tables).toHaveLength(3);
  });

  it.each(['plain', 'directory'] as const)('tables and rows are left out of %s as asked', async (format) => {
    const exclude = { tables: ['ca*'], tableData: ['log_?'] };
    const asked = (wanted: string) =>
      open('disable', { user: server.user, password: server.password }, { format: wanted, exclude });
    if (product === 'mysql' && format === 'plain') {
      await expect(takeDump(asked('plain'), folder.path)).rejects.toMatchObject({ code: 'TOOL_LACKS_FEATURE' });
      expect((await takeDump(asked('auto'), folder.path)).dump.format).toBe('directory');
      return;
    }
    const taken = await takeDump(asked(format), folder.path);
    expect(taken.counts.tables).toEqual([
      { schema: '', name: 'log_1', rows: null, fingerprint: null },
      { schema: '', name: 't', rows: 2, fingerprint: null },
    ]);
    const target = open('disable', { user: server.user, password: server.password }).named(`shop_${format}`);
    const { counts } = await bringBack(target, taken);
    expect(counts.tables.map(({ name, rows }) => `${name} ${rows}`)).toEqual(['log_1 0', 't 2']);
    if (format === 'directory')
      expect(JSON.parse(await readFile(join(taken.path, 'index.json'), 'utf8'))).toMatchObject({ database: 'shop' });
  });

  it('S14 a statement that the server never heard is given up all the same, and so is its session', async () => {
    await using proxy = await cutProxy(server.port);
    const url = server.url('shop').replace(`:${server.port}/`, `:${proxy.port}/`);
    const settings = {
      database: databaseSchema.parse({ engine: product, url, ssl: 'disable' }),
      via: null,
      dump: dumpSchema.parse({}),
    };
    const access = createAccess(settings, { clock: systemClock, logger: silentLogger, scratch: folder.path });
    const stop = new AbortController();
    const session = await access.connect(stop.signal, { database: null });
    proxy.deafen();
    const asked = session.rows('SELECT 1');
    stop.abort(interrupted());
    await expect(asked).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await session[Symbol.asyncDispose]();

    const idle = await access.connect(never, { database: null });
    const unheard = idle.rows('SELECT 1').catch((error: unknown) => error);
    proxy.deafen();
    const waiting = idle.rows('SELECT 2').catch((error: unknown) => error);
    await idle[Symbol.asyncDispose]();
    await Promise.all([unheard, waiting]);
  }, 30_000);

  it('a throw-away server that does not start says why', async () => {
    await expect(startMysql({ 'no-such-setting': '1' })).rejects.toMatchObject({
      code: 'MYSQL_NOT_STARTED',
      message: expect.stringMatching(/could not be started: (?:\S+: )?unknown variable 'no-such-setting=1'/i),
    });
  });

  it('an empty database is a dump too', async () => {
    await server.sql(null, 'CREATE DATABASE `empty`');
    for (const format of ['plain', 'directory'] as const) {
      const database = openMysql(server, 'empty', { scratch: folder.path, dump: { format } });
      const taken = await takeDump(database, folder.path);
      expect(taken.counts).toEqual({ tables: [], sequences: [] });
      await bringBack(database.named(`empty_${format}`), taken);
      expect(await database.readThrough(taken.dump, never)).toEqual({ entries: 0 });
    }
  });
});
