import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { formatCount } from '../../base/units.ts';
import type { App, AppContext, AppPart, AppTask, Rehearsal, Saved, Saving } from '../app.ts';
import { refuseHalfSwapped } from './half-swap.ts';
import { checkTrees } from './check.ts';
import { refuseNotMounted, savedMount } from './not-mounted.ts';
import type { TreeSettings } from './options.ts';
import { packSettings, packTree, unreadableError, type PackedTree } from './pack-tree.ts';
import { allProblems, planTrees } from './plan.ts';
import { readTree } from './read-tree.ts';
import { removeTree } from './remove-tree.ts';
import { stageTrees } from './stage.ts';
import { stageTree } from './stage-tree.ts';
import { runJob } from './thread.ts';
import { undoSwap } from './undo.ts';
import { treesIn, type TreeFacts } from './tree-facts.ts';

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
    open: (_around, signal) => openTrees(trees, signal),
    readThrough: (saved, signal) => readThrough(saved, signal),
    rehearse: (saved, task) => rehearse(saved, context, task),
    trees: {
      plan: (saved, wanted, signal) => planTrees(trees, saved, wanted, signal),
      stage: (saved, wanted, task) => stageTrees(trees, { saved, wanted, context, task }),
      undo: (swapped, signal) => undoSwap(swapped, context.clock.now(), signal),
    },
  };
}

export function tarName(tree: string): string {
  return `files/${tree}.tar`;
}

/** Names everything that stands in the way, and does so before the first byte is stored. */
async function openTrees(trees: readonly TreeSettings[], signal: AbortSignal): Promise<Saving> {
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
  return saving(present, warnings);
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

function saving(trees: readonly TreeSettings[], warnings: string[]): Saving {
  const packed: { tree: PackedTree; mount: string | null }[] = [];
  return {
    warnings,
    facts: () => ({ trees: packed.map(({ tree, mount }) => ({ ...tree.facts(), mount })) }),
    parts: async function* parts(signal) {
      for (const tree of trees) {
        throwIfAborted(signal);
        const one = packTree(tree);
        yield partOf(tree, one);
        packed.push({ tree: one, mount: await savedMount(tree.path) });
        warnings.push(...one.warnings());
      }
    },
    [Symbol.asyncDispose]: async () => {
      // A thread ends with its stream, which whoever opened it ends.
    },
  };
}

function partOf({ name }: TreeSettings, tree: PackedTree): AppPart {
  return {
    kind: 'stream',
    role: 'files',
    name: tarName(name),
    format: 'tar',
    compression: { codec: 'zstd', level: null },
    compressedByTool: null,
    open: (signal) => tree.open(signal),
  };
}

async function readThrough(saved: Saved, signal: AbortSignal): Promise<{ detail: string }> {
  const trees = treesIn(saved.facts);
  for (const tree of trees) await readTree(await saved.open(tarName(tree.name), signal), tree, signal);
  return { detail: describe(trees) };
}

/** One tree after the other, so that there need only be room for the largest. */
async function rehearse(saved: Saved, { scratch }: AppContext, { signal, report }: AppTask): Promise<Rehearsal> {
  const trees = treesIn(saved.facts);
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(scratch, 'files-'));
  const differences: string[] = [];
  const warnings: string[] = [];
  try {
    for (const tree of trees) {
      const total = saved.parts.find(({ name }) => name === tarName(tree.name))?.rawBytes ?? null;
      const content = await saved.open(tarName(tree.name), signal);
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
