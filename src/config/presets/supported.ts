import { allowedKeysOf } from '../allowed-keys.ts';
import { isBranch, valueAt, withValue, type Path } from '../path.ts';
import { configJsonSchema } from '../schema.ts';

export interface Supported {
  tree: unknown;
  /** What this version has no setting for, by path: the outermost key only. */
  dropped: Path[];
}

/** Leaves out of a preset's settings what this version does not know. Whoever calls it has to say so to people. */
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

/** What is missing of a backup because of it, in plain words. */
export function describeDropped(tree: unknown, path: Path): string {
  const part = path[0] === 'sources' && path.length === 3 ? path[2] : null;
  if (part === 'files') {
    const list = valueAt(tree, path);
    const folders = Array.isArray(list) ? list.map((each: unknown) => String(valueAt(each, ['path']))) : [];
    return `files are not saved by this version: ${folders.join(', ')} is not protected`;
  }
  if (part === 'app' && valueAt(tree, [...path, 'kind']) === 'nocodb')
    return 'the export by the API of NocoDB is not made by this version: bases, records and attachments are saved only as far as they are in the database';
  if (part === 'app')
    return 'what NocoBase keeps beside its database is not saved by this version: keep its keys (APP_KEY, the AES key) and its storage folder elsewhere';
  return `this version has no ${path.slice(path[0] === 'sources' ? 2 : 0).join('.')}, and does nothing about it`;
}
