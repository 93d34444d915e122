import type { Clock } from '../base/clock.ts';
import type { Catalog, RunRecord } from './catalog.ts';

const afterRestore =
  'See with `holdfast doctor` first whether it was cut off in the middle of an exchange. A database that it only prepared is swept by itself; a folder that it laid down beside the live one stays, and is named there.';

/** The process of a run is gone, or silent for so long that somebody else has taken its place. */
export function endInterrupted(catalog: Catalog, clock: Clock, { id, operation, pid, host }: RunRecord): void {
  catalog.runs.update(id, {
    state: 'failed',
    finishedAt: clock.now().toISOString(),
    error: {
      code: 'INTERRUPTED',
      message: `the process ended in the middle of the run (process ${pid} on ${host})`,
      hint: operation === 'restore' ? afterRestore : 'Start it again; what it left behind is swept by itself.',
    },
  });
}
