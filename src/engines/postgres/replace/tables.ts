import { HoldfastError } from '../../../base/errors.ts';
import type { TableName } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { displayName, displayTable, quoteTable, readIdent } from '../connect/names.ts';
import type { Replacement } from './replacement.ts';
import { planConstraints } from './constraints.ts';
import { refuseTakenNames } from './names.ts';
import { planSequences } from './sequences.ts';
import { planTriggers } from './triggers.ts';
import { refuseOtherTypes } from './types.ts';
import { ownersOf, parentsOfPartitions, tableWithPartitions } from '../read/select-entries.ts';
import { feedsThatGoOn } from '../look/subscriptions.ts';
import { columnTypes, holds } from '../read/table-columns.ts';
import { subjectOf, type TocEntry } from '../read/toc.ts';

/**
 * Tables that exist keep their definition and get the dump's rows; those that do not are made with all that belongs to them. What
 * would be in the way of the rows is switched or taken off meanwhile, and put back as it was.
 */
export async function planTables(
  session: Connection,
  all: readonly TocEntry[],
  wanted: readonly TableName[],
  { schemas, made }: Anew,
): Promise<Replacement> {
  const together = [...new Set(wanted.flatMap((table) => tableWithPartitions(all, table)))];
  // Partitions in a schema that is made anew come back with it.
  const tables = together.filter(({ schema }) => !schemas.includes(schema ?? ''));
  const found = await liveTables(session, tables.map(nameOf));
  const live = new Map(tables.map((table) => [table, found.find((each) => isSame(each, table))]));
  const existing = [...live].flatMap(([entry, facts]) => (facts ? [{ entry, facts }] : []));
  for (const each of existing) refuseOther(all, together, each);
  refuseDetached(all, tables, existing);
  const missing = new Set(tables.filter((table) => live.get(table) === undefined));
  await refuseTakenNames(session, all, missing);
  const oids = existing.map(({ facts }) => facts.oid);
  await refuseOtherTypes(session, all, oids);
  const there = new Set(existing.map(({ entry }) => entry));
  const parents = await parentsThatStay(session, all, new Set([...missing, ...made]));
  const constraints = await planConstraints(session, oids, parents, schemas);
  const comeBack = new Set([...missing, ...made.filter(({ kind }) => kind === 'TABLE')]);
  const copies = { made: [...comeBack].map(nameOf), told: triggersOf(all, comeBack) };
  const triggers = await planTriggers(session, oids, copies, schemas);
  const sequences = await planSequences(session, positionsOf(all, there), oids);
  const entries = entriesFor(all, there, missing, await existingNames(session, all));
  const kept = new Set([...entries, ...sequences.entries]);
  const facts = existing.map((each) => each.facts);
  const isThere = (table: TableName) => existing.some(({ entry }) => isSame(table, entry));
  return {
    entries: all.filter((entry) => kept.has(entry)),
    before: [
      ...lockStatements(facts),
      ...constraints.before,
      ...triggers.before,
      ...truncateStatements(facts),
      ...sequences.before,
    ],
    after: [
      // A table with checks still to come cannot be altered.
      'SET CONSTRAINTS ALL IMMEDIATE',
      ...triggers.after,
      ...constraints.after,
      ...sequences.after,
    ],
    warnings: [...constraints.warnings, ...sequences.warnings, ...(await feedsThatGoOn(session, isThere))],
  };
}

/** What is made anew together with its schema. */
interface Anew {
  schemas: readonly string[];
  made: readonly TocEntry[];
}

interface LiveTable extends TableName {
  oid: number;
  kind: string;
  /** What it is a partition of. */
  parent: TableName | null;
  columns: (string | null)[];
  types: string[];
}

function nameOf({ schema, name }: TocEntry): TableName {
  return { schema: schema ?? '', name };
}

function isSame(left: TableName, right: TocEntry): boolean {
  return left.schema === right.schema && left.name === right.name;
}

async function liveTables(session: Connection, names: readonly TableName[]): Promise<LiveTable[]> {
  return session.rows<LiveTable>(
    `select c.oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
       coalesce((select pg_catalog.array_agg(a.attname::text order by a.attnum) from pg_catalog.pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''), '{}') as columns,
       coalesce((select pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) order by a.attnum) from pg_catalog.pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''), '{}') as types,
       (select pg_catalog.jsonb_build_object('schema', pn.nspname, 'name', p.relname) from pg_catalog.pg_inherits i
         join pg_catalog.pg_class p on p.oid = i.inhparent join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
         where i.inhrelid = c.oid and c.relispartition) as parent
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.jsonb_to_recordset($1::jsonb) as t(schema text, name text) on t.schema = n.nspname and t.name = c.relname
     where c.relkind in ('r', 'p', 'v', 'm', 'f')`,
    [JSON.stringify(names)],
  );
}

