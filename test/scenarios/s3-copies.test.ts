import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { hasRadosgw, newBucket, startRadosgw, type S3Access } from '../support/s3-server.ts';
import { fillShop } from '../support/shop.ts';
import { until } from '../support/until.ts';

interface Backup {
  id: string;
  copies: Record<string, string>;
}

describe.skipIf(!hasRadosgw())('copies in a bucket', () => {
  let server: TestPostgres;
  let service: S3Access & AsyncDisposable;
  let bucket: string;
  beforeAll(async () => {
    [server, service] = await Promise.all([startPostgres(), startRadosgw()]);
    await server.createDatabase('shop');
    await fillShop(server, 'shop', { rows: 300 });
  });
  afterAll(async () => {
    await Promise.all([server?.[Symbol.asyncDispose](), service?.[Symbol.asyncDispose]()]);
  });
  beforeEach(async () => {
    bucket = await newBucket(service);
  });

  const config = (offsite: object, settings: object) => ({
    state: './state',
    encryption: { passphrase: 'a-long-passphrase-of-the-test' },
    sources: { shop: { database: { url: server.url('shop') }, storages: ['local', 'offsite'], ...settings } },
    storages: {
      local: { type: 'local', path: './backups' },
      offsite: { type: 's3', bucket, prefix: 'holdfast', ...access(), ...offsite },
    },
  });
  const access = () => ({
    endpoint: service.endpoint,
    accessKey: service.accessKey,
    secretKey: service.secretKey,
  });
  const install = async (offsite: object = {}, settings: object = {}): Promise<Installation> => {
    const holdfast = await installHoldfast({ url: server.url('shop') });
    await holdfast.configure(config(offsite, settings));
    return holdfast;
  };
  const copiesOf = async (holdfast: Installation) => (await holdfast.json<Backup[]>('list'))[0]?.copies;

  test('N-23, N-36, N-37: the local copy goes after a good upload, comes back by download, and the far one can go alone', async () => {
    await using holdfast = await install({}, { deleteLocalAfterCopy: true });
    const { id, copies } = await holdfast.json<Backup>('backup');
    expect(copies).toEqual({ local: 'missing', offsite: 'complete' });
    expect(await holdfast.stored()).toEqual([]);
    expect(await copiesOf(holdfast)).toEqual({ local: 'missing', offsite: 'complete' });
    expect(await holdfast.json('verify', id)).toMatchObject({ ok: true, storage: 'offsite' });
    expect(await holdfast.json('drill', id)).toMatchObject({ ok: true });

    expect(await holdfast.json('download', id)).toMatchObject({ from: 'offsite', state: 'copied' });
    expect(await copiesOf(holdfast)).toEqual({ local: 'complete', offsite: 'complete' });
    expect(await holdfast.json('download', id, '--to', './carry', '--storage', 'offsite')).toMatchObject({ id });
    const keys = await readdir(join(holdfast.folder, 'carry', 'shop', 'keys'));
    expect(keys.some((name) => name.endsWith('.age'))).toBe(true);

    expect(await holdfast.json('delete', id, '--s3-only', '--yes')).toMatchObject({ removed: ['offsite'] });
    expect(await copiesOf(holdfast)).toEqual({ local: 'complete', offsite: 'missing' });
    expect(await holdfast.json('verify', id, '--depth', 'structure')).toMatchObject({ ok: true, storage: 'local' });
  });

  test('S11: a service that does not answer leaves the run partial; once it answers, the copy is made', async () => {
    await using holdfast = await install({ endpoint: 'http://127.0.0.1:9', retries: 0 });
    const failed = await holdfast.run('backup', '--json');
    expect(failed.status, failed.stderr).toBe(3);
    expect((JSON.parse(failed.stdout) as Backup).copies).toEqual({ local: 'complete', offsite: 'pending' });
    await holdfast.configure(config({}, {}));
    expect(await holdfast.json('copy', '--pending', '--now')).toMatchObject([{ to: 'offsite', state: 'complete' }]);
    expect(await copiesOf(holdfast)).toEqual({ local: 'complete', offsite: 'complete' });
  });

  test('S1: kill -9 in the middle of an upload: nothing is listed there, and the next try makes the copy', async () => {
    await using holdfast = await install({ limit: { upload: '20kb' } });
    const { child, ended } = holdfast.start({}, 'backup');
    await until(async () => (await holdfast.stored()).length === 1, 'the primary is sealed');
    child.kill('SIGKILL');
    expect((await ended).signal).toBe('SIGKILL');
    await holdfast.configure(config({}, {}));
    expect(await copiesOf(holdfast)).toEqual({ local: 'complete', offsite: 'pending' });
    expect(await holdfast.json('copy', '--pending')).toMatchObject([{ to: 'offsite', state: 'complete' }]);
    const [id = ''] = await holdfast.stored();
    expect(await holdfast.json('verify', id, '--storage', 'offsite')).toMatchObject({ ok: true });
  });

  test('a damaged source is not uploaded, and nothing of it is listed there', async () => {
    await using holdfast = await install({}, { storages: ['local'] });
    const { id } = await holdfast.json<Backup>('backup');
    const files = await readdir(join(holdfast.storage, 'shop', id));
    const dump = files.find((name) => name.startsWith('database.')) ?? '';
    await writeFile(join(holdfast.storage, 'shop', id, dump), 'not what was written');
    await holdfast.configure(config({}, {}));
    expect(await holdfast.run('copy', id, '--to', 'offsite')).toMatchObject({ status: 6 });
    expect(await copiesOf(holdfast)).toEqual({ local: 'corrupt', offsite: 'missing' });
  });
});
