import type { AppDatabase } from '../app.ts';

/** What is written differently from engine to engine. */
export interface Dialect {
  /** What DB_DIALECT says for this engine. */
  names: readonly string[];
  quote(name: string): string;
  literal(text: string): string;
  /** All tables that applications made: `schema_of`, `table_of`. A schema is '' where there are none. */
  tables: string;
  /** Columns of these names: `schema_of`, `table_of`, `column_of`. */
  columns(names: readonly string[]): string;
}

export function dialectOf({ engine }: Pick<AppDatabase, 'engine'>): Dialect {
  if (engine === 'mysql' || engine === 'mariadb') return mysql;
  return engine === 'sqlite' ? sqlite : postgres;
}

const quoteDouble = (name: string) => `"${name.replaceAll('"', '""')}"`;
const literalStandard = (text: string) => `'${text.replaceAll("'", "''")}'`;
const list = (names: readonly string[]) => names.map(literalStandard).join(', ');

const ours = `n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'`;
const postgres: Dialect = {
  names: ['postgres', 'kingbase'],
  quote: quoteDouble,
  literal: literalStandard,
  tables: `select n.nspname as schema_of, c.relname as table_of from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and ${ours}`,
  columns: (names) => `select n.nspname as schema_of, c.relname as table_of, a.attname as column_of from pg_attribute a
    join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and ${ours} and not a.attisdropped and a.attname in (${list(names)})`,
};

const mysql: Dialect = {
  names: ['mysql', 'mariadb'],
  quote: (name) => `\`${name.replaceAll('`', '``')}\``,
  literal: (text) => literalStandard(text.replaceAll('\\', '\\\\')),
  tables: `select '' as schema_of, table_name as table_of from information_schema.tables
    where table_schema = database() and table_type <> 'VIEW'`,
  columns: (
    names,
  ) => `select '' as schema_of, c.table_name as table_of, c.column_name as column_of from information_schema.columns c
    join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
    where c.table_schema = database() and t.table_type <> 'VIEW' and c.column_name in (${list(names)})`,
};

const sqlite: Dialect = {
  names: ['sqlite'],
  quote: quoteDouble,
  literal: literalStandard,
  tables: `select '' as schema_of, name as table_of from sqlite_master where type = 'table'`,
  columns: (
    names,
  ) => `select '' as schema_of, m.name as table_of, p.name as column_of from sqlite_master m, pragma_table_info(m.name) p
    where m.type = 'table' and p.name in (${list(names)})`,
};

export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : null;
}

/** JSON is an object for one driver and a text for another. */
export function recordOf(value: unknown): Record<string, unknown> {
  if (typeof value === 'string') {
    try {
      return recordOf(JSON.parse(value));
    } catch {
      return {};
    }
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}

/** 1 and 0 are what some engines have for it. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === '1';
}
