import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { dumpWith } from '../support/old-backups.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { clientFor, newBucket, startRadosgw, type S3Access } from '../support/s3-server.ts';

let postgres: TestPostgres;
let s3: S3Access & AsyncDisposable;
let installed: Installation;
beforeAll(async () => {
  [postgres, s3] = await Promise.all([startPostgres(), startRadosgw()]);
  await postgres.createDatabase('app');
  await postgres.sql('app', "create table kept as select n as id, 'word ' || n as word from generate_series(1, 50) n");
  installed = await installHoldfast({ url: 'postgres://unused' });
  await rm(installed.configFile);
});
afterAll(async () => {
  await installed[Symbol.asyncDispose]();
  await s3[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

const database = () => ({
  DB_HOST: postgres.host,
  DB_PORT: String(postgres.port),
  DB_NAME: 'app',
  DB_USER: postgres.user,
});

async function keysIn(bucket: string): Promise<string[]> {
  const { Contents = [] } = await clientFor(s3).listObjectsV2({ Bucket: bucket });
  return Contents.map(({ Key = '' }) => Key);
}

test('N-20 N-22 N-23 the sidecar of NocoDB: missing bucket made, copied to its prefix, the local copy removed', async () => {
  const env = {
    ...database(),
    HOLDFAST_PRESET: 'nocodb',
    DATABASE_PASSWORD: postgres.password,
    DATA_DIR: join(installed.folder, 'data'),
    NOCODB_BACKUP_S3_ENDPOINT_URL: s3.endpoint,
    NOCODB_BACKUP_S3_BUCKET: 'nocodb-backups',
    NOCODB_BACKUP_S3_REGION: 'us-east-1',
    NOCODB_BACKUP_S3_ACCESS_KEY: s3.accessKey,
    NOCODB_BACKUP_S3_SECRET_KEY: s3.secretKey,
    NOCODB_BACKUP_DELETE_LOCAL_AFTER_S3: 'true',
  };
  const { status, stderr } = await installed.runWith({ env }, '--now');
  expect(stderr).not.toContain(s3.secretKey);
  expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  const keys = await keysIn('nocodb-backups');
  expect(keys.some((key) => /^nocodb-backup\/nocodb\/.*\/manifest\.json$/.test(key))).toBe(true);
  const listed = await installed.runWith({ env }, 'list', '--json');
  const [{ copies }] = JSON.parse(listed.stdout) as [{ copies: Record<string, string> }];
  expect(copies).toEqual({ local: 'missing', s3: 'complete' });
});

test('J-09 J-16 J-d10 restore-s3 fetches a dump of the starter, whatever its name, and other objects stay', async () => {
  const bucket = await newBucket(s3);
  const dump = gzipSync(await dumpWith(postgres, 'app', ['-Fc']));
  const key = 'database-backups/app_20231231_020000.dump.gz';
  await clientFor(s3).putObject({ Bucket: bucket, Key: key, Body: dump });
  const env = {
    ...database(),
    HOLDFAST_PRESET: 'nestjs-starter',
    DB_PASSWORD: postgres.password,
    BACKUP_DIR: join(installed.folder, 'starter'),
    AWS_S3_BUCKET: bucket,
    AWS_ACCESS_KEY_ID: s3.accessKey,
    AWS_SECRET_ACCESS_KEY: s3.secretKey,
    HOLDFAST_S3_ENDPOINT: s3.endpoint,
    HOLDFAST_STATE: join(installed.folder, 'starter-state'),
  };
  const missing = await installed.runWith(
    { env },
    'restore-s3',
    `s3://${bucket}/database-backups/nothing.dump`,
    '--yes',
  );
  expect(missing.status).toBe(2);
  expect(missing.stderr).toContain('there is no such object');
  const elsewhere = await installed.runWith({ env }, 'restore-s3', 's3://another/x.dump', '--yes');
  expect(elsewhere.status).toBe(2);
  expect(elsewhere.stderr).toContain('no storage is configured for that place');
  await postgres.sql('app', 'delete from kept');
  const { status, stderr } = await installed.runWith({ env }, 'restore-s3', `s3://${bucket}/${key}`, '--yes');
  expect(stderr).not.toContain(s3.secretKey);
  expect(status).toBe(0);
  expect(await postgres.sql('app', 'select count(*)::int as n from kept')).toEqual([{ n: 50 }]);
  expect(await keysIn(bucket)).toContain(key);
});
