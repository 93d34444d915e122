import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import type { MarkRecord } from '../catalog.ts';
import { openCatalog } from './sqlite-catalog.ts';
import { openStandIn } from './stand-in.ts';

const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
};
const mark: MarkRecord = { name: 'told', lastAttempt: null, lastGood: null, detail: null };

test('a stand-in knows what others have open and what a killed one left in its log, and leaves the state as it is', () => {
  const state = folder();
  using catalog = openCatalog(state, systemClock);
  catalog.marks.put(mark);
  const killed = folder();
  for (const ending of ['', '-wal'])
    copyFileSync(join(state, `catalog.sqlite${ending}`), join(killed, `catalog.sqlite${ending}`));
  for (const of of [state, killed]) {
    let copied: string;
    {
      using standIn = openStandIn(of, systemClock);
      copied = standIn.folder;
      expect(standIn.catalog.marks.get('told')).toEqual(mark);
      standIn.catalog.marks.put({ ...mark, name: 'new' });
    }
    expect(existsSync(copied), 'without a run of its own nobody needs it').toBe(false);
  }
  expect(catalog.marks.get('new')).toBe(null);
});

test('a stand-in of a state folder that holds nothing begins with nothing', () => {
  using standIn = openStandIn(join(folder(), 'none'), systemClock);
  expect(standIn.catalog.runs.list({})).toEqual([]);
});
