import type { Rewrapped, WriteKey } from '../archive/keys/keys.ts';
import type { Clock } from '../base/clock.ts';
import type { Report } from '../base/progress.ts';
import type { Secret } from '../base/secret.ts';
import type { Source } from '../care/source.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { holdLock } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import { sourceLock } from './backup.ts';

export interface KeyTask {
  source: Source;
  catalog: Catalog;
  clock: Clock;
  signal: AbortSignal;
  report: Report;
}

/** A new key from now on; the older backups keep theirs. */
export function rotateKey(task: KeyTask): Promise<WriteKey> {
  const { source } = task;
  return alone(task, (signal) => source.keys.rotate(source.storages, source.name, signal));
}

export function changePassphrase(
  task: KeyTask,
  { from, to }: { from: Secret | null; to: Secret | null },
): Promise<Rewrapped[]> {
  const { source } = task;
  const { storages, name, keys } = source;
  return alone(task, (signal) => keys.changePassphrase({ storages, source: name, from, to, signal }));
}

/** No backup may begin with a key that is just being changed. */
function alone<Result>(task: KeyTask, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const { source, catalog, clock, signal, report } = task;
  return withRun(
    { operation: 'key', source: source.name, trigger: 'manual', catalog, clock, signal, report },
    async (run) => {
      await using lease = await holdLock({ catalog, clock, name: sourceLock(source), run: run.id, signal: run.signal });
      return { state: 'succeeded', result: await work(lease.signal) };
    },
  );
}
