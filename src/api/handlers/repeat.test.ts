import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Catalog } from '../../catalog/catalog.ts';
import { openCatalog } from '../../catalog/sqlite/sqlite-catalog.ts';
import type { ApiParts } from './parts.ts';
import { repeatable } from './repeat.ts';

const day = 86_400_000;
let folder: string;
let catalog: Catalog;
let now: number;
const clock = { now: () => new Date(now), monotonic: () => performance.now() };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-repeat-'));
  now = Date.parse('2026-11-21T02:00:00Z');
  catalog = openCatalog(folder, clock);
});
afterEach(() => {
  catalog[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Asks for a run with that key; gives the number of the run. */
function asker(): (key: string) => Promise<string> {
  let begun = 0;
  const parts = { house: { catalog, clock }, work: { endOf: async () => undefined }, repeating: new Map() };
  const principal = { kind: 'token', name: 'ci' };
  return async (key) => {
    const call = { request: { headers: { 'idempotency-key': key } }, principal };
    const begin = async () => ({ run: `run-${(begun += 1)}`, ended: Promise.resolve() });
    return (await repeatable(parts as unknown as ApiParts, call as never, { source: 'shop' }, begin)).run;
  };
}

test('the same key gives the same run for a day, and another one after that', async () => {
  const ask = asker();
  expect([await ask('nightly'), await ask('nightly'), await ask('other')]).toEqual(['run-1', 'run-1', 'run-2']);
  now += day + 1000;
  expect(await ask('nightly')).toBe('run-3');
});

test('S20 a key that was used under a clock that was ahead keeps nothing from beginning once it is right', async () => {
  const ask = asker();
  now += 365 * day;
  expect(await ask('nightly')).toBe('run-1');
  now -= 365 * day;
  expect([await ask('nightly'), await ask('nightly')]).toEqual(['run-2', 'run-2']);
});
