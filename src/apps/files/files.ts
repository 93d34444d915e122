import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { makeScratchFolder } from '../../base/scratch.ts';
import { formatCount } from '../../base/units.ts';
import type { App, AppContext, AppPart, AppTask, Rehearsal, Saved, Saving, SharedPart } from '../app.ts';
import { refuseHalfSwapped } from './place/half-swap.ts';
import { checkTrees } from './check.ts';
import { cutTree } from './cut-tree.ts';
import { refuseNotMounted, savedMount } from './not-mounted.ts';
import { openTree, partName, rawBytesOf, tarNames } from './open-tree.ts';
import type { TreeSettings } from './options.ts';
import { packSettings, packTree, unreadableError, type PackedTree } from './pack-tree.ts';
import { allProblems, planTrees } from './place/plan.ts';
import { readTree } from './tar/read-tree.ts';
import { removeTree } from './place/remove-tree.ts';
import { stageTrees } from './place/stage.ts';
import { stageTree } from './place/stage-tree.ts';
import { runJob } from './thread/thread.ts';
import { undoSwap } from './place/undo.ts';
import { factsSchema, treesIn, type TreeFacts } from './tree-facts.ts';

/**
 * Folders of an application. What it is made of can be used alone, by whoever else has folders to protect:
 *
 * - `packTree(tree: TreeSettings): PackedTree` (pack-tree.ts): `open(signal): Readable` is the tar; `facts(): TreeFacts` and
 *   `warnings(): string[]` are complete when it has ended.
 * - `readTree(content, expected: TreeFacts | null, signal): Promise<TreeContent>` (read-tree.ts): reads a tar to its end, writes nothing.
 * - `stageTree({ name, target, expected, content }, { signal, tell }): Promise<LaidTree>` (stage-tree.ts): lays it down beside the live
 *   folder and compares; `differences` must be empty before it may become live.
 * - `swapTrees(laid, at): Promise<Swap>`, `swapBack(swap)` (swap.ts); `removeTree(path)` (remove-tree.ts).
 */
export function createFiles(trees: readonly TreeSettings[], context: AppContext): App {
  return {
    kind: 'files',
    title: trees.length === 1 ? `the folder ${trees[0]?.path ?? ''}` : `${trees.length} folders`,
    check: (signal) => checkTrees(trees, context, signal),
    open: ({ shared }, signal) => openTrees(trees, shared ?? null, signal),
    readThrough: (saved, signal) => readThrough(saved, signal),
    rehearse: (saved, task) => rehearse(saved, context, task),
    trees: {
      plan: (saved, wanted, signal) => planTrees(trees, saved, wanted, signal),
      stage: (saved, wanted, task) => stageTrees(trees, { saved, wanted, context, task }),
      undo: (swapped, signal) => undoSwap(swapped, context.clock.now(), signal),
    },
  };
}

/** Names everything that stands in the way, and does so before the first byte is stored. */
async function openTrees(
  trees: readonly TreeSettings[],
  shared: { previous: Record<string, unknown> | null } | null,
  signal: AbortSignal,
): Promise<Saving> {
  const warnings: string[] = [];
  const problems: HoldfastError[] = [];
  const present: TreeSettings[] = [];
  for (const tree of trees) {
    try {
      await refuseNotMounted(tree);
      await refuseHalfSwapped(tree);
      await refuseUnreadable(tree, signal);
      present.push(tree);
    } catch (error) {
      throwIfAborted(signal);
      const problem = toHoldfastError(error);
      if (tree.optional && absent.has(problem.code))
        warnings.push(`${tree.name}: ${problem.message}; it is not in this backup`);
      else problems.push(problem);
    }
  }
  const [first] = problems;
  if (first) throw problems.length === 1 ? first : allProblems(problems);
  return saving(present, warnings, shared && cutsBefore(shared.previous));
}

/** What may be so where a tree is optional. */
const absent: ReadonlySet<string> = new Set(['FILES_MISSING', 'FILES_NOT_MOUNTED']);

