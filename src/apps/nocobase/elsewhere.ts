import type { AppDatabase } from '../app.ts';
import { isTable, tableOf, type FoundApp } from './find-app.ts';
import { dialectOf, isTrue, recordOf, textOf } from './sql.ts';
import type { AppStorage } from './storages.ts';

/** What the application shows its users and no part of its backup holds, a warning for each kind. */
export async function tellElsewhere(
  database: AppDatabase,
  app: FoundApp,
  { storages, signal }: { storages: readonly AppStorage[]; signal: AbortSignal },
): Promise<string[]> {
  const tell = (names: readonly string[], before: string, after: string) =>
    names.length > 0 ? [`${before} ${names.join(', ')} ${after}`] : [];
  const remote = storages.filter(({ local }) => !local).map(({ name }) => name);
  return [
    ...tell(remote, 'files in the storages', 'lie elsewhere and are not part of this backup'),
    ...tell(
      await readApart(database, app, signal),
      'the applications',
      'of the multi-app manager have databases of their own, which are not part of this backup: give each database a source',
    ),
    ...tell(
      await readSources(database, app, signal),
      'the data of the external data sources',
      'lies elsewhere and is not part of this backup',
    ),
  ];
}

/** Applications of the multi-app manager, but for those that lie in a schema of this database. */
async function readApart(database: AppDatabase, app: FoundApp, signal: AbortSignal): Promise<string[]> {
  const columns = ['name', 'options', 'cname'];
  const rows = await rowsOf(database, app, { table: 'applications', columns, signal });
  return rows.flatMap((row) => {
    const name = textOf(row['name']) ?? '';
    const { schema, database: another } = recordOf(recordOf(row['options'])['database']);
    const here = another === undefined || another === database.name;
    return here && app.schemas.has(textOf(schema) ?? name) ? [] : [name];
  });
}

async function readSources(database: AppDatabase, app: FoundApp, signal: AbortSignal): Promise<string[]> {
  const rows = await rowsOf(database, app, { table: 'dataSources', columns: ['key', 'enabled'], signal });
  return rows.filter((row) => row['key'] !== 'main' && isTrue(row['enabled'])).map((row) => textOf(row['key']) ?? '');
}

/** None where there is no such table: not every application has every plugin, and people call their own collections as they like. */
async function rowsOf(
  database: AppDatabase,
  app: FoundApp,
  { table, columns, signal }: { table: string; columns: readonly string[]; signal: AbortSignal },
): Promise<Record<string, unknown>[]> {
  if (!app.has(table)) return [];
  const dialect = dialectOf(database);
  const there = (await database.select(dialect.columns(columns), signal))
    .filter((row) =>
      isTable(app, table, { schema: textOf(row['schema_of']) ?? '', name: textOf(row['table_of']) ?? '' }),
    )
    .map((row) => textOf(row['column_of']));
  if (!columns.every((column) => there.includes(column))) return [];
  const names = columns.map(dialect.quote).join(', ');
  return database.select(`select ${names} from ${tableOf(database, app, table)} order by 1`, signal);
}
