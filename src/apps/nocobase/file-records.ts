import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { throwIfAborted } from '../../base/abort.ts';
import { inParallel } from '../../base/parallel.ts';
import type { AppDatabase } from '../app.ts';
import { columnOf, tableOf, type FoundApp } from './find-app.ts';
import { isWithin } from './places.ts';
import { dialectOf, recordOf, textOf } from './sql.ts';
import type { AppStorage } from './storages.ts';

/** A table whose rows each stand for one file: `attachments`, and every collection of files. */
export interface FileTable {
  /** Quoted, with its schema. */
  table: string;
  /** For people. */
  name: string;
  storageId: string;
  /** Whether it has a column of that name. */
  id: boolean;
  size: boolean;
}

export interface RecordsCompared {
  records: number;
  /** Records whose file is not there, as `attachments 12: a.png`; the first of them. */
  missing: string[];
  missingCount: number;
  /** The file is there and has another size than its record says. */
  otherSize: string[];
  otherSizeCount: number;
}

const named = 20;
const pageRows = 5000;

/**
 * File collections are told by their columns: their list is split between code and database, and a child table of a file collection has
 * the columns too. Only schemas the application uses count, because others may belong to another one.
 */
export async function findFileTables(database: AppDatabase, app: FoundApp, signal: AbortSignal): Promise<FileTable[]> {
  const dialect = dialectOf(database);
  const schemas = await schemasOf(database, app, signal);
  const wanted = ['id', 'filename', 'path', 'size', 'storageId', 'storage_id'];
  const rows = await database.select(dialect.columns(wanted), signal);
  const found = new Map<string, { schema: string; name: string; columns: Set<string> }>();
  for (const row of rows) {
    const schema = textOf(row['schema_of']) ?? '';
    const name = textOf(row['table_of']) ?? '';
    if (schema !== '' && !schemas.has(schema)) continue;
    const key = JSON.stringify([schema, name]);
    const entry = found.get(key) ?? { schema, name, columns: new Set() };
    entry.columns.add(textOf(row['column_of']) ?? '');
    found.set(key, entry);
  }
  return [...found.values()].flatMap(({ schema, name, columns }): FileTable[] => {
    // A collection can be underscored where the rest is not, and the other way.
    const storageId = [columnOf(app, 'storageId'), 'storageId', 'storage_id'].find((each) => columns.has(each));
    if (storageId === undefined || !columns.has('filename') || !columns.has('path')) return [];
    if (!name.startsWith(app.tablePrefix)) return [];
    const table = `${schema === '' ? '' : `${dialect.quote(schema)}.`}${dialect.quote(name)}`;
    return [{ table, name, storageId, id: columns.has('id'), size: columns.has('size') }];
  });
}

/** Collections may live in a schema of their own. */
async function schemasOf(database: AppDatabase, app: FoundApp, signal: AbortSignal): Promise<Set<string>> {
  const schemas = new Set([app.schema || 'public']);
  if (database.engine !== 'postgres' || !app.has('collections')) return schemas;
  const rows = await database.select(`select options from ${tableOf(database, app, 'collections')}`, signal);
  for (const row of rows) {
    const schema = textOf(recordOf(row['options'])['schema']);
    if (schema !== null && schema !== '') schemas.add(schema);
  }
  return schemas;
}

export interface Recorded {
  tables: readonly FileTable[];
  storages: readonly AppStorage[];
  rootOf: (documentRoot: string | null) => string;
}

/** A file that is there, and the record it belongs to. */
export interface FoundFile {
  path: string;
  label: string;
}

/** Looks for the file of every record, page by page; `found` gets those that are there. */
export async function compareRecords(
  database: AppDatabase,
  { tables, storages, rootOf }: Recorded,
  { signal, found }: { signal: AbortSignal; found: (files: readonly FoundFile[]) => Promise<void> },
): Promise<RecordsCompared> {
  const roots = new Map(storages.filter(({ local }) => local).map((each) => [each.id, rootOf(each.documentRoot)]));
  const compared: RecordsCompared = { records: 0, missing: [], missingCount: 0, otherSize: [], otherSizeCount: 0 };
  for (const table of tables) {
    for await (const rows of pagesOf(database, table, [...roots.keys()], signal)) {
      throwIfAborted(signal);
      const looked: Looked[] = [];
      await inParallel(rows.entries(), 16, async ([index, row]) => {
        looked[index] = await look(row, { table, root: roots.get(textOf(row['storage_of']) ?? '') ?? '' });
      });
      compared.records += rows.length;
      for (const each of looked) note(compared, each);
      await found(looked.filter(({ trouble }) => trouble !== 'missing'));
    }
  }
  return compared;
}

interface Looked extends FoundFile {
  trouble: 'missing' | 'otherSize' | null;
  detail: string;
}

function note(compared: RecordsCompared, { trouble, detail }: Looked): void {
  if (trouble === null) return;
  compared[`${trouble}Count`] += 1;
  if (compared[trouble].length < named) compared[trouble].push(detail);
}

async function look(
  row: Record<string, unknown>,
  { table, root }: { table: FileTable; root: string },
): Promise<Looked> {
  const name = textOf(row['filename']) ?? '';
  // Old versions wrote a slash before the path; NocoBase means the same place by both.
  const folder = (textOf(row['path']) ?? '').replace(/^[/\\]+/, '');
  const path = resolve(root, folder, name);
  const id = table.id ? ` ${textOf(row['id_of']) ?? ''}` : '';
  const label = `${table.name}${id}: ${[folder, name].filter(Boolean).join('/')}`;
  const facts = name === '' || path === root || !isWithin(root, path) ? null : await lstat(path).catch(() => null);
  if (facts === null) return { path, label, trouble: 'missing', detail: label };
  const size = Number(textOf(row['size_of']) ?? Number.NaN);
  if (!facts.isFile() || !Number.isFinite(size) || size === facts.size)
    return { path, label, trouble: null, detail: '' };
  return { path, label, trouble: 'otherSize', detail: `${label} (${size} bytes noted, ${facts.size} found)` };
}

async function* pagesOf(
  database: AppDatabase,
  { table, id, size, storageId }: FileTable,
  storages: readonly string[],
  signal: AbortSignal,
): AsyncIterable<Record<string, unknown>[]> {
  if (storages.length === 0) return;
  const { quote, literal } = dialectOf(database);
  const columns = [
    ...(id ? ['id as id_of'] : []),
    ...(size ? [`${quote('size')} as size_of`] : []),
    'filename',
    `${quote('path')} as path`,
    `${quote(storageId)} as storage_of`,
  ].join(', ');
  const from = `select ${columns} from ${table} where ${quote(storageId)} in (${storages.map(literal).join(', ')})`;
  let after = '';
  for (let offset = 0; ; offset += pageRows) {
    // Without an id nothing tells rows apart for sure, but the order of their names stays.
    const page = id
      ? `${after} order by id limit ${pageRows}`
      : `order by filename, ${quote('path')} limit ${pageRows} offset ${offset}`;
    const rows = await database.select(`${from} ${page}`, signal);
    if (rows.length > 0) yield rows;
    if (rows.length < pageRows) return;
    after = `and id > ${literal(textOf(rows.at(-1)?.['id_of']) ?? '')}`;
  }
}
