/** Where a setting stands in the configuration: `['sources', 'shop', 'dump', 'format']`. */
export type Path = readonly (string | number)[];

/** `sources.shop.drill.checks[0]`; keys that are not plain words are quoted, since names of sources may contain dots. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

export function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, part) =>
      isBranch(at) && Object.hasOwn(at, part) ? (at as Record<string | number, unknown>)[part] : undefined,
    tree,
  );
}

/** The same tree with one value replaced; what lies on the way is created. */
export function withValue(tree: unknown, path: Path, value: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  const list = Array.isArray(tree) ? (tree as unknown[]) : !isBranch(tree) && typeof first === 'number' ? [] : null;
  const copy = list ? [...list] : { ...(isBranch(tree) ? tree : {}) };
  // Not an assignment: a key named `__proto__` must stay a key.
  Object.defineProperty(copy, first, {
    value: withValue((copy as Record<string | number, unknown>)[first], rest, value),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return copy;
}

/** Every value that is not a map or a list (or is an empty one), with its path, in the order it is written. */
export function* leavesOf(tree: unknown, path: Path = []): Generator<[Path, unknown]> {
  const inside = isBranch(tree) ? entriesOf(tree) : [];
  if (inside.length === 0) {
    if (tree !== undefined) yield [path, tree];
    return;
  }
  for (const [key, value] of inside) yield* leavesOf(value, [...path, key]);
}

/** The same tree with every value replaced; one that becomes undefined is left out. */
export function mapLeaves(tree: unknown, replace: (path: Path, value: unknown) => unknown, path: Path = []): unknown {
  if (!isBranch(tree)) return replace(path, tree);
  const mapped = entriesOf(tree)
    .map(([key, value]) => [key, mapLeaves(value, replace, [...path, key])] as const)
    .filter(([, value]) => value !== undefined);
  return Array.isArray(tree) ? mapped.map(([, value]) => value) : Object.fromEntries(mapped);
}

export function entriesOf(branch: object): [string | number, unknown][] {
  return Array.isArray(branch) ? [...branch.entries()] : Object.entries(branch);
}

/** A map or a list of the configuration, as opposed to a value (secrets and the like are values). */
export function isBranch(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
