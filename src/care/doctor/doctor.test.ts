import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { runProcess } from '../../base/run-process.ts';
import { forward } from '../../storage/forward.ts';
import { localStorage } from '../../storage/local/local.ts';
import type { Storage } from '../../storage/storage.ts';
import { examine, type ExamineOptions } from './doctor.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'));
});
afterEach(() => rm(folder, { recursive: true }));

const { signal } = new AbortController();
const noBackups: ExamineOptions['catalog']['backups'] = {
  put: () => undefined,
  remove: () => undefined,
  list: () => [],
  clear: () => undefined,
  versions: () => new Map(),
};

async function findings(options: Partial<ExamineOptions>): Promise<string[]> {
  const found = await examine({
    sources: [],
    storages: [],
    compressions: [],
    catalog: { probe: () => undefined, backups: noBackups },
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
    backups: noBackups,
  };
  const storages = [localStorage('bad', { type: 'local', path: join(file, 'x') }), local(join(folder, 'good'))];
  const found = await findings({ catalog, storages });
  expect(found).toContain('state: reachable failed');
  expect(found).toContain('storage bad: write failed');
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

test('which of writing, reading, listing and deleting does not work is said', async () => {
  const refuse = () => Promise.reject(new HoldfastError('STORAGE_DENIED', 'not allowed', { hint: 'Allow it.' }));
  const broken = (change: Partial<Storage>): Storage => ({ ...forward(local(join(folder, 'backups'))), ...change });
  const cases: [string, Partial<Storage>][] = [
    ['write', { put: refuse }],
    ['read', { get: refuse }],
    ['list', { list: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }) }],
    ['delete', { delete: refuse }],
  ];
  for (const [step, change] of cases) {
    expect((await findings({ storages: [broken(change)] })).slice(1)).toEqual([`storage local: ${step} failed`]);
  }
});

test('a probe that is locked stays, and that is no failure', async () => {
  const backups = local(join(folder, 'backups'));
  const lockedUntil = new Date('2030-01-31T12:00:00Z');
  const locking: Storage = {
    ...forward(backups),
    capabilities: { ...backups.capabilities, lock: { mode: 'compliance', days: 30 } },
    delete: () => Promise.reject(new HoldfastError('STORAGE_LOCKED', 'locked', { kind: 'refused' })),
    async *list(prefix, inTime) {
      for await (const object of backups.list(prefix, inTime)) yield { ...object, lockedUntil };
    },
  };
  const options = {
    sources: [],
    storages: [locking],
    compressions: [],
    catalog: { probe: () => undefined, backups: noBackups },
  };
  for (let time = 0; time < 2; time += 1) {
    const found = await examine({ ...options, clock: systemClock, signal });
    expect(found.find(({ check }) => check === 'usable')).toMatchObject({ result: 'ok' });
    expect(found.find(({ check }) => check === 'lock')).toMatchObject({
      result: 'ok',
      detail: expect.stringMatching(/30 days \(compliance\); the probe .* stays until 2030-01-31/),
    });
  }
  // Always the same one.
  expect(await readdir(join(folder, 'backups'))).toEqual(['holdfast-probe']);
});

test('all storages are examined at once, and none for longer than it may take', async () => {
  const hanging = (name: string): Storage => ({
    ...forward(localStorage(name, { type: 'local', path: join(folder, name) })),
    put: (_key, _content, { signal: inTime }) =>
      new Promise((_, reject) => inTime.addEventListener('abort', () => reject(new Error('aborted')), { once: true })),
  });
  const started = performance.now();
  const storages = [hanging('a'), hanging('b'), hanging('c'), local(join(folder, 'good'))];
  const found = await findings({ storages, timeoutMs: 1500 });
  expect(found.filter((line) => line.endsWith('reachable failed'))).toHaveLength(3);
  expect(found).toContain('storage local: usable ok');
  expect(performance.now() - started).toBeLessThan(4400);
});
