import type { DumpSettings } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { isOurs } from './mark.ts';

/** A table, sequence or view of a database, with what is needed to judge, dump and count it. */
export interface Relation {
  schema: '';
  name: string;
  kind: 'table' | 'view' | 'sequence';
  /** Null for views. */
  engine: string | null;
  /** Keeps the history of its rows (MariaDB). */
  versioned: boolean;
  /** By the numbers of transactions and not by times: no dump tool saves such a history. */
  byTransaction: boolean;
  partitioned: boolean;
  /** As the server estimates it. */
  bytes: number;
  comment: string;
}

/** One as a dump holds it. */
export interface DumpedTable extends Relation {
  /** Its rows come back as if they were new: since when they are as they are is not in the dump. */
  undated?: boolean;
}

/** All that a dump takes; tables of our own are not of the database. */
export async function listRelations(connection: Connection, database: string): Promise<Relation[]> {
  const rows = await connection.rows<Row>(relationsQuery, [database]);
  const relations = rows.map(toRelation).filter((each) => !isOurs(each));
  if (!relations.some(({ versioned }) => versioned)) return relations;
  const found = await connection.rows<{ name: string }>(
    `SELECT TABLE_NAME AS name FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ? AND GENERATION_EXPRESSION = 'ROW START' AND DATA_TYPE = 'bigint'`,
    [database],
  );
  const byTransaction = new Set(found.map(({ name }) => name));
  return relations.map((each) => ({ ...each, byTransaction: byTransaction.has(each.name) }));
}

interface Row {
  name: string;
  type: string;
  engine: string | null;
  options: string | null;
  bytes: string | number | null;
  comment: string | null;
}

// A broken view shows its error as its comment; that is for those who read it.
const relationsQuery = `SELECT TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine, CREATE_OPTIONS AS options,
  CAST(COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0) AS CHAR) AS bytes, TABLE_COMMENT AS comment
  FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE <> 'TEMPORARY' ORDER BY TABLE_NAME`;

function toRelation({ name, type, engine, options, bytes, comment }: Row): Relation {
  const kind = /VIEW/.test(type) ? 'view' : type === 'SEQUENCE' ? 'sequence' : 'table';
  return {
    schema: '',
    name,
    kind,
    engine,
    versioned: type === 'SYSTEM VERSIONED',
    byTransaction: false,
    partitioned: /\bpartitioned\b/.test(options ?? ''),
    bytes: Number(bytes ?? 0),
    comment: comment ?? '',
  };
}

/** What of it is dumped, and what without its rows. */
export interface Selection {
  relations: Relation[];
  excluded: Relation[];
  withoutRows: ReadonlySet<string>;
  /** Patterns of the configuration that match nothing. */
  unused: string[];
}

export function select(all: readonly Relation[], exclude: DumpSettings['exclude']): Selection {
  const used = new Set<string>();
  const matching = (patterns: readonly string[]) =>
    all.filter(({ name }) => {
      const fitting = patterns.filter((pattern) => patternOf(pattern).test(name));
      for (const pattern of fitting) used.add(pattern);
      return fitting.length > 0;
    });
  const excluded = new Set(matching(exclude.tables).map(({ name }) => name));
  const withoutRows = new Set(matching(exclude.tableData).map(({ name }) => name));
  return {
    relations: all.filter(({ name }) => !excluded.has(name)),
    excluded: all.filter(({ name }) => excluded.has(name)),
    withoutRows,
    unused: [...exclude.tables, ...exclude.tableData].filter((pattern) => !used.has(pattern)),
  };
}

/** `*` and `?` match; what stands in double quotes or backticks is meant literally. There is no schema to name. */
function patternOf(pattern: string): RegExp {
  let source = '';
  for (const [, quoted, quotedToo, plain = ''] of pattern.matchAll(/"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|([\s\S])/g)) {
    const literal = quoted?.replaceAll('""', '"') ?? quotedToo?.replaceAll('``', '`');
    if (literal !== undefined) source += RegExp.escape(literal);
    else source += plain === '*' ? '.*' : plain === '?' ? '.' : RegExp.escape(plain);
  }
  return new RegExp(`^(?:${source})$`, 'su');
}

/** Engines whose tables obey a transaction's snapshot. */
const transactional = new Set(['innodb', 'rocksdb', 'tokudb', 'sequence', 'ndbcluster']);

export function outsideSnapshot({ kind, engine }: Relation): boolean {
  return kind === 'table' && !transactional.has((engine ?? '').toLowerCase());
}

/** Engines that show rows of other tables, other servers or files: the tools write none of them. */
const borrowing = new Set(['mrg_myisam', 'mrg_isam', 'federated', 'connect', 'spider', 'oqgraph', 'vp']);

export function livesElsewhere({ kind, engine }: Relation): boolean {
  return kind === 'table' && borrowing.has((engine ?? '').toLowerCase());
}
