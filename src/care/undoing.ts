import type { SwappedTree } from '../apps/app.ts';
import type { RunRecord } from '../catalog/catalog.ts';

/** What an undo notes of itself before the database changes places, until it has ended: the folders have moved by then, and nothing else tells where they lie. */
export interface Undoing {
  /** The restore that it takes back. */
  undoing: string;
  /** What the restored database is called afterwards. */
  kept: string | null;
  /** The folders from before the restore are live; false: those of the backup are, again. */
  moved: boolean;
  /** Where the others lie. */
  files: SwappedTree[];
}

export function undoingOf({ result }: Pick<RunRecord, 'result'>): Undoing | null {
  const { undoing, kept = null, moved = false, files = [] } = (result ?? {}) as Partial<Undoing>;
  return undoing === undefined ? null : { undoing, kept, moved, files };
}