/** Rows go only into a table with the same columns; anything else would be a guess. */
function refuseOther(
  all: readonly TocEntry[],
  wanted: readonly TocEntry[],
  { entry, facts }: { entry: TocEntry; facts: LiveTable },
): void {
  const title = displayTable(facts);
  if (facts.kind !== 'r' && facts.kind !== 'p') {
    throw new HoldfastError('TABLE_DIFFERS', `${title} is not a table in the database`, { kind: 'refused', hint });
  }
  if (facts.kind === 'p') return;
  const data = all.find((each) => each.kind === 'TABLE DATA' && isSame(facts, each) && each.needs.includes(entry.id));
  if (!data) {
    throw new HoldfastError('NOT_IN_DUMP', `the dump has the table ${title} without its rows`, {
      kind: 'refused',
      hint: 'They were left out when it was made (dump.exclude.tableData).',
    });
  }
  const goal = goalOfCopy(data.copyStatement ?? '');
  const dumped = columnsOfCopy(data.copyStatement ?? '');
  if (goal === null || dumped === null) {
    throw new HoldfastError(
      'DUMP_HAS_INSERTS',
      `the dump has the rows of ${title} as INSERTs, which cannot be checked`,
      {
        kind: 'refused',
        hint: 'Their columns may be others than those of the table now. Restore beside the live database with `--into`, and copy what you need.',
      },
    );
  }
  if (!isSame(goal, entry) && !wanted.some((each) => isSame(goal, each))) {
    throw new HoldfastError('TABLE_DIFFERS', `the rows of ${title} go through ${displayTable(goal)} in the dump`, {
      kind: 'refused',
      hint: `Name ${displayTable(goal)} as well: all of its partitions are restored together.`,
    });
  }
  const lost = dumped.filter((column) => !facts.columns.includes(column));
  const added = facts.columns.filter((column) => column !== null && !dumped.includes(column));
  const others = otherTypes(entry, facts);
  if (lost.length + added.length + others.length === 0) return;
  const parts = [
    ...(lost.length > 0 ? [`without ${lost.join(', ')}`] : []),
    ...(added.length > 0 ? [`with the new ${added.join(', ')}`] : []),
    ...others,
  ];
  throw new HoldfastError('TABLE_DIFFERS', `${title} has other columns than in the dump: ${parts.join(' and ')}`, {
    kind: 'refused',
    hint,
  });
}

/** Put into a column of another type, values may be rounded, cut off or read as something else, and nobody hears of it. */
function otherTypes(entry: TocEntry, facts: LiveTable): string[] {
  return columnTypes(entry.definition).flatMap(({ name, type }) => {
    const now = facts.types[facts.columns.indexOf(name)];
    return now === undefined || holds(now, type) ? [] : [`${displayName(name)} is ${now} and was ${type}`];
  });
}

/** Its rows would come back, and not be seen in the table that they were asked for with. */
function refuseDetached(
  all: readonly TocEntry[],
  tables: readonly TocEntry[],
  existing: readonly { entry: TocEntry; facts: LiveTable }[],
): void {
  const parents = parentsOfPartitions(all);
  for (const { entry, facts } of existing) {
    const parent = parents.get(entry);
    if (!parent || !tables.includes(parent) || (facts.parent && isSame(facts.parent, parent))) continue;
    throw new HoldfastError(
      'TABLE_DIFFERS',
      `${displayTable(facts)} is not a partition of ${displayTable(nameOf(parent))} any more`,
      { kind: 'refused', hint: `Attach it again, or name it for itself. ${hint}` },
    );
  }
}

const hint =
  'Rename the table, and with it its indexes, keys and sequences; or restore beside the live database with `--into` and copy what you need from there.';

/** The table of `COPY shop."a b" (...) FROM stdin;`: not the entry's own where rows are loaded through the partitioned one. */
export function goalOfCopy(statement: string): TableName | null {
  const found = /^COPY ("(?:[^"]|"")+"|[^".\s]+)\.("(?:[^"]|"")+"|[^".\s]+)[ (]/.exec(statement);
  if (!found) return null;
  const [schema = '', name = ''] = found.slice(1).map(readIdent);
  return { schema, name };
}

