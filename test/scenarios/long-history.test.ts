import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { takeInventory } from '../../src/care/stock/inventory.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { localAt, writeManifests } from '../support/stored-backups.ts';

const signal = new AbortController().signal;

test('S10 S28 10,000 backups from a warm catalog in half a second', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-history-'));
  const storage = localAt(join(folder, 'local'));
  using catalog = openCatalog(join(folder, 'state'), systemClock);
  const inventory = () => takeInventory({ storage, source: 'shop', catalog, signal });
  writeManifests(join(folder, 'local'), 'shop', 10_000);
  expect(await inventory()).toHaveLength(10_000);
  const times: number[] = [];
  // The best of a few: other work on the machine is not what is measured.
  for (let round = 0; round < 5 && (times.at(-1) ?? Infinity) > 500; round += 1) {
    const started = performance.now();
    expect(await inventory()).toHaveLength(10_000);
    times.push(performance.now() - started);
  }
  rmSync(folder, { recursive: true });
  expect(Math.min(...times)).toBeLessThan(500);
});
