/** What a manifest says a backup holds. Read with care: what an application said of itself is its own, and a newer program may say more. */
export interface Saved {
  /** Null: the backup holds no database. */
  database: { name: string; engine: string } | null;
  trees: SavedTree[];
  app: SavedApp | null;
}

export interface SavedTree {
  name: string;
  path: string | null;
  files: number | null;
  bytes: number | null;
}

export interface SavedApp {
  kind: string;
  version: string | null;
  address: string | null;
  /** Saved through its API, to be restored one by one. */
  bases: SavedBase[];
}

interface SavedBase {
  title: string;
  tables: { title: string; records: number | null; attachments: number }[];
}

export function savedIn(manifest: unknown): Saved {
  const { database, files, app } = objectOf(manifest);
  const said = objectOf(app);
  const kind = textOf(said['kind']);
  const name = textOf(objectOf(database)['name']);
  return {
    database: name === null ? null : { name, engine: textOf(objectOf(database)['engine']) ?? '' },
    trees: [...treesIn(files), ...treesIn(said['files'])],
    app:
      kind === null
        ? null
        : { kind, version: textOf(said['version']), address: textOf(said['url']), bases: basesIn(said) },
  };
}

function treesIn(facts: unknown): SavedTree[] {
  return listOf(objectOf(facts)['trees']).flatMap((tree) => {
    const name = textOf(tree['name']);
    if (name === null) return [];
    return { name, path: textOf(tree['path']), files: numberOf(tree['files']), bytes: numberOf(tree['bytes']) };
  });
}

function basesIn(facts: Record<string, unknown>): SavedBase[] {
  return listOf(facts['bases']).map((base) => ({
    title: textOf(base['title']) ?? '',
    tables: listOf(base['tables']).map((table) => ({
      title: textOf(table['title']) ?? '',
      records: numberOf(table['records']),
      attachments: numberOf(objectOf(table['attachments'])['files']) ?? 0,
    })),
  }));
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
