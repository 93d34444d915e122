import { HoldfastError } from '../../../base/errors.ts';
import type { LoadOptions, TableName } from '../../engine.ts';
import { displayTable } from '../connect/names.ts';
import { subjectOf, type TocEntry } from './toc.ts';

export type Scope = NonNullable<LoadOptions['scope']>;

export interface Selection {
  entries: TocEntry[];
  warnings: string[];
}

/**
 * The entries of the wanted tables and schemas and all they need, for a database where nothing of it exists yet. What would need a
 * table outside the selection (a foreign key, a view) is left out, and said.
 */
export function selectForNew(all: readonly TocEntry[], scope: Scope): Selection {
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const wanted = new Set<TocEntry>(entriesInScope(all, scope));
  const leftOut = new Set<TocEntry>();
  for (const entry of wanted) {
    for (const need of entry.needs.map((id) => byId.get(id))) {
      if (!need || wanted.has(need) || canBeWithout(all, entry, need)) continue;
      // A table needs another one only when it inherits from it: the definition is enough.
      if (isTable(need.kind) && entry.kind !== 'TABLE') leftOut.add(entry);
      else if (isTable(need.kind) || isFoundation(need.kind)) wanted.add(need);
      // A table that comes for its definition alone has no keys. The index of a partition is made without that of its table.
      else if (isIndex(need.kind) && !isIndex(entry.kind)) leftOut.add(entry);
    }
  }
  removeDependents(wanted, leftOut, byId);
  return {
    entries: all.filter((entry) => wanted.has(entry) && !leftOut.has(entry)),
    warnings: [...leftOut]
      .filter((entry) => !isBody(entry))
      .map((entry) => `left out because it needs a table that was not asked for: ${entry.kind} ${describe(entry)}`),
  };
}

/** Every entry that belongs to the scope itself: what `--table` and `--schema` name, and what cannot live without it. */
export function entriesInScope(all: readonly TocEntry[], scope: Scope): TocEntry[] {
  const owners = ownersOf(all);
  const tables = new Set(scope.tables.flatMap((table) => tableWithPartitions(all, table)));
  const schemas = new Set(scope.schemas);
  for (const schema of schemas) {
    const known = all.some((entry) => schemaOf(entry) === schema || entry.schema === schema);
    if (!known) throw notInDump(`no schema ${schema}`);
  }
  // A partition belongs to its table, wherever it lies.
  const parents = parentsOfPartitions(all);
  const isWithin = (table: TocEntry) => {
    for (let at: TocEntry | undefined = table; at; at = parents.get(at)) {
      if (at.schema !== null && schemas.has(at.schema)) return true;
    }
    return false;
  };
  return all.filter((entry) => {
    const owner = owners.get(entry);
    if (owner !== undefined && (tables.has(owner) || isWithin(owner))) return true;
    const schema = entry.schema ?? schemaOf(entry);
    return schema !== null && schemas.has(schema);
  });
}

/** For every entry that is a part of a table (its data, an index, a comment ...), the table; the table itself included. */
export function ownersOf(all: readonly TocEntry[]): Map<TocEntry, TocEntry> {
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const owners = new Map<TocEntry, TocEntry>();
  // pg_dump sorts by need, but comments and sequences may stand before what they belong to is known: until nothing changes.
  for (let before = -1; before !== owners.size;) {
    before = owners.size;
    for (const entry of all) {
      if (owners.has(entry)) continue;
      const owner = ownerOf(entry, byId, owners);
      if (owner) owners.set(entry, owner);
    }
  }
  return owners;
}

/** A partitioned table without its partitions has no rows. */
export function tableWithPartitions(all: readonly TocEntry[], table: TableName): TocEntry[] {
  const root = all.find(
    (entry) => entry.kind === 'TABLE' && entry.name === table.name && entry.schema === table.schema,
  );
  if (!root) throw notInDump(`no table ${displayTable(table)}`);
  const children = Map.groupBy(parentsOfPartitions(all), ([, parent]) => parent);
  const found = new Set([root]);
  for (const parent of found) for (const [child] of children.get(parent) ?? []) found.add(child);
  return [...found];
}

/** Every partition with the table that it is attached to, which may be a partition itself. */
export function parentsOfPartitions(all: readonly TocEntry[]): Map<TocEntry, TocEntry> {
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const parents = new Map<TocEntry, TocEntry>();
  for (const attach of all) {
    if (attach.kind !== 'TABLE ATTACH') continue;
    const tables = attach.needs.flatMap((id) => byId.get(id) ?? []).filter((need) => isTable(need.kind));
    const child = tables.find((each) => each.name === attach.name && each.schema === attach.schema);
    const parent = tables.find((each) => each !== child);
    if (child && parent) parents.set(child, parent);
  }
  return parents;
}

/** Rows of extensions' own tables, which the dump does not make. */
export function extensionData(all: readonly TocEntry[]): { schema: string | null; name: string }[] {
  const tables = new Set(all.filter((entry) => entry.kind === 'TABLE').map((entry) => entry.id));
  return all
    .filter((entry) => entry.kind === 'TABLE DATA' && !entry.needs.some((id) => tables.has(id)))
    .map(({ schema, name }) => ({ schema, name }));
}

