import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interrupted } from '../../src/base/errors.ts';
import { docker, engineMissing } from '../support/engine.ts';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import { mariadb } from '../../src/engines/mysql/mysql.ts';
import { databaseSchema } from '../../src/engines/mysql/options.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { wholeLoad } from '../support/whole-load.ts';

const missing = await engineMissing();

const base = process.env['HOLDFAST_TEST_DEBIAN_IMAGE'] ?? 'debian:bookworm-slim';
const name = `holdfast-test-${randomBytes(4).toString('hex')}`;
const password = 'in-the-container-1';

/** A server of Debian's, with its own tools, that listens inside only; nobody has published anything. */
const dockerfile = `FROM ${base}
RUN apt-get update && apt-get install -y --no-install-recommends mariadb-server && rm -rf /var/lib/apt/lists/*
RUN printf '%s\\n' "CREATE USER shop@'%' IDENTIFIED BY '${password}';" "GRANT ALL ON *.* TO shop@'%';" "CREATE DATABASE shop;" >/init.sql
CMD mkdir -p /run/mysqld && chown mysql /run/mysqld && exec mariadbd --user=mysql --skip-name-resolve --init-file=/init.sql
`;

describe.skipIf(missing !== null)('MariaDB by the tools of its container', () => {
  let folder: TemporaryFolder;
  beforeAll(async () => {
    folder = await temporaryFolder();
    await well(['build', '--tag', `${name}:image`, '-'], dockerfile);
    await well(['run', '--detach', '--rm', '--name', name, `${name}:image`]);
    await until(async () => (await sql('USE shop')).status === 0, 'the server');
    await well(client, 'USE shop; CREATE TABLE item (id INT PRIMARY KEY, body TEXT)');
    await well(client, 'USE shop; INSERT INTO item SELECT seq, REPEAT(MD5(seq), 10) FROM seq_1_to_100000');
  });
  afterAll(async () => {
    await docker(['rm', '--force', name]);
    await docker(['image', 'rm', '--force', `${name}:image`]);
    await folder?.[Symbol.asyncDispose]();
  });
  const client = ['exec', '--interactive', name, 'mariadb', '--batch', '--skip-column-names'];
  const sql = (text: string) => docker(client, { input: text });
  const well = async (args: string[], input: string = '') => {
    const { status, stderr } = await docker(args, { input });
    if (status !== 0) throw new Error(`docker ${args[0]} ended with ${status}: ${stderr.slice(-3000)}`);
  };
  const open = (dump: Record<string, unknown> = {}) =>
    mariadb.connect(
      {
        database: databaseSchema.parse({ engine: 'mariadb', url: `mariadb://shop:${password}@localhost/shop` }),
        via: { container: name },
        dump: dumpSchema.parse(dump),
      },
      { clock: systemClock, logger: silentLogger, scratch: folder.path },
    );
  const inside = async () => (await docker(['top', name, '-eo', 'pid,args'])).stdout;

  test.each(['plain', 'directory'])('a %s dump, and its way back by swap', async (format) => {
    const live = open({ format });
    const taken = await takeDump(live, folder.path);
    expect(taken.facts.via).toBe(`container:${name}`);
    expect(taken.counts.tables).toMatchObject([{ name: 'item', rows: 100_000 }]);
    const replacement = live.named('shop_restoring_20261121_120000_abcdef');
    expect((await bringBack(replacement, taken)).counts.tables).toEqual(taken.counts.tables);
    await sql('USE shop; DELETE FROM item');
    await replacement.dress(taken.facts, never);
    await live.swap({ replacement: replacement.name, previous: `shop_before_${format}` }, 'refuse', never);
    expect((await sql('SELECT COUNT(*) FROM shop.item')).stdout).toBe('100000\n');
  });

  test('what is interrupted ends inside, in a dump and in a load', async () => {
    const taken = await takeDump(open({ format: 'plain' }), folder.path);
    const dumping = new AbortController();
    const snapshot = await open({ format: 'plain' }).open({ folders: true }, dumping.signal);
    expect(await inside()).toContain('mariadb-dump');
    expect(await inside()).not.toContain(password);
    dumping.abort(interrupted());
    await snapshot[Symbol.asyncDispose]();
    await until(async () => !(await inside()).includes('mariadb-dump'), 'the dump tool');

    const loading = new AbortController();
    const copy = open().named('shop_copy');
    await copy.create(taken.facts, 'test', never);
    const outcome = copy.load(taken.dump, wholeLoad, loading.signal).catch((error: unknown) => error);
    await until(async () => (await inside()).includes('mariadb --defaults-file'), 'the client');
    loading.abort(interrupted());
    expect(await outcome).toMatchObject({ code: 'INTERRUPTED' });
    await until(async () => !(await inside()).includes('mariadb --defaults-file'), 'its end');
    expect((await docker(['exec', name, 'ls', '/tmp'])).stdout).toBe('');
  });
});
