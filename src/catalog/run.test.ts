import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { failedProcess } from '../base/tool-failure.ts';
import { HoldfastError, interrupted } from '../base/errors.ts';
import type { RunEvent } from '../base/progress.ts';
import { Secret } from '../base/secret.ts';
import type { Catalog, RunRecord } from './catalog.ts';
import { ownProcess } from './process-identity.ts';
import { markInterrupted, owesEnds, withRun, type RunRequest } from './run.ts';
import { openCatalog } from './sqlite/sqlite-catalog.ts';

let folder: string;
let catalog: Catalog;
let events: RunEvent[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-run-'));
  catalog = openCatalog(folder, systemClock);
  events = [];
});
afterEach(() => {
  catalog[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const request = (): RunRequest => ({
  catalog,
  clock: systemClock,
  operation: 'backup',
  source: 'shop',
  trigger: 'manual',
  signal: new AbortController().signal,
  report: (event) => events.push(event),
});
const only = () => catalog.runs.list({})[0];

describe('withRun', () => {
  test('N-d17 ends when somebody asks for it in the catalog, and is recorded as cancelled by them', async () => {
    const other = openCatalog(folder, systemClock);
    const work = withRun(request(), async (run) => {
      expect(other.runs.requestCancel(run.id, 'eve on web-1')).toBe(true);
      await new Promise((_resolve, reject) =>
        run.signal.addEventListener('abort', () => reject(run.signal.reason), { once: true }),
      );
      return { state: 'succeeded', result: null };
    });
    await expect(work).rejects.toMatchObject({ code: 'RUN_CANCELLED', kind: 'interrupted' });
    expect(only()).toMatchObject({ state: 'cancelled', error: { message: 'cancelled by eve on web-1' } });
    expect(other.runs.requestCancel(only()?.id ?? '', 'eve')).toBe(false);
    other[Symbol.dispose]();
  });

  test('records who runs, what it did and what came out', async () => {
    const result = await withRun(request(), async (run) => {
      expect(only()).toMatchObject({ id: run.id, state: 'running', finishedAt: null, result: null, ...ownProcess() });
      run.report({ kind: 'step', step: 'dump' });
      run.report({ kind: 'progress', step: 'dump', part: 'database.dump', bytes: 5, total: 10 });
      run.report({ kind: 'done', step: 'dump', ms: 1500, detail: '10 MB stored' });
      run.report({ kind: 'warning', message: 'no globals' });
      return { state: 'partial', backup: '2026-11-20_05-15-00', result: { id: '2026-11-20_05-15-00', rows: 5 } };
    });
    expect(result).toEqual({ id: '2026-11-20_05-15-00', rows: 5 });
    expect(events.map(({ kind }) => kind)).toEqual(['step', 'progress', 'done', 'warning']);
    expect(only()).toMatchObject({
      state: 'partial',
      backup: result.id,
      result,
      error: null,
      finishedAt: expect.any(String),
    });
    expect(catalog.runs.lines(only()?.id ?? '').map(({ level, message }) => [level, message])).toEqual([
      ['info', 'dump'],
      ['info', 'dump done in 1.5 s: 10 MB stored'],
      ['warn', 'no globals'],
    ]);
  });

  test('a failure keeps code, message and hint, and is thrown on', async () => {
    const failure = new HoldfastError('TOOL_OLD', 'pg_dump 14 is older than the server', { hint: 'Install 15.' });
    await expect(withRun(request(), () => Promise.reject(failure))).rejects.toBe(failure);
    expect(only()).toMatchObject({
      state: 'failed',
      error: { code: 'TOOL_OLD', message: failure.message, hint: 'Install 15.' },
      finishedAt: expect.any(String),
    });
    expect(catalog.runs.lines(only()?.id ?? '').at(-1)).toMatchObject({
      level: 'error',
      message: expect.stringContaining('(TOOL_OLD)'),
    });
  });

  test('what a failed program said is in the log, without the lines that show rows', async () => {
    const stderr =
      'pg_restore: error: could not execute query: ERROR:  no such type\nDETAIL:  Key (name)=(Ada)\nCommand was: CREATE TABLE t';
    const cause = failedProcess('/usr/bin/pg_restore', { status: 1, signal: null, stderr });
    const failure = new HoldfastError('RESTORE_FAILED', 'no such type', { cause });
    await expect(withRun(request(), () => Promise.reject(failure))).rejects.toBe(failure);
    const said = catalog.runs.lines(only()?.id ?? '').map((line) => [line.level, line.message]);
    expect(said).toEqual([
      ['error', 'pg_restore: error: could not execute query: ERROR:  no such type'],
      ['error', 'Command was: CREATE TABLE t'],
      ['error', 'no such type (RESTORE_FAILED)'],
    ]);
  });

  test('S22 an interrupted run is cancelled, not failed', async () => {
    await expect(withRun(request(), () => Promise.reject(interrupted()))).rejects.toThrow();
    expect(only()).toMatchObject({ state: 'cancelled', error: { code: 'INTERRUPTED' } });
  });

  test('S23 secrets stay out of lines, errors and results', async () => {
    const secret = new Secret('s3cret-"canary"');
    const text = `password=${secret.reveal()}`;
    await withRun(request(), async (run) => {
      run.report({ kind: 'warning', message: text });
      return { state: 'succeeded', result: { warnings: [text], nested: { text }, secret, none: null } };
    });
    await withRun(request(), () => Promise.reject(new HoldfastError('X', text, { hint: text }))).catch(() => undefined);
    const everything = JSON.stringify(catalog.runs.list({}).map((run) => [run, catalog.runs.lines(run.id)]));
    expect(everything).not.toContain('canary');
    expect(everything.match(/password=••••••/g)).toHaveLength(6);
  });

  test('a history that cannot be written does not turn a stored backup into a failed one', async () => {
    vi.spyOn(catalog.runs, 'update').mockImplementation(() => {
      throw new HoldfastError('DISK_FULL', 'no space left');
    });
    await expect(withRun(request(), async () => ({ state: 'succeeded', result: 1 }))).resolves.toBe(1);
    expect(events).toEqual([{ kind: 'warning', message: expect.stringContaining('no space left') }]);
  });

  test('S22 an end that could not be written is written as soon as it can be, so that it is told and nobody waits for the run', async () => {
    vi.useFakeTimers();
    try {
      const full = vi.spyOn(catalog.runs, 'update').mockImplementation(() => {
        throw new HoldfastError('DISK_FULL', 'no space left');
      });
      const work = withRun(request(), () => Promise.reject(new HoldfastError('DISK_FULL', 'no space left')));
      await expect(work).rejects.toMatchObject({ code: 'DISK_FULL' });
      const endedBy = new Date().toISOString();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(only()).toMatchObject({ state: 'running' });
      expect(owesEnds(catalog)).toBe(true);
      full.mockRestore();
      await vi.advanceTimersByTimeAsync(10_000);
      expect(only()).toMatchObject({ state: 'failed', error: { code: 'DISK_FULL' } });
      expect(only()?.finishedAt && only()!.finishedAt! <= endedBy).toBe(true);
      expect(owesEnds(catalog)).toBe(false);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('markInterrupted', () => {
  test('S20 runs elsewhere that began by a clock that was ahead are not taken for living until that time', () => {
    const ahead = '2027-11-20T11:00:00.000Z';
    add('silent', { ...elsewhere, startedAt: ahead });
    add('living', { ...elsewhere, startedAt: ahead });
    const sign = { acquiredAt: ahead, renewedAt: now.toISOString(), leaseMs: 60_000 };
    catalog.locks.acquire(
      { name: 'source:blog', token: 't', run: 'living', host: 'elsewhere', pid: 1, process: null, ...sign },
      () => false,
    );
    expect(markInterrupted(catalog, clock).map(({ id }) => id)).toEqual(['silent']);
  });
  const now = new Date('2026-11-20T12:00:00.000Z');
  const clock = { ...systemClock, now: () => now };
  const add = (id: string, facts: Partial<RunRecord>): void => {
    catalog.runs.add({
      id,
      operation: 'backup',
      source: 'shop',
      backup: null,
      trigger: 'schedule',
      state: 'running',
      startedAt: '2026-11-20T11:00:00.000Z',
      finishedAt: null,
      ...ownProcess(),
      error: null,
      result: null,
      ...facts,
    });
  };
  const gone = { process: ownProcess().process?.replace(/\d+$/, '1') ?? null };
  const elsewhere = { host: 'elsewhere', pid: 1, process: null, startedAt: '2026-11-01T00:00:00.000Z' };

  test('S1 runs whose process is gone become failed; others are left alone', () => {
    add('ours', {});
    add('dead', gone);
    add('ended', { ...gone, state: 'succeeded' });
    expect(markInterrupted(catalog, clock).map(({ id }) => id)).toEqual(['dead']);
    expect(catalog.runs.get('dead')).toMatchObject({
      state: 'failed',
      finishedAt: now.toISOString(),
      error: { code: 'INTERRUPTED', hint: expect.any(String) },
    });
    expect(catalog.runs.get('ours')?.state).toBe('running');
    expect(catalog.runs.get('ended')?.state).toBe('succeeded');
    expect(markInterrupted(catalog, clock)).toEqual([]);
  });

  test('runs elsewhere only after a day without a line or a renewed lock', () => {
    const recent = '2026-11-20T06:00:00.000Z';
    for (const id of ['silent', 'logging', 'holding', 'young']) add(id, elsewhere);
    catalog.runs.update('young', { startedAt: recent });
    catalog.runs.log('logging', { at: recent, level: 'info', message: 'dump', fields: null });
    catalog.locks.acquire(
      {
        name: 'source:shop',
        token: 't',
        run: 'holding',
        ...elsewhere,
        acquiredAt: recent,
        renewedAt: recent,
        leaseMs: 60_000,
      },
      () => true,
    );
    expect(markInterrupted(catalog, clock).map(({ id }) => id)).toEqual(['silent']);
  });
});
