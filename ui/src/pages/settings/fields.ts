/** Where a setting stands in the configuration, as the server names it. */
export type Path = readonly (string | number)[];

/** What a form holds of a setting until it is saved; empty text is none. */
export type Draft = string | boolean | readonly string[];

export interface Field {
  path: Path;
  kind: 'text' | 'number' | 'switch' | 'list';
}

/** As in the messages of the server: `sources.shop.retention.last`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

export function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, part) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, part)
        ? (at as Record<string | number, unknown>)[part]
        : undefined,
    tree,
  );
}

/** Text and numbers as text; empty where it is neither. */
export function textAt(tree: unknown, path: Path): string {
  const value = valueAt(tree, path);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export function draftOf({ kind, path }: Field, settings: unknown): Draft {
  const value = valueAt(settings, path);
  if (kind === 'switch') return value === true;
  if (kind === 'list') return Array.isArray(value) ? value.map(String) : [];
  return textAt(settings, path);
}

export type Drafts = Readonly<Record<string, Draft>>;

export function draftsOf(fields: readonly Field[], settings: unknown): Drafts {
  return Object.fromEntries(fields.map((field) => [pathText(field.path), draftOf(field, settings)]));
}

export interface Change {
  path: (string | number)[];
  value: unknown;
}

/** Only what is different, so that defaults are not written down as if somebody had wanted them. */
export function changesIn(fields: readonly Field[], drafts: Drafts, settings: unknown): Change[] {
  return fields.flatMap((field) => {
    const draft = drafts[pathText(field.path)] ?? '';
    if (isSame(draft, draftOf(field, settings))) return [];
    return [{ path: [...field.path], value: written(field, draft) }];
  });
}

function isSame(a: Draft, b: Draft): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function written({ kind }: Field, draft: Draft): unknown {
  if (typeof draft !== 'string') return draft;
  const text = draft.trim();
  if (text === '') return null;
  // What is no number is sent as it is: the server says what is allowed.
  return kind === 'number' && /^\d+$/.test(text) ? Number(text) : text;
}

/** The messages that belong to a field, or to something inside of it, each as `said` tells it. */
export function errorAt(
  path: Path,
  errors: readonly { path: string; message: string }[],
  said: (message: string) => string = (message) => message,
): string | null {
  const text = pathText(path);
  const own = errors.filter(
    (each) => each.path === text || each.path.startsWith(`${text}.`) || each.path.startsWith(`${text}[`),
  );
  return own.length === 0 ? null : own.map(({ message }) => said(message)).join('; ');
}

/** Where a value comes from; of a list, from where its first entry does. */
export function originOf(path: Path, origins: Readonly<Record<string, string>>): string | null {
  const text = pathText(path);
  const inside = Object.keys(origins).find((each) => each.startsWith(`${text}[`) || each.startsWith(`${text}.`));
  return origins[text] ?? (inside === undefined ? null : (origins[inside] ?? null));
}
