import { expect, test, vi } from 'vitest';
import type { Catalog } from '../catalog/catalog.ts';
import { openRunWatch } from './run-watch.ts';

const marks = { get: () => null };

test('whoever cannot be told of a change ends nothing, and is told of the next; the others are told of all', async () => {
  vi.useFakeTimers();
  try {
    let newest = 1;
    const runs = () => [{ id: `r${newest}`, state: 'running', finishedAt: null }];
    const catalog = { runs: { list: runs, progressOf: () => null }, backups: { versions: () => new Map() }, marks };
    const warnings: string[] = [];
    const logger = { log: (_level: string, message: string) => void warnings.push(message) };
    using watch = openRunWatch(catalog as unknown as Catalog, logger);
    let isBusy = true;
    const told: string[] = [];
    watch.listen(() => {
      if (isBusy) throw new Error('the catalog is busy');
      told.push('first');
    });
    watch.listen(() => void told.push('second'));
    newest = 2;
    await vi.advanceTimersByTimeAsync(600);
    expect(told).toEqual(['second']);
    expect(warnings).toEqual([expect.stringContaining('the catalog is busy')]);
    isBusy = false;
    newest = 3;
    await vi.advanceTimersByTimeAsync(600);
    expect(told).toEqual(['second', 'first', 'second']);
  } finally {
    vi.useRealTimers();
  }
});

test('who begins to listen while the catalog cannot be read is told of everything as soon as it can', async () => {
  vi.useFakeTimers();
  try {
    let isLocked = true;
    const list = () => {
      if (isLocked) throw new Error('the catalog is busy');
      return [{ id: 'r1', state: 'running', finishedAt: null }];
    };
    const backups = { versions: () => new Map([['shop', 1]]) };
    const catalog = { runs: { list, progressOf: () => null }, backups, marks };
    using watch = openRunWatch(catalog as unknown as Catalog, { log: () => undefined });
    const told: string[] = [];
    watch.listen(({ kind }) => void told.push(kind));
    await vi.advanceTimersByTimeAsync(600);
    expect(told).toEqual([]);
    isLocked = false;
    await vi.advanceTimersByTimeAsync(600);
    expect(told).toEqual(['run', 'changed']);
  } finally {
    vi.useRealTimers();
  }
});