/** The columns of `COPY shop."a b" (id, "odd, name") FROM stdin;`, or null when it names none. */
export function columnsOfCopy(statement: string): string[] | null {
  const list = / \(((?:"(?:[^"]|"")*"|[^"()])*)\) FROM stdin;\s*$/.exec(statement)?.[1];
  if (list === undefined) return null;
  return [...list.matchAll(/"((?:[^"]|"")*)"|([^,\s"]+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}

function entriesFor(
  all: readonly TocEntry[],
  existing: ReadonlySet<TocEntry>,
  missing: ReadonlySet<TocEntry>,
  names: LiveNames,
): TocEntry[] {
  const owners = ownersOf(all);
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const schemas = new Set([...missing].map((entry) => entry.schema).filter((schema) => !names.schemas.has(schema)));
  return all.filter((entry) => {
    const schema = entry.kind === 'SCHEMA' ? entry.name : subjectOf(entry, 'SCHEMA');
    if (schema !== null) return schemas.has(schema);
    const owner = owners.get(entry);
    if (owner === undefined) return false;
    if (existing.has(owner)) return entry.kind === 'TABLE DATA';
    if (!missing.has(owner)) return false;
    if (entry.kind !== 'TABLE ATTACH' && entry.kind !== 'INDEX ATTACH') return true;
    const parents = entry.needs.flatMap((id) => byId.get(id) ?? []).filter((need) => need.kind === 'TABLE');
    // A table that is there takes the indexes of its partitions along with them, those that it still has.
    if (entry.kind === 'INDEX ATTACH') return parents.every((each) => missing.has(each));
    return parents.every((each) => missing.has(each) || existing.has(each) || names.has(each));
  });
}

/** Live tables to which partitions that are made anew are attached. */
async function parentsThatStay(
  session: Connection,
  all: readonly TocEntry[],
  made: ReadonlySet<TocEntry>,
): Promise<number[]> {
  const parents = [...parentsOfPartitions(all)].filter(([part, parent]) => made.has(part) && !made.has(parent));
  return (
    await liveTables(
      session,
      parents.map(([, parent]) => nameOf(parent)),
    )
  ).map(({ oid }) => oid);
}

function triggersOf(all: readonly TocEntry[], tables: ReadonlySet<TocEntry>): TocEntry[] {
  const owners = ownersOf(all);
  return all.filter((entry) => {
    const owner = owners.get(entry);
    return entry.kind === 'TRIGGER' && owner !== undefined && tables.has(owner);
  });
}

function positionsOf(all: readonly TocEntry[], tables: ReadonlySet<TocEntry>): TocEntry[] {
  const owners = ownersOf(all);
  const isTheirs = (owner: TocEntry | undefined) => owner !== undefined && tables.has(owner);
  return all.filter((entry) => entry.kind === 'SEQUENCE SET' && isTheirs(owners.get(entry)));
}

interface LiveNames {
  schemas: ReadonlySet<string | null>;
  has(table: TocEntry): boolean;
}

async function existingNames(session: Connection, all: readonly TocEntry[]): Promise<LiveNames> {
  const schemas = await session.rows<{ name: string }>('select nspname as name from pg_catalog.pg_namespace');
  const tables = await liveTables(session, all.filter((entry) => entry.kind === 'TABLE').map(nameOf));
  const known = new Set(tables.map(({ schema, name }) => JSON.stringify([schema, name])));
  return {
    schemas: new Set(schemas.map((row) => row.name)),
    has: ({ schema, name }) => known.has(JSON.stringify([schema, name])),
  };
}

function lockStatements(tables: readonly LiveTable[]): string[] {
  return tables.length === 0 ? [] : [`LOCK TABLE ${tables.map(quoteTable).join(', ')} IN ACCESS EXCLUSIVE MODE`];
}

/** ONLY for ordinary tables: the children of inheritance were not asked for. A partitioned table is emptied with all its partitions. */
function truncateStatements(tables: readonly LiveTable[]): string[] {
  const names = tables.map((table) => `${table.kind === 'p' ? '' : 'ONLY '}${quoteTable(table)}`);
  return names.length === 0 ? [] : [`TRUNCATE TABLE ${names.join(', ')}`];
}
