import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFiles } from '../../src/apps/files/files.ts';
import { noKeys } from '../../src/archive/keys/keys.ts';
import { backup, type BackupResult, type BackupTask } from '../../src/backup/backup.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { RetentionRules } from '../../src/care/retention.ts';
import type { Source } from '../../src/care/source.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { openFile, runIn } from './sqlite.ts';
import { localAt } from './stored-backups.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface SmallHouse extends AsyncDisposable {
  folder: string;
  uploads: string;
  source: Source;
  storage: Storage;
  catalog: Catalog;
  take(change?: Partial<BackupTask>): Promise<BackupResult>;
}

const { signal } = new AbortController();

/** An SQLite database with a folder beside it, one local storage and a state of its own, in this process: quick, where the command line is not what is tested. */
export async function smallHouse(change: Partial<Source> = {}): Promise<SmallHouse> {
  const temporary = await temporaryFolder();
  const folder = temporary.path;
  const at = (name: string) => join(folder, name);
  for (const name of ['uploads', 'backups', 'scratch', 'state']) mkdirSync(at(name));
  writeFileSync(at('uploads/a.png'), 'a');
  runIn(at('app.sqlite'), 'create table orders (id integer primary key); insert into orders values (1)');
  const database = openFile(at('app.sqlite'), at('scratch'));
  const context = { clock: systemClock, logger: silentLogger, scratch: at('scratch') };
  const files = createFiles([{ name: 'uploads', path: at('uploads'), exclude: [], optional: false }], context);
  const storage = localAt(at('backups'));
  const rules: RetentionRules = { minimum: 1 };
  const source: Source = {
    name: 'shop',
    database,
    apps: [files],
    reader: () => database,
    appReader: async () => null,
    storages: [storage],
    retention: rules,
    retentionIn: () => change.retention ?? rules,
    keys: noKeys,
    deleteLocalAfterCopy: false,
    drill: { target: 'same', checks: [] },
    ...change,
  };
  const catalog = openCatalog(at('state'), systemClock);
  const task: BackupTask = {
    source,
    catalog,
    clock: systemClock,
    instance: 'test',
    version: '0.0.0',
    timezone: 'UTC',
    scratch: at('scratch'),
    trigger: 'manual',
    description: null,
    signal,
    report: () => undefined,
  };
  return {
    folder,
    uploads: at('uploads'),
    source,
    storage,
    catalog,
    take: (changed = {}) => backup({ ...task, ...changed }),
    [Symbol.asyncDispose]: async () => {
      catalog[Symbol.dispose]();
      await temporary[Symbol.asyncDispose]();
    },
  };
}
