import { rmdir } from 'node:fs/promises';
import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import type { AppContext, AppTask, KeptTree, Saved, StagedTrees, WantedTrees } from '../../app.ts';
import { findLeftovers } from './leftovers.ts';
import { changedWhileLive, onlyHere, timeThere } from './left-out.ts';
import { openTree, rawBytesOf } from '../open-tree.ts';
import type { TreeSettings } from '../options.ts';
import { removeTree } from './remove-tree.ts';
import { stageTree, type LaidTree } from './stage-tree.ts';
import { swapBack, swapTrees, type Swap } from './swap.ts';
import { treesIn } from '../tree-facts.ts';
import { problemsOf, wantedTrees, type WantedTree } from './wanted.ts';

interface Staging {
  saved: Saved;
  wanted: WantedTrees;
  context: AppContext;
  task: AppTask;
}

interface Laid extends LaidTree {
  settings: TreeSettings | undefined;
}

/** Lays the wanted trees down, all or none, and compares each with what was saved. */
export async function stageTrees(configured: readonly TreeSettings[], staging: Staging): Promise<StagedTrees> {
  const { saved, wanted, context, task } = staging;
  const trees = wantedTrees(configured, treesIn(saved.facts), wanted);
  const [problem] = await problemsOf(trees, wanted);
  if (problem) throw problem;
  const laid: Laid[] = [];
  const warnings: string[] = [];
  try {
    for (const tree of trees) {
      warnings.push(
        ...(await findLeftovers(tree.target)).map(
          (path) => `${tree.facts.name}: ${path} was left by an earlier restore`,
        ),
      );
      laid.push({ ...(await stageOne(tree, saved, task)), settings: tree.settings });
      if (tree.settings && tree.settings.exclude.length > 0 && laid.at(-1)?.replaces) {
        warnings.push(
          `${tree.facts.name}: what exclude leaves out is not in the backup; after the restore it is only in the folder that is kept`,
        );
      }
    }
  } catch (error) {
    await removeAll(laid);
    throw error;
  }
  warnings.push(...laid.flatMap((tree) => tree.warnings));
  return new Staged(laid, warnings, context);
}

class Staged implements StagedTrees {
  readonly trees;
  readonly warnings: string[];
  readonly #laid: readonly Laid[];
  readonly #context: AppContext;
  #swap: Swap | null = null;
  /** When the safety backup was begun, by the clock of each tree's file system. */
  readonly #since = new Map<string, bigint>();
  /** Laid down, live for a moment, and changed by somebody then. */
  #kept: ReadonlySet<string> = new Set();

  constructor(laid: readonly Laid[], warnings: string[], context: AppContext) {
    this.#laid = laid;
    this.#context = context;
    this.warnings = warnings;
    this.trees = laid.map(({ name, target, replaces, expected: { files, bytes } }) => ({
      name,
      target,
      replaces,
      files,
      bytes,
    }));
  }

  async watch(): Promise<void> {
    for (const { name, staged } of this.#laid) this.#since.set(name, await timeThere(staged));
  }

  async swap(signal: AbortSignal) {
    throwIfAborted(signal);
    this.#swap = await swapTrees(this.#laid, this.#context.clock.now());
    return this.#swap.trees;
  }

  async back(): Promise<KeptTree[]> {
    if (!this.#swap) return [];
    await swapBack(this.#swap);
    this.#swap = null;
    const kept = (await Promise.all(this.#laid.map(changedWhileLive))).filter((each) => each !== null);
    this.#kept = new Set(kept.map(({ path }) => path));
    return kept;
  }

  async forget(signal: AbortSignal): Promise<KeptTree[]> {
    const kept: KeptTree[] = [];
    for (const { name, previous } of this.#swap?.trees ?? []) {
      if (previous === null) continue;
      const { settings, how } = this.#laid.find((tree) => tree.name === name) ?? {};
      const since = this.#since.get(name) ?? null;
      const why = await onlyHere({ path: previous, settings, since, moved: how === 'inside' }, signal);
      if (why !== null) kept.push({ path: previous, why });
      else {
        await removeTree(previous).catch((error: unknown) => {
          const { code, message } = toHoldfastError(error);
          // What is mounted in it was looked for first.
          const whole = code === 'FOLDER_HOLDS_MOUNT';
          kept.push({ path: previous, why: message, ...(whole ? {} : { inPart: true }) });
        });
      }
    }
    return kept;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#swap === null) return removeAll(this.#laid.filter(({ staged }) => !this.#kept.has(staged)));
    // The folder whose entries became live; the others were renamed.
    for (const { how, staged } of this.#laid) if (how === 'inside') await rmdir(staged).catch(() => undefined);
  }
}

async function stageOne({ facts, target }: WantedTree, saved: Saved, { signal, report }: AppTask): Promise<LaidTree> {
  const total = rawBytesOf(saved, facts);
  const tell = (bytes: number) => report({ kind: 'progress', step: 'restore', part: facts.name, bytes, total });
  const content = await openTree(saved, facts, signal);
  const tree = await stageTree({ name: facts.name, target, expected: facts, content }, { signal, tell });
  if (tree.differences.length === 0) return tree;
  await removeTree(tree.staged);
  throw new HoldfastError(
    'TREE_DIFFERS',
    `${facts.name} was restored and is not what was saved: ${tree.differences.join('; ')}`,
    {
      kind: 'integrity',
      hint: 'Nothing live was changed. Use another copy or another backup.',
      details: { differences: tree.differences },
    },
  );
}

async function removeAll(laid: readonly LaidTree[]): Promise<void> {
  const left: string[] = [];
  for (const { staged } of laid) await removeTree(staged).catch(() => left.push(staged));
  if (left.length === 0) return;
  throw new HoldfastError('LEFTOVER_FOLDER', `what was laid down could not be removed: ${left.join(', ')}`, {
    hint: 'Nothing live was changed. Remove it by hand.',
  });
}
