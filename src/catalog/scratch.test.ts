import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchFolder, sweepScratch } from './scratch.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-sweep-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function plant(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'part'), 'decrypted');
  return path;
}

test('S1 what a killed process left is removed; what lives, or is not ours, stays', async () => {
  const own = basename(scratchFolder());
  const [, pid = '', space = '', start = ''] = /(\d+)-(\d+)-(\d+)-[0-9a-f]+$/.exec(own) ?? [];
  const dead = spawnSync('true').pid;
  const gone = plant(`holdfast-scratch-${dead}-${space}-1-0123456789ab`);
  const reused = plant(`holdfast-scratch-${pid}-${space}-1-0123456789ab`);
  const kept = [
    plant(own),
    plant(`holdfast-scratch-${dead}-${Number(space) + 1}-1-0123456789ab`),
    plant(`holdfast-scratch-${dead}`),
    plant('holdfast-postgres-x'),
    plant('somebody-else'),
  ];
  expect(start).not.toBe('0');
  expect((await sweepScratch(folder)).toSorted()).toEqual([basename(gone), basename(reused)].toSorted());
  expect(existsSync(gone) || existsSync(reused)).toBe(false);
  for (const path of kept) expect(existsSync(path), path).toBe(true);
});

test.skipIf(process.getuid?.() !== 0)(
  'S24 what somebody else left under such a name stays: only its owner can be trusted with it',
  async () => {
    const [, , space = ''] = /-(\d+)-(\d+)-\d+-[0-9a-f]+$/.exec(basename(scratchFolder())) ?? [];
    const foreign = plant(`holdfast-scratch-${spawnSync('true').pid}-${space}-1-0123456789ab`);
    chownSync(foreign, 65_534, 65_534);
    expect(await sweepScratch(folder)).toEqual([]);
    expect(existsSync(foreign)).toBe(true);
  },
);
