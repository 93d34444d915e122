import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Catalog } from '../catalog/catalog.ts';
import { ownProcess } from '../catalog/process-identity.ts';
import { openCatalog } from '../catalog/sqlite/sqlite-catalog.ts';
import { forgetHistory } from './forget.ts';

const day = 86_400_000;
let folder: string;
let catalog: Catalog;
let now: number;
const clock = { now: () => new Date(now), monotonic: () => performance.now() };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-forget-'));
  now = Date.parse('2026-11-21T02:00:00Z');
  catalog = openCatalog(folder, clock);
});
afterEach(() => {
  catalog[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const forget = () => forgetHistory({ catalog, clock }, { runs: 100, ageMs: 30 * day });
const runs = () => catalog.runs.list({}).map(({ id }) => id);
function ran(id: string): void {
  const at = clock.now().toISOString();
  const rest = { backup: null, trigger: 'manual', error: null, result: null, ...ownProcess() };
  catalog.runs.add({
    id,
    operation: 'backup',
    source: 'shop',
    state: 'failed',
    startedAt: at,
    finishedAt: at,
    ...rest,
  });
}
function asked(who: string): void {
  const rest = {
    via: 'none',
    from: null,
    source: null,
    target: null,
    run: null,
    outcome: 'done',
    detail: null,
  } as const;
  catalog.audit.add({ at: clock.now().toISOString(), who, action: 'signIn', ...rest });
}
/** As the daemon does it, a little more seldom. */
function passDays(days: number): void {
  for (let hours = 0; hours < 24 * days; hours += 6) {
    forget();
    now += day / 4;
  }
  forget();
}

test('runs are forgotten after their time', () => {
  ran('old');
  passDays(20);
  ran('young');
  passDays(11);
  expect(runs()).toEqual(['young']);
});

test('S20 a clock that jumps by years makes nothing forgotten while it may still be set right', () => {
  forget();
  ran('old');
  asked('eve');
  now += 10 * 365 * day;
  passDays(6);
  expect([runs(), catalog.audit.list({ limit: 9 }).length]).toEqual([['old'], 1]);
  now -= 10 * 365 * day;
  passDays(20);
  expect(runs()).toEqual(['old']);
  passDays(11);
  expect(runs()).toEqual([]);
});

test('what lay still for years forgets after a week', () => {
  forget();
  ran('old');
  now += 400 * day;
  passDays(6);
  expect(runs()).toEqual(['old']);
  passDays(2);
  expect(runs()).toEqual([]);
});
