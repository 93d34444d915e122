import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HoldfastError, interrupted } from '../../src/base/errors.ts';
import { runProcess, startProcess } from '../../src/base/run-process.ts';
import { feedClient } from '../../src/engines/mysql/connect/client.ts';
import type { Address } from '../../src/engines/mysql/connect/connection.ts';
import { databaseSchema } from '../../src/engines/mysql/options.ts';
import { chooseTool, toolsThere } from '../../src/engines/mysql/connect/tools.ts';
import { supervised } from '../../src/engines/shared/supervised.ts';
import { fakeDocker, type FakeDocker } from '../support/fake-docker.ts';
import { bringBack, never, takeDump } from '../support/mysql-backup.ts';
import {
  hasMysql,
  numbersTo,
  openMysql,
  product,
  productName,
  startMysql,
  stockTools,
  storedAt,
  toolFolder,
  type OpenOptions,
  type TestMysql,
} from '../support/mysql-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { wholeLoad } from '../support/whole-load.ts';

describe.skipIf(!hasMysql())(`${productName} by the tools of a container`, () => {
  let server: TestMysql;
  let folder: TemporaryFolder;
  let docker: FakeDocker;
  const searched = `${toolFolder}:/usr/bin:/bin`;
  const shopDb = {
    id: 'c0ffee'.repeat(10),
    name: 'shop-db',
    image: 'example/shop',
    path: searched,
    engine: 'docker' as const,
  };

  beforeAll(async () => {
    server = await startMysql();
    folder = await temporaryFolder();
    docker = await fakeDocker(folder.path);
  });
  afterEach(async () => {
    await docker.run(shopDb);
    for (const name of await server.databases()) await server.sql(null, `DROP DATABASE \`${name}\``);
  });
  afterAll(async () => {
    docker?.[Symbol.dispose]();
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const open = (name: string, options: Partial<OpenOptions> = {}) =>
    openMysql(server, name, { scratch: folder.path, container: 'shop-db', ...options });
  const makeShop = async (rows = 3) => {
    await docker.run(shopDb);
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(2000), raw BLOB)',
      `INSERT INTO item SELECT seq, CONCAT('dürüm ', REPEAT(seq, 100)), 0x00FF0A FROM ${numbersTo(rows)}`,
      'CREATE FUNCTION twice (x INT) RETURNS INT DETERMINISTIC RETURN x * 2',
      'CREATE VIEW seen AS SELECT id, twice(id) AS double_id FROM item',
    );
  };
  /** Of the tools inside: their arguments and variables. */
  const inside = async () => {
    const found: { args: string; variables: string }[] = [];
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
      const args = (await read('cmdline')).replaceAll('\0', ' ');
      if (args.includes('--defaults-file=/dev/fd/3')) found.push({ args, variables: await read('environ') });
    }
    return found;
  };

  it('T-08 T-d10 both formats are dumped inside, the password in no argument, no variable and no file', async () => {
    await makeShop(50_000);
    for (const format of ['plain', 'directory'] as const) {
      const database = open('shop', { dump: { format, fingerprints: true } });
      let shown: Awaited<ReturnType<typeof inside>> = [];
      const taken = await takeDump(database, folder.path, {
        meanwhile: async () => {
          await until(async () => (shown = await inside()).length > 0, 'the tool inside');
          const places = (await readdir(folder.path)).filter((name) => name.startsWith('mysql-'));
          for (const place of places) expect(await readdir(join(folder.path, place))).toEqual([]);
        },
      });
      expect(taken.facts).toMatchObject({ name: 'shop', via: 'container:shop-db' });
      expect(taken.warnings).toEqual([]);
      expect(shown.map(({ args }) => args).join('\n')).toContain(stockTools.dump);
      for (const { args, variables } of shown) expect(args + variables).not.toContain(server.password);
      expect((await docker.calls()).join('\n')).not.toContain(server.password);
      expect((await readdir(folder.path)).filter((name) => name.startsWith('mysql-'))).toEqual([]);
      const { warnings, counts } = await bringBack(open(`copy_${format}`), taken);
      expect(warnings).toEqual([]);
      expect(counts.tables).toEqual(taken.counts.tables);
      expect(counts.tables[0]).toMatchObject({ name: 'item', rows: 50_000, fingerprint: expect.any(String) });
      expect(await server.sql(`copy_${format}`, 'SELECT double_id FROM seen WHERE id = 4')).toEqual([{ double_id: 8 }]);
    }
    expect((await docker.calls()).filter((call) => call.includes('shop-db'))).toEqual([]);
    expect(await inside()).toEqual([]);
  });

  it('T-08 a restore by swap, and one into an empty database', async () => {
    await makeShop();
    const live = open('shop');
    const taken = await takeDump(live, folder.path);
    await server.sql('shop', 'DELETE FROM item');
    const replacement = live.named('shop_restoring_20261121_120000_abcdef');
    await bringBack(replacement, taken);
    await replacement.dress(taken.facts, never);
    await live.swap({ replacement: replacement.name, previous: 'shop_before_x' }, 'refuse', never);
    expect(await server.sql('shop', 'SELECT COUNT(*) AS n FROM seen')).toEqual([{ n: 3 }]);
    await server.sql(null, 'CREATE DATABASE shop_empty CHARACTER SET utf8mb4');
    await live.named('shop_empty').replace(taken.dump, wholeLoad, taken.counts, never);
    expect(await server.sql('shop_empty', 'SELECT COUNT(*) AS n FROM item')).toEqual([{ n: 3 }]);
  });

  it('an interrupted dump ends inside, and so does one that takes too long, or whose client is killed', async () => {
    await makeShop(50_000);
    // The tool waits for its reader.
    const begun = async (options: Partial<OpenOptions>, signal: AbortSignal) => {
      const snapshot = await open('shop', options).open({ folders: true }, signal);
      for await (const part of snapshot.parts(signal)) {
        if (part.kind === 'stream') return { snapshot, stream: part.open(signal) };
      }
      throw new Error('there was no stream');
    };
    const gone = async (what: string) => {
      await until(async () => (await inside()).length === 0, `the tool inside, ${what}`);
      await until(async () => (await server.connections()).length === 0, `the sessions, ${what}`);
    };
    const controller = new AbortController();
    const first = await begun({ dump: { format: 'plain' } }, controller.signal);
    expect(await inside()).not.toEqual([]);
    const stopped = new Promise((resolve) => first.stream.once('error', resolve));
    controller.abort(interrupted());
    expect(await stopped).toMatchObject({ code: 'INTERRUPTED' });
    await first.snapshot[Symbol.asyncDispose]();
    await gone('interrupted');

    const second = await begun({ dump: { format: 'plain', timeout: '1s' } }, never);
    const ended = new Promise((resolve) => second.stream.once('error', resolve));
    expect(await ended).toMatchObject({ code: 'DUMP_TIMEOUT' });
    await second.snapshot[Symbol.asyncDispose]();
    await gone('too long');

    const third = await begun({ dump: { format: 'plain' } }, never);
    const failed = new Promise((resolve) => third.stream.once('error', resolve));
    await killClients();
    third.stream.resume();
    expect(await failed).toMatchObject({ code: 'TOOL_FAILED' });
    await until(async () => (await inside()).length === 0, 'the tool inside, client killed');
    await third.snapshot[Symbol.asyncDispose]();
    await gone('client killed');
  });

  /** As `kill -9` of the whole program would: the group of each `docker exec` of a tool. */
  const killClients = async () => {
    for (const pid of await readdir('/proc')) {
      const args = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      if (!/docker-bin\/docker\0exec\0/.test(args) || !args.includes('--defaults-file=/dev/fd/3')) continue;
      try {
        process.kill(-Number(pid), 'SIGKILL');
      } catch {
        // One of its parts, or gone.
      }
    }
  };

  it('what says nothing ends inside too, when its client is gone', async () => {
    await docker.run(shopDb);
    for (const fed of [false, true]) {
      const call = { program: 'sleep', args: ['86399.5'], secret: 'nothing', fed };
      const { command, opening } = supervised(shopDb, call);
      const running = async () =>
        (await runProcess({ program: 'ps', args: ['-eo', 'args'] }, { signal: never })).stdout;
      const child = startProcess(command, { signal: never, stdin: 'pipe' });
      child.stdin?.write(opening);
      await until(async () => /^sleep 86399.5$/m.test(await running()), 'the program');
      child.kill('SIGKILL');
      await expect(child.done).rejects.toMatchObject({ code: 'TOOL_FAILED' });
      await until(async () => !(await running()).includes('86399.5'), 'its end');
    }
  });

  it('S6 of a script that breaks off, or whose way is cut, no half statement is run', async () => {
    await makeShop();
    const { address } = databaseSchema.parse({ engine: product, url: server.url('shop'), ssl: 'disable' });
    const call = await clientCall(address);
    const broken = async function* (then: () => Promise<void>) {
      // As much as is sent at once.
      yield Buffer.from(`DELETE FROM item WHERE id = 3;\nDELETE FROM item\n${'\n'.repeat(2 * 1024 * 1024)}`);
      await until(async () => Number((await rows())[0]?.n) === 2, 'the first statement');
      await then();
      yield Buffer.from('WHERE id = 2;\n');
    };
    const rows = () => server.sql<{ n: number }>('shop', 'SELECT COUNT(*) AS n FROM item');
    await expect(
      feedClient(
        call,
        broken(() => Promise.reject(new Error('damaged'))),
      ),
    ).rejects.toThrow('damaged');
    await until(async () => (await inside()).length === 0, 'the client inside');
    expect(await rows()).toEqual([{ n: 2 }]);

    await server.sql('shop', "INSERT INTO item VALUES (3, '', '')");
    const cut = feedClient(call, broken(killClients)).catch((error: unknown) => error);
    expect(await cut).toMatchObject({ code: 'TOOL_FAILED' });
    await until(async () => (await inside()).length === 0, 'the client inside');
    expect(await rows()).toEqual([{ n: 2 }]);

    await server.sql('shop', "INSERT INTO item VALUES (3, '', '')");
    await feedClient(
      call,
      broken(() => Promise.resolve()),
    );
    expect(await rows()).toEqual([{ n: 1 }]);
  });

  const clientCall = async (address: Address) => {
    const container = { ...shopDb, foundBy: 'name' as const, inside: <T>(each: T) => each };
    const found = await toolsThere({ folder: null, dump: null, client: null }, container, 'client', never);
    const tool = chooseTool(found, { flavour: product, version: server.version });
    if (!tool) throw new Error('there is no client');
    return {
      tool,
      address,
      encrypted: false,
      folder: folder.path,
      signal: never,
      assignments: [],
      onStderr: () => undefined,
    };
  };

  it('a statement that fails is told as the server says it', async () => {
    await makeShop();
    const path = join(folder.path, 'bad.sql');
    const row = (id: number) => `INSERT INTO t VALUES (${id}, '${'x'.repeat(1000)}');\n`;
    const many = Array.from({ length: 5000 }, (_, id) => row(id)).join('');
    await writeFile(path, `CREATE TABLE t (id INT PRIMARY KEY, text TEXT);\n${row(1)}${many}`);
    await server.sql(null, 'CREATE DATABASE shop_bad');
    const error = await open('shop_bad')
      .load(storedAt(path, 'plain'), wholeLoad, never)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HoldfastError);
    expect((error as HoldfastError).message).toContain('Duplicate entry');
    expect(await inside()).toEqual([]);
  });

  it('T-d3 a container that was only guessed may be read, with a warning, and never restored into', async () => {
    await makeShop();
    await docker.run({ ...shopDb, image: `docker.io/library/${product}:latest` });
    // No port is published, so that only the image speaks for it.
    const database = open('shop', { container: 'auto' });
    const taken = await takeDump(database, folder.path);
    expect(taken.warnings).toEqual([
      'the container shop-db was only guessed by its image; name it under via.container',
    ]);
    const refused = { code: 'CONTAINER_GUESSED', kind: 'refused' };
    const other = database.named('shop_copy');
    await expect(other.create(taken.facts, 'test', never)).rejects.toMatchObject(refused);
    await server.sql(null, 'CREATE DATABASE shop_copy');
    await expect(other.load(taken.dump, wholeLoad, never)).rejects.toMatchObject(refused);
    await expect(other.replace(taken.dump, wholeLoad, taken.counts, never)).rejects.toMatchObject(refused);
    expect(await server.sql('shop_copy', 'SHOW TABLES')).toEqual([]);

    // Nothing like a database runs: this machine.
    await docker.run({ ...shopDb, image: 'nginx' });
    expect((await takeDump(open('shop', { container: 'auto' }), folder.path)).facts.via).toBe('host');
  });

  it('T-d3 the tool is what it says it is, and one that is missing is named with its container', async () => {
    await makeShop();
    const rooms = join(folder.path, 'room');
    await mkdir(rooms, { recursive: true });
    // By the other product's name, as Debian has it.
    const odd = { mariadb: 'mysqldump', mysql: 'mariadb-dump' }[product];
    const itself = join(toolFolder, stockTools.dump);
    await writeFile(join(rooms, odd), `#!/bin/sh\nexec ${itself} "$@"\n`, { mode: 0o755 });
    for (const name of ['sh', 'bash', 'cat', 'dd']) await symlink(join('/bin', name), join(rooms, name));
    await docker.run({ ...shopDb, id: 'decaf0'.repeat(10), path: rooms });
    const checks = await open('shop').check(never);
    expect(checks[0]?.detail).toContain('through the container shop-db');
    expect(checks.find(({ name }) => name === 'client tools')).toMatchObject({
      result: 'failed',
      detail: expect.stringMatching(/no usable mariadb or mysql of \w+ found in the container shop-db/),
      hint: expect.stringContaining('leave out via'),
    });
    const taken = await takeDump(open('shop'), folder.path);
    expect(taken.facts).toMatchObject({ toolVersion: server.version, via: 'container:shop-db' });
    await server.sql(null, 'CREATE DATABASE shop_copy');
    await expect(open('shop_copy').load(taken.dump, wholeLoad, never)).rejects.toMatchObject({ code: 'TOOL_MISSING' });

    await docker.run(shopDb);
    const whole = await open('shop').check(never);
    expect(whole.filter(({ result }) => result === 'failed')).toEqual([]);
    expect(whole.find(({ name }) => name === 'dump tool')?.detail).toMatch(/in the container shop-db: /);
  });

  it('what does not work in a container is refused, and says why', async () => {
    await makeShop();
    await expect(open('shop', { container: 'blog-db' }).open({ folders: true }, never)).rejects.toMatchObject({
      code: 'CONTAINER_NOT_RUNNING',
      hint: expect.stringContaining('shop-db'),
    });
    const socket = { url: `${product}://root@localhost/shop?socket=/run/mysqld.sock` };
    await expect(
      openMysql({ ...server, url: () => socket.url }, 'shop', { scratch: folder.path, container: 'shop-db' }).ready(
        'server',
        never,
      ),
    ).rejects.toMatchObject({ code: 'CONTAINER_SOCKET', kind: 'usage' });
    const { address } = databaseSchema.parse({ engine: product, url: server.url('shop') });
    const files = {
      ca: join(folder.path, 'ca.pem'),
      cert: join(folder.path, 'c.pem'),
      key: join(folder.path, 'k.pem'),
    };
    for (const each of Object.values(files)) await writeFile(each, '');
    const { tool, ...call } = await clientCall({
      ...address,
      ssl: { mode: 'require', ...files },
    });
    await expect(feedClient({ tool, ...call }, (async function* () {})())).rejects.toMatchObject({
      code: 'VIA_UNSUPPORTED',
      kind: 'usage',
    });
    await expect(openPort(1).ready('server', never)).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      retryable: true,
    });
  });

  const openPort = (port: number) =>
    openMysql({ ...server, url: () => `${product}://root@127.0.0.1:${port}/shop` }, 'shop', {
      scratch: folder.path,
      container: 'shop-db',
    });
});
