import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { ownProcess } from '../../catalog/process-identity.ts';
import { openCatalog } from '../../catalog/sqlite/sqlite-catalog.ts';
import type { ApiParts } from './parts.ts';
import { goodUntil, runHandlers } from './runs.ts';

let folder: string;
let catalog: Catalog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-runs-'));
  catalog = openCatalog(folder, systemClock);
});
afterEach(() => {
  catalog[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

function add(id: string, source: string | null): void {
  catalog.runs.add({
    id,
    operation: 'backup',
    source,
    backup: null,
    trigger: 'manual',
    state: 'succeeded',
    startedAt: '2026-11-21T02:00:00.000Z',
    finishedAt: '2026-11-21T02:01:00.000Z',
    ...ownProcess(),
    error: null,
    result: null,
  });
}

test('whoever may see some sources only sees their runs however many others were made since, page by page', async () => {
  const handlers = runHandlers({ house: { catalog } } as ApiParts);
  const seen = async (sources: string[] | null, query: object) => {
    const call = { query, principal: { grant: { role: 'viewer', sources, actions: null } } };
    return (await handlers.runs(call as never)).map(({ id }) => id);
  };
  for (const id of ['mine-1', 'mine-2', 'mine-3']) {
    add(id, 'mine');
    for (let each = 0; each < 30; each += 1) add(`${id}-other-${each}`, each === 0 ? null : 'busy');
  }
  expect(await seen(['mine', 'gone'], { limit: 2 })).toEqual(['mine-3', 'mine-2']);
  expect(await seen(['mine'], { limit: 2, before: 'mine-2' })).toEqual(['mine-1']);
  expect(await seen(['mine'], { limit: 2, state: 'succeeded', operation: 'backup' })).toEqual(['mine-3', 'mine-2']);
  expect(await seen([], { limit: 2 })).toEqual([]);
  expect((await seen(null, { limit: 200 })).length).toBe(93);
});

test.each([
  ['every 15 minutes', { everyMs: 15 * 60_000 }, true, '2026-11-21T03:30:00.000Z'],
  ['every day', { everyMs: 24 * 3_600_000 }, true, '2026-11-23T03:00:00.000Z'],
  ['never by the clock', null, true, '2026-11-22T03:00:00.000Z'],
  ['planned, but nothing is followed', { everyMs: 15 * 60_000 }, false, '2026-11-22T03:00:00.000Z'],
])('a look says how things stand until two more were missed: %s', (_name, when, enabled, expected) => {
  const all = when === null ? [] : [{ kind: 'check', when }];
  expect(goodUntil('2026-11-21T02:00:00.000Z', { all, enabled } as never)).toBe(expected);
});
