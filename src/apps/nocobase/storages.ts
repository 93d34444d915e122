import type { AppDatabase } from '../app.ts';
import { columnOf, tableOf, type FoundApp } from './find-app.ts';
import { dialectOf, isTrue, recordOf, textOf } from './sql.ts';

/** A place for uploaded files, as the application's table `storages` has it. */
export interface AppStorage {
  id: string;
  name: string;
  local: boolean;
  /** As it is written there; null: the usual one. */
  documentRoot: string | null;
}

export async function readStorages(database: AppDatabase, app: FoundApp, signal: AbortSignal): Promise<AppStorage[]> {
  if (!app.has('storages')) return [];
  const { quote } = dialectOf(database);
  const columns = ['id', 'name', 'type', 'options'].map(quote).join(', ');
  const rows = await database.select(`select ${columns} from ${tableOf(database, app, 'storages')} order by 1`, signal);
  return rows.map((row) => ({
    id: textOf(row['id']) ?? '',
    name: textOf(row['name']) ?? '',
    local: textOf(row['type']) === 'local',
    documentRoot: textOf(recordOf(row['options'])['documentRoot']),
  }));
}

export interface AppPlugin {
  name: string;
  version: string | null;
  packageName: string | null;
}

/** Those that are switched on. */
export async function readPlugins(database: AppDatabase, app: FoundApp, signal: AbortSignal): Promise<AppPlugin[]> {
  const { quote } = dialectOf(database);
  const packageName = columnOf(app, 'packageName');
  const rows = await database.select(
    `select ${['name', 'version', packageName, 'enabled'].map(quote).join(', ')} from ${tableOf(database, app, 'applicationPlugins')} order by 1`,
    signal,
  );
  return rows
    .filter((row) => isTrue(row['enabled']))
    .map((row) => ({
      name: textOf(row['name']) ?? '',
      version: textOf(row['version']),
      packageName: textOf(row[packageName]),
    }));
}
