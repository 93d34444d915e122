import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { holdLock } from '../../src/catalog/lease.ts';
import { markInterrupted } from '../../src/catalog/run.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';

const script = fileURLToPath(new URL('catalog-process.ts', import.meta.url));
let folder: string;
let children: ChildProcess[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-processes-'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const state = () => join(folder, 'state');

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

/** Its error output once it has ended; empty when all went well. */
async function ended(child: ChildProcess): Promise<string> {
  let said = '';
  child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return status === 0 ? '' : `status ${status}: ${said}`;
}

async function holding(): Promise<{ child: ChildProcess; run: string }> {
  const child = start('hold', state());
  const { stdout } = child;
  if (!stdout) throw new Error('no output');
  const [line] = (await Promise.race([once(stdout, 'data'), ended(child)])) as [Buffer | string];
  return { child, run: line.toString().trim() };
}

const ask = (catalog: ReturnType<typeof openCatalog>) => ({
  catalog,
  clock: systemClock,
  name: 'source:shop',
  run: 'second',
  signal: new AbortController().signal,
});

describe('several processes on one state folder (S20)', () => {
  test('all may be the first to start, and none loses a write', async () => {
    const said = await Promise.all([1, 2, 3, 4].map(() => ended(start('write', state(), '25'))));
    expect(said).toEqual(['', '', '', '']);
    using catalog = openCatalog(state(), systemClock);
    const runs = catalog.runs.list({});
    expect(runs).toHaveLength(100);
    expect(runs.every((run) => run.state === 'succeeded')).toBe(true);
  });

  test('J-d17 only one at a time does what the lock protects', async () => {
    const file = join(folder, 'count');
    writeFileSync(file, '0');
    const said = await Promise.all([1, 2, 3].map(() => ended(start('count', state(), '40', file))));
    expect(said).toEqual(['', '', '']);
    expect(readFileSync(file, 'utf8')).toBe('120');
    using catalog = openCatalog(state(), systemClock);
    expect(catalog.locks.list()).toEqual([]);
  });

  test('T-d5 a second one is refused with the name of the first, whose lock stays', async () => {
    const { child, run } = await holding();
    using catalog = openCatalog(state(), systemClock);
    await expect(holdLock(ask(catalog))).rejects.toMatchObject({
      code: 'SOURCE_BUSY',
      details: { run, pid: child.pid },
    });
    expect(catalog.locks.list()).toMatchObject([{ run }]);
  });

  test('one that stands still keeps its lock however long', async () => {
    const { child, run } = await holding();
    child.kill('SIGSTOP');
    using catalog = openCatalog(state(), systemClock);
    const tomorrow = { ...systemClock, now: () => new Date(Date.now() + 86_400_000) };
    await expect(holdLock({ ...ask(catalog), clock: tomorrow })).rejects.toMatchObject({
      code: 'SOURCE_BUSY',
      details: { run },
    });
  });

  test('T-16 S1 the lock of a killed one is taken over at once, and its run becomes failed', async () => {
    const { child, run } = await holding();
    child.kill('SIGKILL');
    await once(child, 'close');
    using catalog = openCatalog(state(), systemClock);
    expect(catalog.locks.list()).toMatchObject([{ run }]);
    await using lease = await holdLock(ask(catalog));
    lease.assertHeld();
    expect(markInterrupted(catalog, systemClock).map(({ id }) => id)).toEqual([run]);
    expect(catalog.runs.get(run)).toMatchObject({ state: 'failed', error: { code: 'INTERRUPTED' } });
  });
});
