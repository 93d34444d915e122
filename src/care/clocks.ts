import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { sourcePrefix } from '../archive/layout.ts';
import { clockToleranceMs, isFromFuture, type Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';
import type { BackupRow } from '../catalog/catalog.ts';
import type { Storage } from '../storage/storage.ts';
import { backupTime } from './backup-facts.ts';
import type { Source } from './source.ts';

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

/** Writes a small file and compares the time the storage gives it with ours. */
export async function assertClocksAgree({ source, storage, clock, signal }: Place): Promise<void> {
  const key = `${sourcePrefix(source.name)}clock-probe-${randomBytes(4).toString('hex')}`;
  const before = clock.now().getTime();
  await storage.put(key, Readable.from([Buffer.from('x')], { objectMode: false }), { signal, size: 1 });
  try {
    const written = (await storage.stat(key, signal))?.modifiedAt.getTime() ?? before;
    const after = clock.now().getTime();
    const off = written < before ? written - before : written > after ? written - after : 0;
    if (Math.abs(off) > clockToleranceMs) {
      throw disagree(
        `the clock of ${storage.name} is ${formatDuration(Math.abs(off))} ${off < 0 ? 'behind' : 'ahead of'} this machine's`,
      );
    }
  } finally {
    // The signal may have fired; the file must go all the same.
    await storage.delete([key], AbortSignal.timeout(30_000));
  }
}

function disagree(what: string): HoldfastError {
  return new HoldfastError('CLOCK_DISAGREES', `nothing is removed: ${what}`, {
    kind: 'refused',
    hint: 'Set the clocks right (time synchronisation) on this machine and where the storage is, then try again.',
  });
}
