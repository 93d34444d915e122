import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../src/care/alerts/finding.ts';
import type { Report } from '../../src/care/report/report.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { clientFor, hasRadosgw, newBucket, startRadosgw, type S3Access } from '../support/s3-server.ts';

describe.skipIf(!hasRadosgw())('check and a bucket', () => {
  let server: TestPostgres;
  let service: S3Access & AsyncDisposable;
  beforeAll(async () => {
    [server, service] = await Promise.all([startPostgres(), startRadosgw()]);
    await server.createDatabase('shop');
    await server.sql('shop', 'create table item as select generate_series(1, 100) as id');
  });
  afterAll(async () => {
    await Promise.all([server?.[Symbol.asyncDispose](), service?.[Symbol.asyncDispose]()]);
  });

  async function install(bucket: string, offsite: object = {}): Promise<Installation> {
    const { endpoint, accessKey, secretKey } = service;
    const place = { type: 's3', bucket, endpoint, accessKey, secretKey, retries: 0, ...offsite };
    return installHoldfast({
      url: server.url('shop'),
      settings: { storages: ['local', 'offsite'], deleteLocalAfterCopy: true },
      top: {
        encryption: { passphrase: 'correct horse battery' },
        storages: { local: { type: 'local', path: './backups' }, offsite: place },
      },
    });
  }

  async function check(holdfast: Installation): Promise<{ status: number | null; findings: Finding[] }> {
    const { status, stdout } = await holdfast.run('check', '--json');
    return { status, findings: (JSON.parse(stdout) as { findings: Finding[] }).findings };
  }

  test.each(['plain', 'versioned'] as const)('all is well, and nothing is left in a %s bucket', async (kind) => {
    const bucket = await newBucket(service, kind);
    await using holdfast = await install(bucket);
    await holdfast.json('backup');
    const before = await versionsIn(bucket);
    expect(await check(holdfast)).toEqual({ status: 0, findings: [] });
    expect(await versionsIn(bucket)).toEqual(before);
    const { storages } = await holdfast.json<Report>('report');
    expect(storages).toMatchObject([{ backups: 0 }, { storage: 'offsite', backups: 1, free: null }]);
  });

  test('N-d2, N-45, S9: wrong credentials and a missing bucket are critical, and say which', async () => {
    await using stranger = await install(await newBucket(service), { secretKey: 'wrong' });
    const refused = await check(stranger);
    expect(refused.status).toBe(2);
    expect(refused.findings.find(({ code }) => code === 'STORAGE_UNREACHABLE')?.message).toContain('(STORAGE_AUTH)');
    await using lost = await install('no-such-bucket');
    const missing = await check(lost);
    expect(missing.findings.find(({ code }) => code === 'STORAGE_UNREACHABLE')?.message).toContain(
      '(STORAGE_BUCKET_MISSING)',
    );
  });

  test('S11: a backup that is gone from the only place that has it', async () => {
    const bucket = await newBucket(service);
    await using holdfast = await install(bucket);
    const { id } = await holdfast.json<{ id: string }>('backup');
    await clientFor(service).deleteObject({ Bucket: bucket, Key: `shop/${id}/manifest.json` });
    const { status, findings } = await check(holdfast);
    expect(status).toBe(2);
    expect(findings.map(({ code }) => code)).toContain('NO_BACKUP');
  });

  async function versionsIn(bucket: string): Promise<(string | undefined)[]> {
    const { Versions = [], DeleteMarkers = [] } = await clientFor(service).listObjectVersions({ Bucket: bucket });
    return [...Versions, ...DeleteMarkers].map(({ Key }) => Key);
  }
});
