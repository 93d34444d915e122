import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/databases.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { writeOldBackups } from '../support/old-backups.ts';
import { startPostgres } from '../support/postgres.ts';
import { clientFor, newBucket, startRadosgw } from '../support/s3-server.ts';

test('N-22, J-09, J-16, B-13: backups of all five systems are taken in from a bucket, and nothing in it changes', async () => {
  await using server = await startPostgres();
  await using s3 = await startRadosgw();
  await server.createDatabase('app');
  await server.sql('app', 'create table people as select n as id from generate_series(1, 100) n');
  await using folder = await temporaryFolder();
  await writeOldBackups(server, 'app', folder.path);
  const bucket = await newBucket(s3);
  const client = clientFor(s3);
  for (const entry of await readdir(folder.path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await client.putObject({ Bucket: bucket, Key: `old/${relative(folder.path, path)}`, Body: await readFile(path) });
  }
  const listing = async () => {
    const { Contents = [] } = await client.listObjectsV2({ Bucket: bucket });
    return Contents.map(({ Key, ETag, LastModified }) => [Key, ETag, LastModified]);
  };
  const before = await listing();
  expect(before.length).toBeGreaterThan(8);

  const { endpoint, accessKey, secretKey } = s3;
  await using holdfast = await installHoldfast({
    url: server.url('app'),
    source: 'app',
    settings: { storages: ['local'] },
    top: {
      storages: {
        local: { type: 'local', path: './backups' },
        offsite: { type: 's3', bucket, endpoint, accessKey, secretKey },
      },
    },
  });
  const trust = ['--trust-script', '--allow', 'unpatched', '--allow', 'superuser'];
  const first = await holdfast.json('import', '--from', 'offsite', 'old', ...trust);
  expect(first).toMatchObject({ imported: 5, failed: 0, unrecognised: ['offsite:old/readme.txt'] });
  expect(await holdfast.json('import', '--from', 'offsite', 'old', ...trust)).toMatchObject({ imported: 0, known: 5 });
  expect((await holdfast.stored('app')).toSorted()).toEqual([
    '2025-03-01_05-15-00',
    '2025-04-01_02-00-00',
    '2025-05-01_14-30-22',
    '2025-06-01_02-00-00',
    '2025-07-01_00-00-00',
  ]);
  expect(await listing()).toEqual(before);
  expect((await holdfast.run('import', '--from', 'nowhere')).stderr).toContain('(STORAGE_UNKNOWN)');
  client.destroy();
});
