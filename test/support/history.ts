import type { Catalog, RunRecord } from '../../src/catalog/catalog.ts';

/** A long past: runs and backups of `source-0`, `source-1` ..., the newest first, a minute apart; no news to anybody. */
export function fillHistory(catalog: Catalog, size: { sources: number; runs: number; backups: number }): void {
  const at = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  const text = 'x'.repeat(2000);
  catalog.atomically(() => {
    for (let number = 0; number < size.runs; number += 1) {
      const id = `run-${number}`;
      const run: RunRecord = {
        id,
        operation: number % 10 === 9 ? 'verify' : 'backup',
        source: `source-${number % size.sources}`,
        backup: null,
        trigger: 'schedule',
        state: 'running',
        startedAt: at(number),
        finishedAt: null,
        host: 'h',
        pid: 1,
        process: null,
        error: null,
        result: null,
      };
      catalog.runs.add(run);
      const state = number % 7 === 0 ? 'failed' : 'succeeded';
      catalog.runs.update(id, { state, finishedAt: at(number), result: { text } });
      catalog.runs.notice({ ...run, finishedAt: at(number) });
    }
    for (let number = 0; number < size.backups; number += 1) {
      const source = `source-${(number >> 1) % size.sources}`;
      const id = `${String(99_999_999 - number)}-000000-abcdef`;
      catalog.backups.put({
        storage: number % 2 === 0 ? 'local' : 'offsite',
        source,
        id,
        state: 'complete',
        stamp: '1:1 -',
        problem: null,
        held: null,
        facts: {
          startedAt: at(number),
          finishedAt: at(number),
          durationMs: 1,
          trigger: 'schedule',
          safetyFor: null,
          description: null,
          instance: 'i',
          bytes: 1000,
          rawBytes: 2000,
          artifacts: 3,
          database: null,
          warnings: 0,
          only: null,
          lacks: [],
        },
      });
      catalog.proofs.add({
        kind: number % 2 === 0 ? 'verify' : 'drill',
        source,
        backup: id,
        storage: 'local',
        at: at(number),
        ok: true,
        depth: null,
        seconds: 1,
        result: { text },
      });
    }
  });
}
