import { readdir, realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { HoldfastError, systemErrno } from '../../../base/errors.ts';
import type { WantedTrees } from '../../app.ts';
import type { TreeSettings } from '../options.ts';
import type { TreeFacts } from '../tree-facts.ts';

export interface WantedTree {
  facts: TreeFacts;
  target: string;
  /** Undefined: it is not configured any more. */
  settings: TreeSettings | undefined;
}

/** Those of a backup that are asked for, and where each is to live. */
export function wantedTrees(
  configured: readonly TreeSettings[],
  saved: readonly TreeFacts[],
  { only, to }: WantedTrees,
): WantedTree[] {
  const unknown = only?.filter((name) => !saved.some((tree) => tree.name === name)) ?? [];
  if (unknown.length > 0) {
    throw new HoldfastError('TREE_UNKNOWN', `the backup holds no tree called ${unknown.join(', ')}`, {
      kind: 'usage',
      hint: saved.length === 0 ? 'It holds no trees at all.' : `It holds: ${saved.map(({ name }) => name).join(', ')}.`,
    });
  }
  return saved
    .filter(({ name }) => only === null || only.includes(name))
    .map((facts) => {
      const settings = configured.find(({ name }) => name === facts.name);
      if (to !== null) return { facts, settings, target: join(resolve(to), facts.name) };
      if (settings) return { facts, settings, target: resolve(settings.path) };
      throw new HoldfastError('TREE_NOT_CONFIGURED', `no folder is configured for the tree ${facts.name}`, {
        kind: 'usage',
        hint: `It was saved from ${facts.path}. Configure it under files, or restore it into another folder.`,
      });
    });
}

/** Everything that stands in the way, before anything is laid down. */
export async function problemsOf(trees: readonly WantedTree[], { to }: WantedTrees): Promise<HoldfastError[]> {
  if (to !== null) return notEmpty(to);
  const places = await Promise.all(trees.map(({ target }) => realpath(target).catch(() => target)));
  const problems: HoldfastError[] = [];
  for (const [at, tree] of trees.entries()) {
    const target = places[at] ?? tree.target;
    const nested = trees.find((_, other) => other !== at && lies(places[other] ?? '', target));
    if (nested) problems.push(nestedError(tree, nested));
    for (const own of tree.settings?.keepOut ?? []) {
      if (lies(await realpath(own).catch(() => own), target)) problems.push(holdsStorage(target, own));
    }
  }
  return problems;
}

async function notEmpty(to: string): Promise<HoldfastError[]> {
  const names = await readdir(to).catch((error: unknown) => {
    if (systemErrno(error) === 'ENOENT') return [];
    throw error;
  });
  if (names.length === 0) return [];
  return [
    new HoldfastError('FOLDER_NOT_EMPTY', `${to} is not empty and is not written into`, {
      kind: 'refused',
      hint: 'Name an empty folder, or one that does not exist.',
    }),
  ];
}

/** The outer one would take the inner one along. */
function nestedError({ facts: outer }: WantedTree, { facts: inner }: WantedTree): HoldfastError {
  return new HoldfastError(
    'TREES_NESTED',
    `${inner.name} lies in ${outer.name}, and both cannot change places at once`,
    {
      kind: 'refused',
      hint: `Restore ${outer.name} alone first, then ${inner.name}.`,
    },
  );
}

function holdsStorage(target: string, own: string): HoldfastError {
  return new HoldfastError('FILES_HOLD_STORAGE', `${target} holds ${own}, which would be moved away with it`, {
    kind: 'refused',
    hint: 'Restore into another folder and copy what you need, or move the storage elsewhere.',
  });
}

function lies(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
