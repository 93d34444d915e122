import type { StagedTree, SwappedTree, WantedTrees } from '../apps/app.ts';
import type { Artifact } from '../archive/format/manifest.ts';
import { openArchive, type StoredBackup } from '../archive/reader.ts';
import { sourceLock } from '../backup/backup.ts';
import { withHooks } from '../backup/hooks.ts';
import { HoldfastError } from '../base/errors.ts';
import { step } from '../base/progress.ts';
import type { Source } from '../care/source.ts';
import { orRemoved } from '../care/proof/removed-meanwhile.ts';
import { assertVerified, readingLock } from '../care/proof/verify.ts';
import { holdLock } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import { afterwards } from './afterwards.ts';
import { aroundRestore } from './around-restore.ts';
import { checkBytes } from './check-bytes.ts';
import type { BackupPlace } from './open-dump.ts';
import { safetyBackup } from './safety.ts';
import type { RestoreTask } from './task.ts';
import { layTrees, planTrees, treesOf, type TreesOfBackup } from './trees.ts';

export interface FilesRequest {
  source: Source;
  from: BackupPlace;
  wanted: WantedTrees;
  keepOld: boolean;
  safetyBackup: boolean;
}

export interface FilesTask extends Omit<RestoreTask, 'request' | 'confirm'> {
  request: FilesRequest;
  confirm: (plan: FilesPlan) => Promise<void>;
}

export interface FilesPlan {
  archive: StoredBackup;
  trees: readonly TreesOfBackup[];
  files: readonly StagedTree[];
  /** Something that lives is replaced. */
  destructive: boolean;
}

export interface FilesResult {
  run: string;
  id: string;
  /** `partial`: the folders are restored and live, and what should have happened after that did not. */
  state: 'succeeded' | 'partial';
  files: (SwappedTree & { files: number; bytes: number })[];
  /** The backup of what was live, made just before. */
  safety: string | null;
  seconds: number;
  warnings: string[];
}

/** Looks at everything and touches nothing. */
export async function planFiles(
  { source, from, wanted }: FilesRequest,
  scratch: string,
  signal: AbortSignal,
): Promise<FilesPlan> {
  const { storage, id } = from;
  const archive = await openArchive({ storage, source: source.name, id, keys: source.keys, scratch, signal });
  await archive.unlock(signal);
  const trees = await treesOf(source, archive);
  if (trees.length === 0) {
    throw new HoldfastError('NO_FILES', `the backup ${id} holds no files`, {
      kind: 'usage',
      hint: '`holdfast inspect` shows what is in it.',
    });
  }
  const files = await planTrees(trees, wanted, signal);
  return { archive, trees, files, destructive: files.some(({ replaces }) => replaces) };
}

/** Folders of a backup, without its database: laid down beside what lives, compared, then swapped by renaming. */
export async function restoreFiles(task: FilesTask): Promise<FilesResult> {
  const { request, catalog, clock, signal, report, trigger = 'manual' } = task;
  const { source, from, wanted, keepOld } = request;
  const planned = await planFiles(request, task.scratch, signal);
  await task.confirm(planned);
  return withRun(
    { operation: 'restore', source: source.name, backup: from.id, trigger, catalog, clock, signal, report },
    async (run) => {
      const started = clock.monotonic();
      const lock = { catalog, clock, run: run.id };
      await using sourceLease = await holdLock({ ...lock, name: sourceLock(source), signal: run.signal });
      const name = readingLock(source.name, from.id);
      await using lease = await holdLock({ ...lock, name, mode: 'shared', signal: sourceLease.signal });
      const inside = { ...task, source, signal: lease.signal, report: run.report };
      const isFolder = ({ role }: Artifact) => role === 'files' || role === 'app';
      assertVerified(await checkBytes(inside, { archive: planned.archive, id: from.id }, isFolder));
      // Beside everything that lives, nothing has to stand still.
      const around = aroundRestore(inside, { run: run.id, trigger });
      const hooks = wanted.to === null ? around : { ...around, hooks: undefined };
      using after = afterwards(lease.signal, run.report);
      const result = await withHooks(hooks, async (reached) => {
        await using laid = await layTrees(inside, planned.trees, wanted);
        const secures = planned.destructive && request.safetyBackup;
        if (secures) await laid.watch();
        const safety = secures
          ? await safetyBackup(inside, { source, from: from.id, only: null }, sourceLease, run.id)
          : null;
        sourceLease.assertHeld();
        const { files } = await step(
          run.report,
          'swap',
          () => laid.goLive((move) => move()),
          () => planned.files.map(({ target }) => target).join(', '),
        );
        run.keep({ id: from.id, previous: null, files, safety });
        const left = keepOld ? files : await laid.forget();
        const said: string[] = [];
        const told = await after.attempt('what was to run after it did not end well', async (late) => {
          said.push(...(await reached({ backup: from.id, state: 'succeeded' }, late)));
        });
        return {
          state: told ? ('succeeded' as const) : ('partial' as const),
          files: withSizes(left, planned.files),
          safety,
          warnings: [...laid.warnings, ...said, ...after.warnings],
        };
      }).catch(async (error: unknown) => {
        throw await orRemoved({ ...inside, ...from }, error);
      });
      const seconds = (clock.monotonic() - started) / 1000;
      return { state: result.state, result: { run: run.id, id: from.id, ...result, seconds } };
    },
  );
}

function withSizes(swapped: readonly SwappedTree[], planned: readonly StagedTree[]): FilesResult['files'] {
  return swapped.map((tree) => {
    const { files, bytes } = planned.find(({ name }) => name === tree.name) ?? { files: 0, bytes: 0 };
    return { ...tree, files, bytes };
  });
}
