import { allowedKeysOf } from '../allowed-keys.ts';
import { isBranch, withValue, type Path } from '../path.ts';
import { configJsonSchema } from '../schema.ts';

export interface Supported {
  tree: unknown;
  /** What this version has no setting for, by path: the outermost key only. */
  dropped: Path[];
}

/**
 * Leaves out of a preset's settings what this version does not know: a system's environment must not keep the rest from being saved.
 * Whoever calls it has to say so to people.
 */
export function withSupported(tree: unknown): Supported {
  const allowed = allowedKeysOf(configJsonSchema(), tree);
  const dropped: Path[] = [];
  const keep = (value: unknown, path: Path): unknown => {
    if (!isBranch(value) || Array.isArray(value)) return value;
    const keys = allowed(path);
    return Object.entries(value).reduce<unknown>((kept, [key, inner]) => {
      const at = [...path, key];
      if (keys === null || keys.includes(key)) return withValue(kept, [key], keep(inner, at));
      dropped.push(at);
      return kept;
    }, {});
  };
  return { tree: keep(tree, []), dropped };
}

/** In plain words. */
export function describeDropped(path: Path): string {
  return `this version has no ${path.slice(path[0] === 'sources' ? 2 : 0).join('.')}, and does nothing about it`;
}
