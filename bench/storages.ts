import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newBucket, startRadosgw, type S3Access } from '../test/support/s3-server.ts';
import { memoryFinding } from './backup-findings.ts';
import { median } from './measure.ts';
import { database, run, shell, writeConfig, type Place } from './place.ts';
import type { Finding } from './report.ts';
import { rounds, type Taken } from './rounds.ts';

type Contender = 'local' | 'encrypted' | 's3' | 'put' | 'pipe';

const names: Record<Contender, string> = {
  local: 'holdfast backup, custom, local disk',
  encrypted: 'holdfast backup, custom, local disk, encrypted',
  s3: 'holdfast backup, custom, straight to S3, encrypted',
  put: 'the stored file, put by rclone alone',
  pipe: 'pg_dump -Fc | rclone rcat (not encrypted)',
};

/** A backup straight to S3 and an encrypted one, beside the same backup on a local disk. The service shares the processors with all. */
export async function benchmarkStorages(place: Place, title: string, runs: number): Promise<Finding[]> {
  await using service = await startRadosgw();
  const bucket = await newBucket(service);
  await writeConfig(place, sourcesAndStorages(service, bucket));
  const stock = { ...place, env: { ...place.env, ...rcloneSettings(service) } };
  const results = await rounds<Contender>(
    runs,
    ['local', 'encrypted', 's3', 'put', 'pipe'],
    (who) => takeTurn(place, stock, who, bucket),
    place.signal,
  );
  return findingsOf(`backup to S3, ${title}`, results);
}

async function takeTurn(place: Place, stock: Place, who: Contender, bucket: string): Promise<Taken> {
  if (who === 'put') {
    const file = join(place.folder, 'dump');
    await shell(place, `pg_dump -Fc --compress=zstd:1 -d ${database} >${file}`);
    const taken = await shell(stock, `rclone rcat service:${bucket}/put <${file}`);
    await rm(file);
    return taken;
  }
  if (who === 'pipe') return shell(stock, `pg_dump -Fc -d ${database} | rclone rcat service:${bucket}/pipe`);
  const measured = await run(place, ['backup', who, '--json']);
  const { bytes, sealedAt, verifyMs } = JSON.parse(measured.stdout) as {
    bytes: number;
    sealedAt: string;
    verifyMs: number;
  };
  return { ...measured, bytes, seconds: (Date.parse(sealedAt) - measured.startedAt) / 1000, apart: verifyMs / 1000 };
}

function sourcesAndStorages({ endpoint, accessKey, secretKey }: S3Access, bucket: string) {
  return {
    encryption: { passphrase: 'correct horse battery staple' },
    sources: {
      local: { dump: { format: 'custom' }, storages: ['local'], encryption: false, retention: { last: 1 } },
      encrypted: { dump: { format: 'custom' }, storages: ['local'], retention: { last: 1 } },
      s3: { dump: { format: 'custom' }, storages: ['s3'], retention: { last: 1 } },
    },
    storages: {
      local: { type: 'local', path: './backups' },
      s3: { type: 's3', endpoint, bucket, accessKey, secretKey },
    },
  };
}

function rcloneSettings({ endpoint, accessKey, secretKey }: S3Access): Record<string, string> {
  return {
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_SERVICE_TYPE: 's3',
    RCLONE_CONFIG_SERVICE_PROVIDER: 'Ceph',
    RCLONE_CONFIG_SERVICE_ENDPOINT: endpoint,
    RCLONE_CONFIG_SERVICE_ACCESS_KEY_ID: accessKey,
    RCLONE_CONFIG_SERVICE_SECRET_ACCESS_KEY: secretKey,
    RCLONE_CONFIG_SERVICE_FORCE_PATH_STYLE: 'true',
  };
}

function findingsOf(group: string, results: ReadonlyMap<Contender, Taken[]>): Finding[] {
  const taken = (who: Contender) => results.get(who) ?? [];
  const seconds = (who: Contender) => median(taken(who).map((each) => each.seconds));
  const beside = (who: Contender, other: Contender, most: number, of: string) => {
    const ratio = seconds(who) / seconds(other);
    return { measured: `${ratio.toFixed(2)} x ${of}`, bound: `<= ${most.toFixed(2)} x ${of}`, ok: ratio <= most };
  };
  const line = (who: Contender): Finding => {
    const bytes = taken(who)[0]?.bytes;
    return { group, name: names[who], seconds: seconds(who), ...(bytes === undefined ? {} : { bytes }) };
  };
  const apart = seconds('local') + seconds('put');
  return [
    line('local'),
    { ...line('encrypted'), ...beside('encrypted', 'local', 1.1, 'local') },
    { ...line('s3'), ...beside('s3', 'local', 1.15, 'local') },
    line('put'),
    line('pipe'),
    {
      group,
      name: 'straight to S3, beside dumping and then putting',
      measured: `${(seconds('s3') / apart).toFixed(2)} x`,
      bound: '< 1.00 x',
      ok: seconds('s3') < apart,
    },
    {
      group,
      name: 'straight to S3, beside pg_dump -Fc | rclone rcat',
      measured: `${(seconds('s3') / seconds('pipe')).toFixed(2)} x`,
    },
    { group, name: 'S3: reading it back, apart', seconds: median(taken('s3').map(({ apart: after = 0 }) => after)) },
    memoryFinding(group, 'S3, encrypted: own memory', taken('s3'), 250),
  ];
}
