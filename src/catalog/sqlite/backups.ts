import type { BackupRecords, BackupRow } from '../catalog.ts';
import type { Connection, Row } from './connection.ts';
import { fromJson, toJson } from './json.ts';

export function backupRecords(connection: Connection): BackupRecords {
  return {
    put: ({ storage, source, id, state, stamp, facts, problem, held }) => {
      connection.run(
        `insert or replace into backups (storage, source, id, state, stamp, facts, problem, held)
         values ($storage, $source, $id, $state, $stamp, $facts, $problem, $held)`,
        { storage, source, id, state, stamp, facts: toJson(facts), problem, held: toJson(held) },
      );
    },
    remove: (storage, source, id) => {
      connection.run('delete from backups where storage = $storage and source = $source and id = $id', {
        storage,
        source,
        id,
      });
    },
    list: (storage, source) =>
      connection
        .all('select * from backups where storage = $storage and source = $source order by id', { storage, source })
        .map(toBackup),
    clear: (storage, source) => {
      connection.run(
        `delete from backups
         where ($storage is null or storage = $storage) and ($source is null or source = $source)`,
        { storage: storage ?? null, source: source ?? null },
      );
    },
    versions: () =>
      new Map(
        connection
          .all('select source, version from versions')
          .map((row) => [row['source'] as string, row['version'] as number]),
      ),
  };
}

function toBackup(row: Row): BackupRow {
  return {
    storage: row['storage'] as string,
    source: row['source'] as string,
    id: row['id'] as string,
    state: row['state'] as BackupRow['state'],
    stamp: row['stamp'] as string,
    facts: fromJson(row['facts']) as BackupRow['facts'],
    problem: row['problem'] as string | null,
    held: fromJson(row['held']) as BackupRow['held'],
  };
}
