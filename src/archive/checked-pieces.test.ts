import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createStorage } from '../storage/index.ts';
import type { Storage } from '../storage/storage.ts';
import { checkedPieces, type StoredArtifact } from './checked-pieces.ts';
import type { Artifact } from './format/manifest.ts';

const { signal } = new AbortController();
const content = randomBytes(9 * 1024 * 1024);
const artifact: Artifact = {
  path: 'database.dump',
  role: 'database',
  format: 'custom',
  compression: null,
  compressedBy: null,
  encryption: null,
  object: null,
  rawBytes: content.length,
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
};
let folder: string;
let storage: Storage;
const stored = (id: string): StoredArtifact => ({ storage, source: 'shop', id, artifact });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-pieces-'));
  const context = { clock: systemClock, logger: silentLogger, scratch: folder };
  storage = createStorage('local', 'local', { type: 'local', path: folder }, context);
  for (const [id, bytes] of [
    ['2026-01-01_00-00-01', content],
    ['2026-01-01_00-00-02', Buffer.concat([content.subarray(1), Buffer.from('x')])],
  ] as const) {
    await mkdir(join(folder, 'shop', id), { recursive: true });
    await writeFile(join(folder, 'shop', id, artifact.path), bytes);
  }
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function digestOf(pieces: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

test('however many come at once, no more threads are taken than there are, and each gets all of it', async () => {
  let fewest = 2;
  const threads = {
    of: 2,
    get left() {
      return this.of;
    },
    set left(left: number) {
      this.of = left;
      fewest = Math.min(fewest, left);
    },
  };
  const read = () => digestOf(checkedPieces(stored('2026-01-01_00-00-01'), { threads, signal }));
  expect(new Set(await Promise.all(Array.from({ length: 6 }, read)))).toEqual(new Set([artifact.sha256]));
  expect([fewest, threads.left]).toEqual([0, 2]);
});

test('a thread is free again after damage, after a missing file, and when nobody wants the rest', async () => {
  const threads = { left: 1 };
  const given = { threads, signal };
  await expect(digestOf(checkedPieces(stored('2026-01-01_00-00-02'), given))).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
  await expect(digestOf(checkedPieces(stored('2026-01-01_00-00-03'), given))).rejects.toMatchObject({
    code: 'ARTIFACT_MISSING',
  });
  const pieces = checkedPieces(stored('2026-01-01_00-00-01'), given);
  await pieces.next();
  expect(threads.left).toBe(0);
  await pieces.return();
  expect(threads.left).toBe(1);
});
