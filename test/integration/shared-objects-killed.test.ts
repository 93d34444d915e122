import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openStored } from '../../src/archive/open-stored.ts';
import { readManifest } from '../../src/archive/format/read-manifest.ts';
import { parseBackupId } from '../../src/base/ids.ts';
import { digestOf, digestProblem } from '../../src/pipeline/digest.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { hasRadosgw, newBucket, startRadosgw } from '../support/s3-server.ts';
import { storageAt } from '../support/s3-storage.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const source = 'shop';
const { signal } = new AbortController();
const script = fileURLToPath(new URL('shared-objects-process.ts', import.meta.url));
const rounds = 6;

test('S1: three processes write, copy, remove and collect in two folders, and are killed: all that is listed is whole', async () => {
  await using folder = await temporaryFolder();
  const paths = ['one', 'two'].map((name) => ({ path: join(folder.path, name) }));
  const places = paths.map(({ path }) => localStorage(path, { type: 'local', path }));
  expect(await play(paths, places, 20)).toBeGreaterThan(rounds);
}, 600_000);

test.skipIf(!hasRadosgw())(
  'S1: the same in a bucket and a folder',
  async () => {
    await using folder = await temporaryFolder();
    await using service = await startRadosgw();
    const { endpoint, accessKey, secretKey, configFile } = service;
    const s3 = { access: { endpoint, accessKey, secretKey, configFile }, bucket: await newBucket(service) };
    const path = join(folder.path, 'near');
    const places = [storageAt(s3.access, s3.bucket), localStorage('near', { type: 'local', path })];
    expect(await play([{ s3 }, { path }], places, 8)).toBeGreaterThan(rounds);
  },
  600_000,
);

/** Returns how many files were looked at. */
async function play(given: unknown, places: readonly Storage[], most: number): Promise<number> {
  let looked = 0;
  for (let round = 0; round < rounds; round += 1) {
    const children = [1, 2, 3].map(() => startOne(given));
    try {
      // Each is in the middle of something else when it is killed.
      await Promise.all(children.map((child) => works(child, 1 + Math.floor(Math.random() * most))));
    } finally {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(children.map(ended));
    }
    for (const storage of places) {
      looked += await assertWhole(storage);
      for (const { prefix } of await storage.unfinished(`${source}/`, signal))
        await storage.removeUnfinished(prefix, signal);
    }
  }
  return looked;
}

function startOne(given: unknown): ChildProcess {
  return spawn(process.execPath, [script, JSON.stringify(given)], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function works(child: ChildProcess, times: number): Promise<void> {
  let said = '';
  let failed = '';
  child.stderr?.on('data', (text: Buffer) => (failed += text.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (text: Buffer) => {
      said += text.toString();
      if (said.split('.').length > times) {
        child.kill('SIGKILL');
        resolve();
      }
    });
    child.once('close', () => reject(new Error(`it ended by itself: ${failed}`)));
  });
}

/** Every byte of everything that a manifest names. */
async function assertWhole(storage: Storage): Promise<number> {
  const ids = (await storage.folders(`${source}/`, signal)).filter((name) => parseBackupId(name) !== null);
  let looked = 0;
  for (const id of ids) {
    const manifest = await readManifest(storage, source, id, signal).catch(() => null);
    for (const artifact of manifest?.artifacts ?? []) {
      const actual = await digestOf(await openStored(storage, { source, id }, artifact, { signal }), () => undefined);
      expect(digestProblem(artifact, actual, artifact.path)).toBeNull();
      looked += 1;
    }
  }
  return looked;
}
