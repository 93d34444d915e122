import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { grounds } from '../support/grounds.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { makeAppFolder, nocobaseTables, usualShape } from '../support/nocobase-app.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const words = { postgres: 'pg', mariadb: 'mysql', mysql: 'mysql', sqlite: 'sqlite' } as const;
const ends = String.raw`ends in a backslash: C:\dir` + '\\';
const records = [{ table: 'labScans', path: 'deep/er', filename: 'scan.pdf', size: 5, storageId: 2 }];

for (const engine of ['postgres', 'mariadb', 'mysql', 'sqlite'] as const) {
  const { possible = false, start } = grounds[engine] ?? {};
  test.skipIf(!possible)(
    `B-02, B-d5, B-d10, B-d12: NocoBase on ${engine} comes back with files and backslashes`,
    async () => {
      if (!start) return;
      await using ground = await start();
      await using folder = await temporaryFolder();
      await ground.sql(...nocobaseTables(usualShape, { files: records }, words[engine]));
      const written = words[engine] === 'mysql' ? ends.replaceAll('\\', '\\\\') : ends;
      await ground.sql(
        'create table notes (id integer not null primary key, body varchar(200))',
        `insert into notes values (1, '${written}')`,
      );
      const { path, key } = await makeAppFolder(join(folder.path, 'app'), {
        env: { DB_DIALECT: engine },
        files: { 'storage/elsewhere/deep/er/scan.pdf': 'ccccc' },
      });
      await using holdfast = await installHoldfast({
        url: '',
        source: 'nb',
        settings: {
          database: ground.database,
          app: { kind: 'nocobase', path },
          encryption: { passphrase: 'a long enough passphrase' },
        },
      });
      const made = await holdfast.run('backup', 'nb');
      expect(made.status, made.stderr).toBe(0);
      expect(made.stderr + made.stdout).not.toContain('file record');

      await ground.sql('delete from notes');
      const scan = join(path, 'storage/elsewhere/deep/er/scan.pdf');
      await writeFile(scan, 'other');
      await writeFile(join(path, 'storage/apps/main/aes_key.dat'), 'another');
      const restored = await holdfast.run('restore', 'latest', '--yes', '--if-connected', 'disconnect');
      expect(restored.status, restored.stderr).toBe(0);
      expect(restored.stderr + restored.stdout).toContain('nothing has to be upgraded');
      expect(await ground.sql('select body from notes')).toEqual([{ body: ends }]);
      expect(await readFile(scan, 'utf8')).toBe('ccccc');
      expect(await readFile(join(path, 'storage/apps/main/aes_key.dat'))).toEqual(key);
    },
  );
}
