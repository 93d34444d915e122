import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { runProcess } from '../base/run-process.ts';
import { localStorage } from '../storage/local/local.ts';
import { examine, type ExamineOptions } from './doctor.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'));
});
afterEach(() => rm(folder, { recursive: true }));

const { signal } = new AbortController();

async function findings(options: Partial<ExamineOptions>): Promise<string[]> {
  const found = await examine({
    sources: [],
    storages: [],
    compressions: [],
    catalog: { probe: () => undefined },
    clock: systemClock,
    signal,
    ...options,
  });
  return found.map(({ subject, check, result }) => `${subject}: ${check} ${result}`);
}

const local = (path: string) => localStorage('local', { type: 'local', path });

test('a good storage, and nothing is left in it', async () => {
  const path = join(folder, 'backups');
  expect(await findings({ storages: [local(path)] })).toEqual([
    'state: writable ok',
    'storage local: usable ok',
    'storage local: clock ok',
    expect.stringMatching(/^storage local: space (ok|warning)$/),
  ]);
  expect(await readdir(path)).toEqual([]);
});

test('one bad thing does not hide the others', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  const catalog: ExamineOptions['catalog'] = {
    probe: () => {
      throw new Error('read-only');
    },
  };
  const storages = [localStorage('bad', { type: 'local', path: join(file, 'x') }), local(join(folder, 'good'))];
  const found = await findings({ catalog, storages });
  expect(found).toContain('state: reachable failed');
  expect(found).toContain('storage bad: reachable failed');
  expect(found).toContain('storage local: usable ok');
});

test('clocks that are apart', async () => {
  const clock = { ...systemClock, now: () => new Date(Date.now() + 3_600_000) };
  expect(await findings({ clock, storages: [local(folder)] })).toContain('storage local: clock warning');
});

test('compressions that were asked for are tried out', async () => {
  const compressions = [{ codec: 'gzip', level: null } as const, { codec: 'zstd', level: 3 } as const];
  expect(await findings({ compressions })).toEqual([
    'state: writable ok',
    'machine: compression gzip ok',
    'machine: compression zstd ok',
  ]);
});

test('backups inside a git work tree, unless ignored', async () => {
  await runProcess({ program: 'git', args: ['init', '-q', folder] }, { signal });
  const path = join(folder, 'backups');
  await mkdir(path);
  expect(await findings({ storages: [local(path)] })).toContain('storage local: git warning');
  await writeFile(join(folder, '.gitignore'), 'backups/\n');
  expect(await findings({ storages: [local(path)] })).not.toContain('storage local: git warning');
});

test('an interruption ends it', async () => {
  const stop = new AbortController();
  stop.abort();
  await expect(findings({ storages: [local(folder)], signal: stop.signal })).rejects.toMatchObject({
    code: 'INTERRUPTED',
  });
});
