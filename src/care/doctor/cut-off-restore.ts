import { access } from 'node:fs/promises';
import type { SwappedTree } from '../../apps/app.ts';
import { throwIfAborted } from '../../base/abort.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { databaseOf, type Source } from '../source.ts';
import { undoingOf, type Undoing } from '../undoing.ts';

/** What a restore notes of itself before its folders change places. */
interface Noted {
  id: string;
  mode: string;
  /** What the live database would be called afterwards; null: it keeps its name. */
  previous: string | null;
  files: readonly SwappedTree[];
  /** Until the database has changed places as well. */
  swapping: boolean;
  undone: string;
}

export interface CutOffRestore {
  message: string;
  hint: string;
}

/**
 * A restore that was ended after the folders had changed places, and before the database did: folders of the backup stand beside the
 * database that was live. Nothing else tells, and what lived before lies where somebody may clear it away.
 */
export async function findCutOffRestore(
  source: Source,
  catalog: Pick<Catalog, 'runs'>,
  signal: AbortSignal,
): Promise<CutOffRestore | null> {
  if (source.database === null || source.apps.length === 0) return null;
  const runs = catalog.runs
    .list({ source: source.name, operation: 'restore' })
    .filter(({ state }) => state !== 'running');
  const latest = runs.find((run) => undoingOf(run)?.moved || isOver(run.result ?? {}));
  const undoing = latest && undoingOf(latest);
  if (undoing) return findCutOffUndo(source, undoing, signal);
  const last = latest?.result as Partial<Noted> | undefined;
  if (last?.swapping !== true) return null;
  const kept: string[] = [];
  for (const { previous } of last.files ?? []) if (previous !== null && (await isThere(previous))) kept.push(previous);
  if (kept.length === 0 || (await hasSwapped(source, last.previous ?? null, signal))) return null;
  const names = (last.files ?? []).map(({ name }) => name).join(', ');
  return {
    message: `a restore was cut off: the folders (${names}) are those of the backup ${last.id}, the database is not; what lived is in ${kept.join(', ')}`,
    hint: `\`holdfast restore --undo --source ${source.name}\` puts the folders back; or restore again. Remove nothing before.`,
  };
}

/** It has changed what is live here, or was to. */
function isOver({ mode, undone }: Partial<Noted>): boolean {
  return undone !== undefined || (mode !== undefined && mode !== 'new');
}

/** The other way round: the folders have gone back, and the database has not. */
async function findCutOffUndo(
  source: Source,
  { undoing, kept, files }: Undoing,
  signal: AbortSignal,
): Promise<CutOffRestore | null> {
  if (files.length === 0 || (await hasSwapped(source, kept, signal))) return null;
  const names = files.map(({ name }) => name).join(', ');
  return {
    message: `an undo was cut off: the folders (${names}) are those from before the restore ${undoing}, the database is not`,
    hint: `\`holdfast restore --undo --source ${source.name}\` brings the database back as well. Remove nothing before.`,
  };
}

/** A server that cannot be asked is told of by itself. */
async function hasSwapped(source: Source, previous: string | null, signal: AbortSignal): Promise<boolean> {
  const database = databaseOf(source);
  if (previous === null) return false;
  const half = await database.halfSwap?.find(signal).catch(() => null);
  if (half?.untouched) return false;
  const facts = database.named(previous).target(signal);
  const there = await facts.then(
    (found) => found !== null,
    () => true,
  );
  throwIfAborted(signal);
  return there;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
