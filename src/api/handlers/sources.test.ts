import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import type { Catalog, RunRecord } from '../../catalog/catalog.ts';
import { ownProcess } from '../../catalog/process-identity.ts';
import { openCatalog } from '../../catalog/sqlite/sqlite-catalog.ts';
import { openListings } from '../listings.ts';
import type { ApiParts } from './parts.ts';
import { sourceHandlers } from './sources.ts';

let folder: string;
let catalog: Catalog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-sources-'));
  catalog = openCatalog(folder, systemClock);
});
afterEach(() => {
  catalog[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

function ran(
  id: string,
  operation: RunRecord['operation'],
  state: 'succeeded' | 'failed',
  finishedAt: string,
  code = 'X',
): void {
  const error = state === 'failed' ? { code, message: 'no', hint: null } : null;
  const rest = { backup: null, trigger: 'schedule', result: null, error: null, ...ownProcess() };
  const begun = { startedAt: finishedAt, finishedAt: null, state: 'running' as const };
  catalog.runs.add({ id, operation, source: 'shop', ...begun, ...rest });
  catalog.runs.update(id, { state, finishedAt, error });
}

async function failed(): Promise<string | null> {
  const source = { name: 'shop', database: null, apps: [], storages: [], keys: { wanted: null } };
  const house = { catalog, clock: systemClock, findSources: async () => [source] };
  const daemon = { nextRuns: () => [], scheduling: true };
  const parts = { house, daemon, listings: openListings(catalog) } as unknown as ApiParts;
  const call = { principal: { grant: { role: 'viewer', sources: null, actions: null } }, signal: null };
  const [view] = await sourceHandlers(parts).sources(call as never);
  return view?.failed?.id ?? null;
}

test('a backup that failed is told until one succeeds, whatever else went well since', async () => {
  ran('backup-1', 'backup', 'failed', '2026-11-21T02:00:00.000Z');
  ran('drill-1', 'drill', 'succeeded', '2026-11-21T03:00:00.000Z');
  expect(await failed()).toBe('backup-1');
  ran('backup-2', 'backup', 'succeeded', '2026-11-21T04:00:00.000Z');
  expect(await failed()).toBeNull();
  ran('drill-2', 'drill', 'failed', '2026-11-21T05:00:00.000Z');
  expect(await failed()).toBe('drill-2');
});

test('one that was turned away because another was at work has not failed', async () => {
  ran('backup-1', 'backup', 'succeeded', '2026-11-21T02:00:00.000Z');
  ran('backup-2', 'backup', 'failed', '2026-11-21T02:10:00.000Z', 'SOURCE_BUSY');
  expect(await failed()).toBeNull();
  ran('verify-1', 'verify', 'failed', '2026-11-21T02:20:00.000Z');
  expect(await failed()).toBe('verify-1');
  ran('backup-3', 'backup', 'failed', '2026-11-21T03:00:00.000Z');
  ran('backup-4', 'backup', 'failed', '2026-11-21T03:10:00.000Z', 'SOURCE_BUSY');
  expect(await failed()).toBe('backup-3');
});

test('S20 what ended by a clock that was ahead hides nothing that failed since', async () => {
  ran('drill-1', 'drill', 'succeeded', '2027-11-21T03:00:00.000Z');
  ran('verify-1', 'verify', 'failed', new Date().toISOString());
  expect(await failed()).toBe('verify-1');
});
