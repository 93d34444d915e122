import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { S3 } from '@aws-sdk/client-s3';
import { until } from './until.ts';

export interface S3Access {
  endpoint: string;
  accessKey: string;
  secretKey: string;
  /** The configuration of the cluster, for `radosgw-admin`. */
  configFile: string;
}

const programs = ['ceph-mon', 'ceph-osd', 'monmaptool', 'ceph', 'radosgw', 'radosgw-admin'];
const run = promisify(execFile);

export function hasRadosgw(): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return programs.every((program) => folders.some((folder) => existsSync(join(folder, program))));
}

/** A Ceph cluster of one monitor and one store in memory, with an S3 gateway, on loopback; gone when disposed. */
export async function startRadosgw(): Promise<S3Access & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-s3-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const [monPort, osdPort, port] = await Promise.all([freePort(), freePort(), freePort()]);
  const fsid = randomUUID();
  const config = join(folder, 'ceph.conf');
  for (const name of ['mon', 'osd/0', 'run', 'log', 'rgw']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(config, configText({ folder, fsid, monPort, osdPort, port }));

  const daemon = (program: string, ...args: string[]) =>
    cleanup.defer(launch(program, ['-c', config, ...args, '-f'], join(folder, 'log')));
  const ceph = (...args: string[]) => run('ceph', ['-c', config, '--connect-timeout', '5', ...args]);

  const map = join(folder, 'monmap');
  await run('monmaptool', ['--create', '--clobber', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${monPort}]`, map]);
  await run('ceph-mon', ['-c', config, '--mkfs', '-i', 'a', '--monmap', map]);
  daemon('ceph-mon', '-i', 'a');
  await until(() => worked(ceph('mon', 'stat')), 'the monitor answers', 60_000);
  const id = randomUUID();
  await ceph('osd', 'new', id);
  await run('ceph-osd', ['-c', config, '-i', '0', '--mkfs', '--osd-uuid', id]);
  daemon('ceph-osd', '-i', '0');
  await until(async () => (await ceph('osd', 'stat')).stdout.includes('1 up'), 'the store is up', 60_000);
  daemon('radosgw', '-n', 'client.rgw');
  const endpoint = `http://127.0.0.1:${port}`;
  await until(() => worked(fetch(endpoint)), 'the gateway answers', 60_000);
  const access = { endpoint, accessKey: `key${hex(8)}`, secretKey: hex(20), configFile: config };
  await createUser(access, 'tests', access);
  const kept = cleanup.move();
  return { ...access, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

export async function createUser(
  { configFile }: Pick<S3Access, 'configFile'>,
  name: string,
  keys: { accessKey: string; secretKey: string },
): Promise<void> {
  const user = ['--uid', name, '--display-name', name];
  await admin(configFile, 'user', 'create', ...user, '--access-key', keys.accessKey, '--secret-key', keys.secretKey);
}

export async function admin(configFile: string, ...args: string[]): Promise<string> {
  return (await run('radosgw-admin', ['-c', configFile, '-n', 'client.rgw', ...args])).stdout;
}

export function clientFor({ endpoint, accessKey, secretKey }: S3Access): S3 {
  return new S3({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

/** A new bucket of the test's own. */
export async function newBucket(access: S3Access, kind: 'plain' | 'versioned' | 'lockable' = 'plain'): Promise<string> {
  const bucket = `test-${hex(6)}`;
  const s3 = clientFor(access);
  try {
    await s3.createBucket({ Bucket: bucket, ObjectLockEnabledForBucket: kind === 'lockable' });
    if (kind === 'versioned') {
      await s3.putBucketVersioning({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } });
    }
  } finally {
    s3.destroy();
  }
  return bucket;
}

/** Ends with this process, however that ends. */
function launch(program: string, args: string[], log: string): () => Promise<void> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: 'ignore', cwd: log });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  return () => stop(child, ended);
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  // Nothing of it is needed any more, and a gateway takes six seconds to say goodbye.
  child.kill('SIGKILL');
  await ended;
}

async function worked(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

function configText(facts: { folder: string; fsid: string; monPort: number; osdPort: number; port: number }): string {
  const { folder, fsid, monPort, osdPort, port } = facts;
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monPort}]
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind ipv6 = false
ms bind msgr1 = false
ms bind port min = ${osdPort}
ms bind port max = ${Math.min(65_535, osdPort + 60)}
auth cluster required = none
auth service required = none
auth client required = none
auth supported = none
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
log file = ${folder}/log/$name.log
pid file =
keyring = ${folder}/keyring
crash dir = ${folder}/run
err to stderr = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon osd min in ratio = 0
mon data avail warn = 2
mon data avail crit = 1
mon data = ${folder}/mon/a
rgw data = ${folder}/rgw
[mon]
mon initial members = a
# Every pool is a change of the map; by default each waits for a second.
paxos propose interval = 0.1
paxos min wait = 0.02
[osd]
osd data = ${folder}/osd/$id
osd objectstore = memstore
osd op num shards = 2
osd op num threads per shard = 2
osd client watch timeout = 5
memstore device bytes = 8589934592
[client]
# The gateway asks for an encrypted link to the monitor by default, which needs keys; without them it never listens.
ms mon client mode = crc
ms mon service mode = crc
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw thread pool size = 32
rgw rados pool pg num min = 4
rgw override bucket index max shards = 1
rgw dynamic resharding = false
rgw enable usage log = false
rgw enable ops log = false
rgw gc obj min wait = 5
rgw gc processor period = 10
rgw gc processor max time = 10
`;
}
