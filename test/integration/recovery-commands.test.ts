import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ShownManifest } from '../../ui/src/pages/backup/manifest.ts';
import { recoverySteps } from '../../ui/src/pages/backup/recovery.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { hasMysql, product, startMysql, toolFolder } from '../support/mysql-server.ts';
import { rowsOf, runIn } from '../support/sqlite.ts';

/** The commands that the console shows below "Recovery by hand", typed as they stand there with stock programs. */
async function recover(holdfast: Installation, env: Record<string, string> = {}): Promise<string> {
  const [id = ''] = await holdfast.stored();
  const folder = join(holdfast.storage, 'shop', id);
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as ShownManifest;
  const steps = recoverySteps(manifest).filter(({ step }) => step !== 'key');
  const PATH = `${toolFolder}/bin:${toolFolder}:${process.env['PATH'] ?? ''}`;
  const script = ['set -e -o pipefail', ...steps.map(({ text }) => text)].join('\n');
  const said = execFileSync('bash', ['-c', script], { cwd: folder, env: { PATH, ...env }, encoding: 'utf8' });
  expect(said).not.toMatch(/FAILED/);
  return folder;
}

test('promise 4: what the console says of an SQLite file and folders beside it brings both back', async () => {
  await using holdfast = await installHoldfast({
    url: 'sqlite:./shop.db',
    top: {
      sources: {
        shop: {
          database: { engine: 'sqlite', path: "./it's.db" },
          files: [
            { name: 'uploads', path: './uploads' },
            { name: 'large', path: './large' },
          ],
          share: true,
        },
      },
    },
  });
  runIn(join(holdfast.folder, "it's.db"), 'create table items (name text); insert into items values (1), (2)');
  await mkdir(join(holdfast.folder, 'uploads'));
  await writeFile(join(holdfast.folder, 'uploads', 'a.txt'), 'small');
  await mkdir(join(holdfast.folder, 'large'));
  for (let each = 0; each < 3; each += 1)
    await writeFile(join(holdfast.folder, 'large', `${each}.bin`), Buffer.alloc(40 * 1024 * 1024, each + 1));
  await holdfast.json('backup');
  const folder = await recover(holdfast);
  expect(rowsOf(join(folder, "it's.db"), 'select count(*) as n from items')).toEqual([{ n: 2 }]);
  expect(await readFile(join(folder, 'restored/uploads/a.txt'), 'utf8')).toBe('small');
  expect((await readFile(join(folder, 'restored/large/2.bin'))).equals(Buffer.alloc(40 * 1024 * 1024, 3))).toBe(true);
});

test.skipIf(!hasMysql()).each(['plain', 'directory'])(
  `promise 4: what the console says of ${product} in the format %s brings it back`,
  async (format) => {
    await using server = await startMysql();
    await server.sql(null, 'create database shop character set latin1');
    await server.sql(
      'shop',
      'create table items (id int primary key, name text)',
      "insert into items values (1, 'é'), (2, 'b')",
      'create view many as select count(*) as n from items',
      "create procedure say() select 'said' as word",
      'create table log (id int)',
      'insert into log values (1)',
    );
    await using holdfast = await installHoldfast({
      url: server.url('shop'),
      settings: { dump: { format, exclude: { tableData: ['log'] } } },
    });
    await holdfast.json('backup');
    await server.sql(null, 'drop database shop');
    await recover(holdfast, {
      MYSQL_HOST: server.host,
      MYSQL_TCP_PORT: String(server.port),
      MYSQL_PWD: server.password,
      USER: server.user,
    });
    expect(await server.sql('shop', 'select n from many')).toEqual([{ n: 2 }]);
    expect(await server.sql('shop', 'select count(*) as n from log')).toEqual([{ n: 0 }]);
    expect(await server.sql('shop', 'select @@character_set_database as is_in')).toEqual([{ is_in: 'latin1' }]);
    expect((await server.sql<object>('shop', 'call say()')).at(0)).toBeDefined();
  },
);

test('promise 4: the recovery sheet of an SQLite file and a folder has the commands that bring both back', async () => {
  await using holdfast = await installHoldfast({
    url: 'sqlite:./shop.db',
    top: {
      encryption: { passphrase: 'a passphrase of some length' },
      sources: {
        shop: {
          database: { engine: 'sqlite', path: './shop.db' },
          files: [{ name: 'uploads', path: './uploads' }],
        },
      },
    },
  });
  runIn(join(holdfast.folder, 'shop.db'), 'create table items (name text); insert into items values (1), (2)');
  await mkdir(join(holdfast.folder, 'uploads'));
  await writeFile(join(holdfast.folder, 'uploads', 'a.txt'), 'small');
  await holdfast.json('backup');
  const { keys } = await holdfast.json<{ keys: { text: string }[] }>('key', 'export', '--reveal');
  const { stdout: sheet } = await holdfast.run('key', 'export');
  const of = (what: string) => (new RegExp(`^   ${what}:\\n((?: {5}.*\\n)+)`, 'm').exec(sheet)?.[1] ?? '').trim();
  const [id = ''] = await holdfast.stored();
  const folder = join(holdfast.storage, 'shop', id);
  await writeFile(join(folder, 'key.txt'), keys[0]?.text ?? '');
  for (const what of ['SQLite', 'Folders']) {
    const script = of(what).replace('NAME', 'uploads');
    expect(script, sheet).not.toBe('');
    execFileSync('bash', ['-c', `set -e -o pipefail\n${script}`], { cwd: folder });
  }
  expect(rowsOf(join(folder, 'shop.sqlite'), 'select count(*) as n from items')).toEqual([{ n: 2 }]);
  expect(await readFile(join(folder, 'restored/a.txt'), 'utf8')).toBe('small');
  expect(sheet).toMatch(/mariadb --binary-mode --comments shop$/m);
});
