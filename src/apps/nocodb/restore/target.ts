import { throwIfAborted } from '../../../base/abort.ts';
import type { Client } from '../client.ts';
import type { Column } from '../tree-format.ts';
import { foreignKeysOf, isLink, kindOf, option } from './column-kinds.ts';
import { selectOptions } from './column-bodies.ts';
import type { Ids } from './ids.ts';
import { liveBases, liveTable, liveTables, type LiveBase, type LiveTable } from './live.ts';
import type { SavedBase, SavedTable } from './saved-tree.ts';
import type { Scope } from './scope.ts';

/** The base that is restored to, as far as it is there, and what in it stands for what in the backup. */
export interface Target {
  /** Null: it does not exist yet. */
  base: LiveBase | null;
  /** Nothing in it is anybody's own: it is made by this restore, or was by one that was interrupted. */
  fresh: boolean;
  /** By the id of the table in the backup; those that exist. */
  tables: Map<string, LiveTable>;
  ids: Ids;
}

/**
 * In the settings of a table that is not complete yet. A restore that was interrupted goes on with it; without it, a table that exists is
 * somebody's own.
 */
export const unfinished = 'holdfastRestoring';

export function isUnfinished({ meta }: { meta: Record<string, unknown> }): boolean {
  return meta[unfinished] !== undefined;
}

/** What the tables of a base lie in may differ: it can have other sources. */
export function isPostgres({ base }: Target, live: LiveTable): boolean {
  const source = base?.sources.find(({ id }) => id === live['source_id']) ?? base?.sources[0];
  return source?.type === 'pg';
}

/**
 * Finds the base of each scope, by id (the same NocoDB, or one restored from a dump) or else by title, and its tables and fields likewise.
 * What is known by its id to be another one of the backup has only got the title since, and is not meant.
 */
export async function targetsOf(scopes: readonly Scope[], client: Client, signal: AbortSignal): Promise<Target[]> {
  const live = await liveBases(client, signal);
  const taken = new Set<string>();
  const targets: Target[] = [];
  for (const scope of scopes) {
    const { id } = scope.base.file.base;
    const found =
      (scope.renamed ? undefined : live.find((base) => base.id === id && !taken.has(base.id))) ??
      live.find(
        (base) => base.title === scope.title && !taken.has(base.id) && (scope.renamed || !scope.others.has(base.id)),
      ) ??
      null;
    if (found !== null) taken.add(found.id);
    targets.push(await targetIn(found, scope.base, client, signal));
  }
  return targets;
}

/** How many bases are called so; more than one cannot be told apart. */
export async function basesCalled(title: string, client: Client, signal: AbortSignal): Promise<number> {
  return (await liveBases(client, signal)).filter((base) => base.title === title).length;
}

async function targetIn(base: LiveBase | null, saved: SavedBase, client: Client, signal: AbortSignal): Promise<Target> {
  const target: Target = { base, fresh: true, tables: new Map(), ids: new Map() };
  if (base === null) return target;
  target.ids.set(saved.file.base.id, base.id);
  const names = await liveTables(client, base.id, signal);
  target.fresh = names.every(isUnfinished);
  for (const { schema } of saved.tables.values()) {
    const found =
      names.find(({ id }) => id === schema.table.id) ??
      names.find(({ id, title }) => title === schema.table.title && !saved.tables.has(id));
    if (found === undefined) continue;
    throwIfAborted(signal);
    const live = await liveTable(client, found.id, signal);
    target.tables.set(schema.table.id, live);
    target.ids.set(schema.table.id, live.id);
  }
  const foreignKeys = savedForeignKeys(saved);
  for (const table of saved.tables.values()) learn(table, target, foreignKeys);
  return target;
}

/** Ids of all columns of a base that hold the other end of a link. */
export function savedForeignKeys({ tables }: SavedBase): Set<string> {
  return foreignKeysOf([...tables.values()].map(({ schema }) => schema));
}

/** Notes in `ids` what the columns, options and views of a table are called where it is restored to. */
export function learn({ schema }: SavedTable, { tables, ids }: Target, foreignKeys: ReadonlySet<string>): void {
  const live = tables.get(schema.table.id);
  if (live === undefined) return;
  const known = new Set(schema.columns.map(({ id }) => id));
  for (const column of schema.columns) {
    const kind = kindOf(column, foreignKeys);
    const found =
      kind === 'own'
        ? live.columns.find((each) => isSameOwn(column, each))
        : kind === 'foreign-key'
          ? undefined
          : (live.columns.find(({ id, uidt }) => id === column.id && uidt === column.uidt) ??
            live.columns.find(
              ({ id, title, uidt }) => title === column.title && uidt === column.uidt && !known.has(id),
            ));
    if (found !== undefined && fits(column, found, ids)) learnColumn(column, found, ids);
  }
}

/** A link of the same name to another table, or of another sort, is another link. */
function fits(column: Column, live: Column, ids: Ids): boolean {
  if (!isLink(column)) return true;
  const related = option(column, 'fk_related_model_id') ?? '';
  const to = ids.get(related);
  return (
    (to === undefined || option(live, 'fk_related_model_id') === to) && option(column, 'type') === option(live, 'type')
  );
}

/** What NocoDB adds by itself is told by what it is, since people may have renamed it. */
function isSameOwn(column: Column, live: Column): boolean {
  if (column.uidt !== live.uidt) return false;
  return column.uidt === 'ID' ? live.pk === column.pk : live.system === column.system;
}

export function learnColumn(column: Column, live: Column, ids: Ids): void {
  ids.set(column.id, live.id);
  const options = selectOptions(live);
  for (const { id, title } of selectOptions(column)) {
    const now = options.find((each) => each.title === title)?.id;
    if (id !== null && now !== undefined && now !== null) ids.set(id, now);
  }
  if (!isLink(column)) return;
  const names =
    option(column, 'fk_mm_model_id') === null
      ? ['fk_child_column_id', 'fk_parent_column_id']
      : ['fk_mm_model_id', 'fk_mm_child_column_id', 'fk_mm_parent_column_id'];
  for (const name of names) {
    const old = option(column, name);
    const now = option(live, name);
    if (old !== null && now !== null) ids.set(old, now);
  }
}
