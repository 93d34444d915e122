import type { StoredBackup } from '../archive/reader.ts';
import { HoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import { formatBytes, formatCount } from '../base/units.ts';
import type {
  AppTask,
  KeptTree,
  Saved,
  StagedTree,
  StagedTrees,
  SwappedTree,
  Trees,
  WantedTrees,
} from '../apps/app.ts';
import { appOf, type Source } from '../care/source.ts';

/** The folders of a backup that can be put back here: file trees, and those of an application. */
export interface TreesOfBackup {
  saved: Saved;
  trees: Trees;
}

export async function treesOf(source: Source, archive: StoredBackup): Promise<TreesOfBackup[]> {
  const found: TreesOfBackup[] = [];
  for (const role of ['files', 'app'] as const) {
    const saved = archive.saved(role);
    const trees = saved && (await appOf(source, role, saved.facts))?.trees;
    if (saved && trees) found.push({ saved, trees });
  }
  return found;
}

export async function planTrees(
  all: readonly TreesOfBackup[],
  wanted: WantedTrees,
  signal: AbortSignal,
): Promise<StagedTree[]> {
  const planned: StagedTree[] = [];
  for (const { saved, trees } of all) planned.push(...(await trees.plan(saved, wanted, signal)));
  const missing = wanted.only?.filter((name) => !planned.some((tree) => tree.name === name)) ?? [];
  if (missing.length === 0) return planned;
  throw new HoldfastError('NOT_IN_BACKUP', `the backup has no files named ${missing.join(', ')}`, {
    kind: 'usage',
    hint: `It has: ${planned.map(({ name }) => name).join(', ') || 'none'}.`,
  });
}

export interface Laid extends AsyncDisposable {
  /**
   * Does `swap`, which calls `move` at the moment when the folders are to take their places; when it fails, they go back. What was live
   * before is kept beside them until it is forgotten.
   */
  goLive<T>(swap: (move: () => Promise<void>) => Promise<T>): Promise<{ result: T; files: SwappedTree[] }>;
  /** To be called right before a safety backup: what is written into the live folders from then on is not forgotten. */
  watch(): Promise<void>;
  /** There is no way back any more: removes what was live before, where nothing is only there. Gives where what could stay whole is kept. Never fails. */
  forget(): Promise<SwappedTree[]>;
  readonly warnings: readonly string[];
}

/**
 * Everything is laid down beside what lives and compared before anything moves. `noteMoved` is told what has moved, which may be none,
 * and null once it has to go back: so there is a way back also when this program is killed before the end.
 */
export async function layTrees(
  { report, signal }: AppTask,
  all: readonly TreesOfBackup[],
  wanted: WantedTrees,
  noteMoved: (files: SwappedTree[] | null) => void = () => undefined,
): Promise<Laid> {
  await using doors = new AsyncDisposableStack();
  const staged: StagedTrees[] = [];
  for (const { saved, trees } of all) {
    staged.push(
      doors.use(
        await step(
          report,
          'files',
          () => trees.stage(saved, wanted, { signal, report }),
          (laid) => describe(laid.trees),
        ),
      ),
    );
  }
  const kept = doors.move();
  const warnings = staged.flatMap((each) => each.warnings);
  const moved: StagedTrees[] = [];
  const files: SwappedTree[] = [];
  return {
    warnings,
    watch: async () => {
      for (const each of staged) await each.watch();
    },
    goLive: async (swap) => {
      try {
        const move = async () => {
          for (const each of staged) {
            files.push(...(await each.swap(signal)));
            moved.push(each);
          }
          noteMoved(files);
        };
        return { result: await swap(move), files };
      } catch (error) {
        noteMoved(null);
        if (isUncertain(error)) throw error;
        for (const each of moved.toReversed()) {
          for (const { path, why } of await each.back())
            report({
              kind: 'warning',
              message: `the restored folder was live for a moment and is kept as ${path}: ${why}`,
            });
        }
        throw error;
      }
    },
    forget: async () => {
      const left = await forget(moved, { report, warnings });
      return files.map((each) => ({ ...each, previous: left.find((path) => path === each.previous) ?? null }));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Folders and database belong together, and nobody knows which of the two databases is live: nothing is moved any more. */
export function isUncertain(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'RESTORE_UNCERTAIN';
}

/** The restore has succeeded: what stays is named, and no reason to take anything back. */
async function forget(
  moved: readonly StagedTrees[],
  { report, warnings }: { report: Report; warnings: string[] },
): Promise<string[]> {
  const kept: KeptTree[] = [];
  const tell = (message: string) => {
    warnings.push(message);
    report({ kind: 'warning', message });
  };
  for (const each of moved) {
    try {
      kept.push(...(await each.forget(AbortSignal.timeout(forgetMs))));
    } catch (error) {
      tell(`what lived before is still there: ${(error as Error).message}`);
    }
  }
  for (const { path, why, inPart } of kept)
    tell(
      inPart
        ? `what lived before could not be removed as a whole, the rest of it is ${path}: ${why}`
        : `what lived before is kept as ${path}: ${why}`,
    );
  return kept.flatMap(({ path, inPart }) => (inPart ? [] : [path]));
}

/** For looking at what is to be removed: what cannot be looked at is kept. */
const forgetMs = 30 * 60_000;

function describe(trees: readonly StagedTree[]): string {
  const files = trees.reduce((sum, tree) => sum + tree.files, 0);
  const bytes = trees.reduce((sum, tree) => sum + tree.bytes, 0);
  return `${trees.map(({ name }) => name).join(', ')}: ${formatCount(files, 'file')}, ${formatBytes(bytes)} laid down and compared`;
}
