import type { SwappedTree } from '../apps/app.ts';
import { HoldfastError } from '../base/errors.ts';
import { nameBeside } from '../care/proof/scratch-name.ts';
import { databaseOf, type Source } from '../care/source.ts';
import { undoingOf } from '../care/undoing.ts';
import type { Catalog, RunRecord } from '../catalog/catalog.ts';
import type { HalfSwap } from '../engines/engine.ts';
import type { RestoreResult } from './restore.ts';

export interface UndoResult {
  run: string;
  /** The restore that was undone. */
  undone: string;
  /** `partial`: all is back, and what should have happened after that did not. */
  state: 'succeeded' | 'partial';
  target: string;
  /** The restored database is kept under this name: nothing is destroyed by changing one's mind. */
  kept: string | null;
  files: SwappedTree[];
}

export interface WayBack {
  /** Null: a half-done swap that began under another state folder. */
  restored: RunRecord | null;
  /** Null: that restore did not touch the database. */
  previous: string | null;
  files: SwappedTree[];
  /** Folders that an undo which was cut off has brought back already, and where those of the backup lie. */
  moved: SwappedTree[];
  /** To be taken back instead. */
  half: HalfSwap | null;
}

/** What was cut off in the middle comes first: as long as it is there, nothing else can be exchanged. */
export async function findHalfSwap(source: Source, catalog: Catalog, signal: AbortSignal): Promise<WayBack | null> {
  const half = await source.database?.halfSwap?.find(signal);
  if (!source.database || !half) return null;
  const { name } = source.database;
  const restored = catalog.runs.list({ source: source.name, operation: 'restore' }).find(({ id }) => {
    return nameBeside(name, 'restoring', id) === half.replacement || nameBeside(name, 'undone', id) === half.previous;
  });
  const { files = [] } = (restored?.result ?? {}) as Partial<RestoreResult>;
  return { restored: restored ?? null, previous: half.previous, files: files.filter(wasMoved), moved: [], half };
}

export async function findKept(source: Source, catalog: Catalog, signal: AbortSignal): Promise<WayBack> {
  const unmoved = new Set<string>();
  for (;;) {
    const { restored, previous, files, moved, kept, swapping } = findWayBack(source, catalog, unmoved);
    if (previous === null || (await isThere(source, previous, signal)))
      return { restored, previous, files, moved, half: null };
    if (kept !== null && (await isThere(source, kept, signal))) throw noWayBack(...undoneSince(restored.id, kept));
    if (!swapping)
      throw noWayBack(
        `the database ${previous}, kept by the restore ${restored.id}, does not exist any more`,
        'Restore the safety backup made before that restore: `holdfast list` shows it.',
      );
    // Cut off after the folders had changed places, and before the database did.
    if (files.length > 0) return { restored, previous: null, files, moved, half: null };
    // Before either did: it has changed nothing, and an older one's way back is as good as before.
    unmoved.add(restored.id);
  }
}

async function isThere(source: Source, database: string, signal: AbortSignal): Promise<boolean> {
  return (await databaseOf(source).named(database).target(signal)) !== null;
}

/** Where what a restore replaced lies by now: an undo that did not come to its end has moved it, and perhaps back again. */
function whereNow(
  runs: readonly RunRecord[],
  { id, result }: RunRecord,
): Pick<WayBack, 'files' | 'moved'> & { kept: string | null } {
  const own = (result as Partial<RestoreResult> | null)?.files ?? [];
  const last = runs.find((run) => undoingOf(run)?.undoing === id);
  const noted = last && undoingOf(last);
  if (!noted) return { files: own.filter(wasMoved), moved: [], kept: null };
  const results = runs.map((run) => run.result as Partial<UndoResult> | null);
  const takenBack = results.find((each) => each?.undone === last.id);
  const files = (takenBack?.files ?? noted.files).filter(wasMoved);
  return noted.moved && !takenBack ? { files: [], moved: files, kept: noted.kept } : { files, moved: [], kept: null };
}

function wasMoved({ previous }: SwappedTree): boolean {
  return previous !== null;
}

function findWayBack(
  source: Source,
  catalog: Catalog,
  unmoved: ReadonlySet<string>,
): Omit<WayBack, 'restored' | 'half'> & { restored: RunRecord; kept: string | null; swapping: boolean } {
  // One that was killed, or did not end well, after its swap has kept what was there before as well.
  const runs = catalog.runs
    .list({ source: source.name, operation: 'restore' })
    .filter(({ state }) => state !== 'running');
  const undone = new Set(runs.map((run) => (run.result as Partial<UndoResult> | null)?.undone));
  let before: ReturnType<typeof undoneBy> = null;
  for (const restored of runs) {
    before ??= undoneBy(restored);
    if (undone.has(restored.id) || unmoved.has(restored.id) || isUndo(restored)) continue;
    const result = restored.result as (Partial<RestoreResult> & { swapping?: boolean }) | null;
    const previous = result?.previous ?? null;
    const now = whereNow(runs, restored);
    const swapping = result?.swapping === true;
    // What was in a database that was replaced in place lies nowhere beside it: its folders would go back without it.
    const whole = result?.mode !== 'in-place' || swapping;
    if (whole && (previous !== null || now.files.length + now.moved.length > 0))
      return { restored, previous, ...now, swapping };
    // One beside it changed nothing here. Of any other, an older one's way back would also throw away what came after it.
    if (result?.mode === undefined || result.mode === 'new') continue;
    const which = before === null ? `the last restore of ${source.name}` : `${before.said}; the one before it`;
    const safety = result.safety
      ? `Its safety backup holds what was there before it: \`holdfast restore ${result.safety} --source ${source.name}\`.`
      : 'It was made without a safety backup; restore another backup.';
    throw noWayBack(`${which}, of ${restored.startedAt}, kept ${whatIsKept(now.files)}`, before?.hint ?? safety);
  }
  if (before !== null) throw noWayBack(`${before.said}; none before it kept what was there`, before.hint);
  throw noWayBack(
    `no restore of ${source.name} kept what was there before`,
    'A restore keeps it with `--keep-old`. Otherwise restore the safety backup made before it: `holdfast list` shows it.',
  );
}

function whatIsKept(files: readonly SwappedTree[]): string {
  const places = files.map(({ previous }) => previous).join(', ');
  return files.length === 0 ? 'nothing' : `its folders (${places}), and nothing of its database`;
}

/** What one has taken out comes in again by a restore: of folders and a database it knows the folders alone. */
function isUndo(run: RunRecord): boolean {
  return undoneBy(run) !== null || undoingOf(run) !== null;
}

/** Who asks twice wants to know that it was done, and where what they took back lies now. */
function undoneBy({ result, backup, source }: RunRecord): { said: string; hint: string } | null {
  const { undone, kept } = (result ?? {}) as Partial<UndoResult>;
  if (undone === undefined) return null;
  const again = backup === null ? '' : ` \`holdfast restore ${backup} --source ${source}\` brings it in again.`;
  const [said, hint] = undoneSince(undone, kept ?? null);
  return { said, hint: `${hint}${again}` };
}

function undoneSince(restore: string, kept: string | null): [said: string, hint: string] {
  const where = kept ? `What it had restored is kept as ${kept}.` : 'What was there before it is live.';
  return [`the restore ${restore} was undone already`, where];
}

export function noWayBack(message: string, hint: string): HoldfastError {
  return new HoldfastError('NO_WAY_BACK', message, { kind: 'usage', hint });
}
