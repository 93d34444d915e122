import { tmpdir } from 'node:os';
import { collectObjects } from '../../src/archive/objects/collect-objects.ts';
import { copyBackup } from '../../src/archive/copy.ts';
import { noKeys } from '../../src/archive/keys/keys.ts';
import type { Artifact } from '../../src/archive/format/manifest.ts';
import { removeBackup } from '../../src/archive/remove.ts';
import { openBackup } from '../../src/archive/writer.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import { parseBackupId } from '../../src/base/ids.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import type { Storage } from '../../src/storage/storage.ts';
import type { S3Access } from '../support/s3-server.ts';
import { storageAt } from '../support/s3-storage.ts';
import { partOf } from '../support/shared-part.ts';

/**
 * What `shared-objects-killed.test.ts` starts several of: `node shared-objects-process.ts <places as JSON>`. Until it is killed, it writes,
 * copies, removes and collects, with no time between writing down what is to go and removing it: all that is left is what both sides see.
 */
const source = 'shop';
const { signal } = new AbortController();
const given = JSON.parse(process.argv[2] ?? '[]') as { path?: string; s3?: { access: S3Access; bucket: string } }[];
const places = given.map(({ path, s3 }, at): Storage =>
  s3 ? storageAt(s3.access, s3.bucket) : localStorage(`place-${at}`, { type: 'local', path: path ?? '' }),
);

for (;;) {
  const from = pick(places);
  const to = pick(places.filter((place) => place !== from));
  try {
    const chance = Math.random();
    if (chance < 0.4) await write(from);
    else if (chance < 0.6) await copy(from, to);
    else {
      for (const id of await idsIn(from)) if (Math.random() < 0.7) await removeBackup(from, source, id, signal);
      await collectObjects({ storage: from, source, olderThanMs: -60_000, graceMs: -60_000, signal });
      await collectObjects({ storage: from, source, olderThanMs: -60_000, graceMs: -60_000, signal });
    }
    process.stdout.write('.');
  } catch (error) {
    // Losing against others is allowed: what counts is what lies in the storages.
    if (!(error instanceof HoldfastError)) throw error;
    process.stdout.write(`${error.code} `);
  }
}

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)] as T;
}

async function idsIn(storage: Storage): Promise<string[]> {
  return (await storage.folders(`${source}/`, signal)).filter((name) => parseBackupId(name) !== null);
}

async function copy(from: Storage, to: Storage): Promise<void> {
  const ids = await idsIn(from);
  if (ids.length > 0)
    await copyBackup({ from, to, source, id: pick(ids), replace: 'nothing', signal, report: () => undefined });
}

async function write(storage: Storage): Promise<void> {
  const startedAt = new Date();
  const writing = { storage, source, startedAt, keys: noKeys, scratch: tmpdir(), share: 'yes', signal } as const;
  await using writer = await openBackup(writing);
  const artifacts: Artifact[] = [];
  for (const content of ['a', 'b', 'c', 'd'].filter(() => Math.random() < 0.8))
    artifacts.push(...(await writer.add(partOf(content, artifacts.length), { signal, report: () => undefined })));
  const at = startedAt.toISOString();
  const times = { startedAt: at, finishedAt: at, durationMs: 1 };
  const nothing = { description: null, safetyFor: null, database: null, app: null, encryption: null, warnings: [] };
  const facts = { id: writer.id, source, trigger: 'manual', holdfast: '1.0.0', instance: 'test' } as const;
  await writer.seal({ ...facts, ...times, ...nothing, files: { trees: [] }, artifacts }, signal);
}