export function isTable(kind: string): boolean {
  return kind === 'TABLE' || kind === 'FOREIGN TABLE' || kind === 'MATERIALIZED VIEW' || kind === 'VIEW';
}

/** Parts whose name begins with the table's: several tables may be among their needs, the name tells which one is theirs. */
const namedAfterTable = new Set([
  'CONSTRAINT',
  'CHECK CONSTRAINT',
  'FK CONSTRAINT',
  'DEFAULT',
  'TRIGGER',
  'POLICY',
  'RULE',
]);
/** Parts that need nothing of their kind but their own table (or a part of it). */
const ofOneTable = new Set([
  'TABLE DATA',
  'MATERIALIZED VIEW DATA',
  'STATISTICS DATA',
  'INDEX',
  'STATISTICS',
  'ROW SECURITY',
  'SEQUENCE',
  'SEQUENCE OWNED BY',
  'SEQUENCE SET',
  'COMMENT',
  'ACL',
  'SECURITY LABEL',
  'PUBLICATION TABLE',
]);

function ownerOf(
  entry: TocEntry,
  byId: ReadonlyMap<number, TocEntry>,
  owners: ReadonlyMap<TocEntry, TocEntry>,
): TocEntry | undefined {
  if (isTable(entry.kind)) return entry;
  const needs = entry.needs.flatMap((id) => byId.get(id) ?? []);
  if (entry.kind === 'TABLE ATTACH') {
    return needs.find((need) => need.name === entry.name && need.schema === entry.schema && isTable(need.kind));
  }
  if (entry.kind === 'INDEX ATTACH') {
    const index = needs.find((need) => need.schema === entry.schema && lastWordIs(need, entry.name));
    return index && owners.get(index);
  }
  if (namedAfterTable.has(entry.kind)) {
    const named = needs.filter(
      (need) => isTable(need.kind) && need.schema === entry.schema && entry.name.startsWith(`${need.name} `),
    );
    return named.toSorted((a, b) => b.name.length - a.name.length)[0];
  }
  if (!ofOneTable.has(entry.kind)) return undefined;
  // The index of a partition needs that of the table it is a part of as well, and what is refreshed other tables.
  const tables = needs.filter(({ kind }) => isTable(kind));
  const direct = tables.find(({ schema, name }) => schema === entry.schema && name === entry.name) ?? tables[0];
  return direct ?? needs.map((need) => owners.get(need)).find((owner) => owner !== undefined);
}

/** `orders_2025_pkey` as the index behind the constraint `orders_2025 orders_2025_pkey`. */
function lastWordIs(entry: TocEntry, name: string): boolean {
  return entry.kind === 'INDEX' ? entry.name === name : entry.kind === 'CONSTRAINT' && entry.name.endsWith(` ${name}`);
}

function schemaOf(entry: TocEntry): string | null {
  return entry.kind === 'SCHEMA' ? entry.name : subjectOf(entry, 'SCHEMA');
}

function isIndex(kind: string): boolean {
  return kind === 'CONSTRAINT' || kind === 'INDEX';
}

/** What is made before tables and can be made without them. */
function isFoundation(kind: string): boolean {
  return (
    !kind.endsWith(' DATA') && !kind.includes('CONSTRAINT') && !kind.startsWith('INDEX') && !kind.startsWith('TABLE')
  );
}

/** A partition is a table of its own, only its ATTACH needs the parent; a serial's sequence exists without the column it belongs to. */
function canBeWithout(all: readonly TocEntry[], entry: TocEntry, need: TocEntry): boolean {
  if (!isTable(need.kind)) return false;
  if (entry.kind === 'SEQUENCE') return entry.definition.includes('CREATE SEQUENCE');
  if (!isTable(entry.kind)) return false;
  return all.some(
    (each) => each.kind === 'TABLE ATTACH' && each.needs.includes(entry.id) && each.needs.includes(need.id),
  );
}

/** What a view says, where pg_dump had to make it empty first. */
function isBody({ kind, name }: TocEntry): boolean {
  return kind === 'RULE' && name.endsWith(' _RETURN');
}

function removeDependents(
  wanted: ReadonlySet<TocEntry>,
  leftOut: Set<TocEntry>,
  byId: ReadonlyMap<number, TocEntry>,
): void {
  for (const removed of leftOut) {
    const views = isBody(removed) ? removed.needs.flatMap((id) => byId.get(id) ?? []) : [];
    for (const view of views) {
      if (view.schema === removed.schema && `${view.name} _RETURN` === removed.name) leftOut.add(view);
    }
    for (const entry of wanted) if (entry.needs.includes(removed.id)) leftOut.add(entry);
  }
}

function describe(entry: TocEntry): string {
  return entry.schema === null ? entry.name : `${entry.schema}.${entry.name}`;
}

function notInDump(what: string): HoldfastError {
  return new HoldfastError('NOT_IN_DUMP', `the dump has ${what}`, {
    kind: 'usage',
    hint: 'See what it holds with `holdfast inspect`; names are case-sensitive.',
  });
}
