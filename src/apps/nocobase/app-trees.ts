import { isWithin, type Places } from './places.ts';
import type { AppStorage } from './storages.ts';

/** A folder of the application, by a name that holds wherever the application lies. */
export interface AppTree {
  /** Of the artifact: `uploads`, `plugins`, `storage-scans`. */
  name: string;
  /** `plugins`, or the root of a local storage as its record says it; null: the usual one. */
  of: { plugins: true } | { documentRoot: string | null };
}

export interface PlacedTree extends AppTree {
  path: string;
}

/**
 * Every folder that must come along, each file in one of them only. Named after the storages, because a path of one machine means
 * nothing on another. Pure.
 */
export function treesOf(storages: readonly AppStorage[], places: Places): { trees: PlacedTree[]; warnings: string[] } {
  const warnings: string[] = [];
  const names = new Set<string>();
  const wanted: PlacedTree[] = [
    { name: 'uploads', of: { documentRoot: null }, path: places.rootOf(null) },
    { name: 'plugins', of: { plugins: true }, path: places.plugins },
  ];
  for (const { name, local, documentRoot } of storages) {
    if (!local || documentRoot === null) continue;
    const path = places.rootOf(documentRoot);
    if (isWithin(path, places.storage) || isWithin(path, places.app)) {
      warnings.push(
        `the storage ${name} keeps its files directly in ${path}, among logs, keys and programs: only those below uploads are saved; give it a folder of its own`,
      );
      continue;
    }
    wanted.push({ name: `storage-${slug(name)}`, of: { documentRoot }, path });
  }
  const trees: PlacedTree[] = [];
  // Outer folders first: what lies in one of them is saved with it.
  for (const tree of wanted.toSorted((left, right) => left.path.length - right.path.length)) {
    if (trees.some(({ path }) => isWithin(path, tree.path))) continue;
    let name = tree.name;
    for (let number = 2; names.has(name); number += 1) name = `${tree.name}-${number}`;
    names.add(name);
    trees.push({ ...tree, name });
  }
  return { trees, warnings };
}

/** Where a tree goes in the application it is restored to. */
export function placeOf(tree: AppTree, places: Places): string {
  return 'plugins' in tree.of ? places.plugins : places.rootOf(tree.of.documentRoot);
}

function slug(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40);
  return plain === '' ? 'local' : plain;
}