/** Whether root may read a file shows when it is read: it nearly always may, and asking for each takes time. */
async function refuseUnreadable(tree: TreeSettings, signal: AbortSignal): Promise<void> {
  const settings = await packSettings(tree);
  if (tree.optional || process.getuid?.() === 0) return;
  const { unreadable } = await runJob({ kind: 'look', settings }, signal);
  if (unreadable.count > 0) throw unreadableError(tree, unreadable);
}

/** How long the parts of each tree were to be the last time; what cannot be read says nothing. */
function cutsBefore(previous: Record<string, unknown> | null): Map<string, number> {
  const known = previous === null ? null : factsSchema.safeParse(previous);
  const trees = known?.success ? known.data.trees : [];
  return new Map(trees.flatMap(({ name, cut }) => (cut === undefined ? [] : [[name, cut]])));
}

/** `cuts`: where what did not change is stored once, how long parts were before; null: each tree is one tar. */
function saving(trees: readonly TreeSettings[], warnings: string[], cuts: ReadonlyMap<string, number> | null): Saving {
  const packed: TreeFacts[] = [];
  return {
    warnings,
    facts: () => ({ trees: packed }),
    parts: async function* parts(signal) {
      for (const tree of trees) {
        throwIfAborted(signal);
        if (cuts) {
          const cut = cutTree(tree, cuts.get(tree.name) ?? null);
          let number = 0;
          for await (const tar of cut.tars(signal)) {
            number += 1;
            yield partOf(partName(tree.name, number), tar);
          }
          const facts = cut.facts();
          warnings.push(...cut.warnings());
          if (facts) {
            packed.push({ ...facts, mount: await savedMount(tree.path) });
            continue;
          }
        }
        const one = packTree(tree);
        const [name = ''] = tarNames({ name: tree.name });
        yield partOf(name, one);
        packed.push({ ...one.facts(), mount: await savedMount(tree.path) });
        warnings.push(...one.warnings());
      }
    },
    [Symbol.asyncDispose]: async () => {
      // A thread ends with its stream, which whoever opened it ends.
    },
  };
}

/** Two thirds of the time of level 3, for what is a twentieth larger at most. */
const treeLevel = 2;

function partOf(name: string, tar: Pick<PackedTree, 'open'> & { shared?: SharedPart }): AppPart {
  return {
    kind: 'stream',
    role: 'files',
    name,
    format: 'tar',
    compression: { codec: 'zstd', level: treeLevel },
    compressedByTool: null,
    ...(tar.shared ? { shared: tar.shared } : {}),
    open: (signal) => tar.open(signal),
  };
}

async function readThrough(saved: Saved, signal: AbortSignal): Promise<{ detail: string }> {
  const trees = treesIn(saved.facts);
  for (const tree of trees) await readTree(await openTree(saved, tree, signal), tree, signal);
  return { detail: describe(trees) };
}

/** One tree after the other, so that there need only be room for the largest. */
async function rehearse(saved: Saved, { scratch }: AppContext, { signal, report }: AppTask): Promise<Rehearsal> {
  const trees = treesIn(saved.facts);
  const folder = await makeScratchFolder(scratch, 'files-');
  const differences: string[] = [];
  const warnings: string[] = [];
  try {
    for (const tree of trees) {
      const total = rawBytesOf(saved, tree);
      const content = await openTree(saved, tree, signal);
      const laid = await stageTree(
        { name: tree.name, target: join(folder, tree.name), expected: tree, content },
        { signal, tell: (bytes) => report({ kind: 'progress', step: 'restore', part: tree.name, bytes, total }) },
      );
      differences.push(...laid.differences.map((line) => `${tree.name}: ${line}`));
      warnings.push(...laid.warnings);
      await removeTree(laid.staged);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const ok = differences.length === 0;
  return {
    ok,
    detail: `${describe(trees)} ${ok ? 'equal' : 'restored, not all equal'}`,
    differences: differences.slice(0, 100),
    warnings,
  };
}

function describe(trees: readonly TreeFacts[]): string {
  const files = trees.reduce((sum, tree) => sum + tree.files, 0);
  return `${formatCount(trees.length, 'tree')}, ${formatCount(files, 'file')}`;
}
