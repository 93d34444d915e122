import { backupPrefix } from '../archive/format/layout.ts';
import { sweepUnfinished } from '../archive/sweep.ts';
import { sweepElsewhere } from '../care/removal/sweep-elsewhere.ts';
import { givesFolders, openBackup, type BackupWriter } from '../archive/writer.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import { formatBytes } from '../base/units.ts';
import type { Source } from '../care/source.ts';
import type { Snapshot } from '../engines/engine.ts';
import { openApps, wants, type OpenApps, type Parts } from './save-apps.ts';

interface Beginning {
  source: Source;
  clock: Clock;
  scratch: string;
  only?: Parts;
  /** Nothing that lies there is relied on: it turned out to be damaged. */
  anew?: boolean;
  signal: AbortSignal;
  report: Report;
}

interface Begun extends AsyncDisposable {
  writer: BackupWriter;
  /** Null: the source has no database, or it is not wanted. */
  snapshot: Snapshot | null;
  apps: OpenApps;
  /** Once leftovers in a storage elsewhere are gone, or could not be removed, which was told. Never rejects. */
  swept: Promise<void>;
}

export const sweepAfterMs = 24 * 3_600_000;

/** The place to write to and the snapshot to read from, side by side: a service far away and a server that plans both take their time. */
export async function begin(task: Beginning, startedAt: Date): Promise<Begun> {
  const { source, scratch, report } = task;
  const [storage] = source.storages;
  await sweepFirst(task, startedAt);
  await using doors = new AsyncDisposableStack();
  const together = new AbortController();
  const signal = AbortSignal.any([task.signal, together.signal]);
  let failure: { error: unknown } | undefined;
  const side = async <T extends AsyncDisposable>(opening: Promise<T>): Promise<T | undefined> => {
    try {
      return doors.use(await opening);
    } catch (error) {
      failure ??= { error };
      together.abort(error);
      return undefined;
    }
  };
  const folders = givesFolders(storage, source.keys);
  const { database } = source;
  const only = task.only ?? null;
  const share = !source.share ? 'no' : task.anew ? 'anew' : 'yes';
  const opening = openBackup({ storage, source: source.name, startedAt, keys: source.keys, scratch, share, signal });
  const openSnapshot = async (): Promise<OpenedParts> => {
    await using opened = new AsyncDisposableStack();
    const snapshot =
      database && wants(only, 'database')
        ? opened.use(await step(report, 'snapshot', () => database.open({ folders }, signal), describeSource))
        : null;
    const encrypted = source.keys.wanted !== null;
    const { sharing } = await opening;
    const apps = opened.use(await openApps(source, snapshot, { encrypted, sharing, only, signal }));
    if (!snapshot && apps.opened.length === 0) throw nothingWanted(source.name, only);
    const kept = opened.move();
    return { snapshot, apps, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  };
  const [writer, parts] = await Promise.all([side(opening), side(openSnapshot())]);
  if (!writer || !parts) throw failure?.error;
  const over = new AbortController();
  const swept = sweepBeside(task, writer.id, AbortSignal.any([task.signal, over.signal]));
  doors.defer(async () => {
    over.abort(new Error('the backup is over'));
    await swept;
  });
  const kept = doors.move();
  return {
    writer,
    snapshot: parts.snapshot,
    apps: parts.apps,
    swept,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface OpenedParts extends AsyncDisposable {
  snapshot: Snapshot | null;
  apps: OpenApps;
}

function nothingWanted(source: string, only: Parts): HoldfastError {
  return new HoldfastError('NOTHING_TO_BACK_UP', `the source ${source} has no ${(only ?? ['parts']).join(', no ')}`, {
    kind: 'usage',
    hint: 'Leave `--only` out, or name a part that the source has: database, files or app.',
  });
}

/** We hold the source's lock: nobody else can be writing a stage of it. */
const nobody = () => false;

/** What lies on this machine may be what fills its disk: gone before anything new is written. */
async function sweepFirst({ source, signal }: Beginning, now: Date): Promise<void> {
  const [primary] = source.storages;
  if (!primary.capabilities.localFolders) return;
  await sweepUnfinished(primary, source.name, { now, olderThanMs: sweepAfterMs, alive: nobody, signal });
}

/** Elsewhere a sweep asks many questions, and none of the answers matters to this backup. */
async function sweepBeside({ source, clock, report }: Beginning, id: string, signal: AbortSignal): Promise<void> {
  const [primary] = source.storages;
  if (primary.capabilities.localFolders) return;
  const own = backupPrefix(source.name, id);
  const alive = (prefix: string) => prefix === own;
  try {
    await sweepElsewhere({ source, storage: primary, clock }, { olderThanMs: sweepAfterMs, alive, signal });
  } catch (error) {
    if (signal.aborted) return;
    const { message } = toHoldfastError(error);
    report({ kind: 'warning', message: `leftovers in ${primary.name} were not swept: ${message}` });
  }
}

function describeSource({ facts, snapshot }: Snapshot): string {
  return `${facts.name}, ${facts.engine} ${facts.serverVersion}, ${formatBytes(facts.sizeBytes)}, ${snapshot.isolation}`;
}
