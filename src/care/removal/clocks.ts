import { Readable } from 'node:stream';
import { clockProbeKey } from '../../archive/format/layout.ts';
import { unlessLocked } from '../../archive/remove.ts';
import { clockToleranceMs, isFromFuture, type Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { formatDuration } from '../../base/units.ts';
import type { BackupRow } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import { backupTime } from '../backup-facts.ts';
import type { Source } from '../source.ts';

interface Place {
  source: Pick<Source, 'name'>;
  storage: Storage;
  clock: Clock;
  signal: AbortSignal;
}

/** A backup from the future was made under another clock than the one we would now judge ages by. */
export function assertNoneFromTheFuture(rows: readonly BackupRow[], { clock }: Pick<Place, 'clock'>): void {
  const future = rows.find((row) => isFromFuture(backupTime(row), clock.now()));
  if (!future) return;
  throw disagree(
    `backup ${future.id} was made ${formatDuration(backupTime(future).getTime() - clock.now().getTime())} from now`,
  );
}

/** Others may write the same file, and take it away when they have seen it. */
const probes = 3;

/**
 * Writes a small file and compares the time the storage gives it with ours. It always has the same name, so that one that was left behind
 * goes the next time.
 */
export async function assertClocksAgree({ source, storage, clock, signal }: Place): Promise<void> {
  const key = clockProbeKey(source.name);
  try {
    for (let probe = 1; probe <= probes; probe += 1) {
      const before = clock.now().getTime();
      await storage.put(key, Readable.from([Buffer.from('x')], { objectMode: false }), { signal, size: 1 });
      const written = (await storage.stat(key, signal))?.modifiedAt.getTime();
      if (written === undefined) continue;
      assertBetween(written, [before, clock.now().getTime()], storage);
      return;
    }
  } finally {
    // The signal may have fired; the file must go all the same.
    await storage.delete([key], AbortSignal.timeout(30_000)).catch(unlessLocked);
  }
}

function assertBetween(written: number, [before, after]: [number, number], storage: Storage): void {
  const off = written < before ? written - before : written > after ? written - after : 0;
  if (Math.abs(off) <= clockToleranceMs) return;
  throw disagree(
    `the clock of ${storage.name} is ${formatDuration(Math.abs(off))} ${off < 0 ? 'behind' : 'ahead of'} this machine's`,
  );
}

function disagree(what: string): HoldfastError {
  return new HoldfastError('CLOCK_DISAGREES', `nothing is removed: ${what}`, {
    kind: 'refused',
    hint: 'Set the clocks right (time synchronisation) on this machine and where the storage is, then try again.',
  });
}
