import type { CopyRecord, CopyRecords } from '../catalog.ts';
import type { Connection, Row } from './connection.ts';
import { fromJson, toJson } from './json.ts';

export function copyRecords(connection: Connection): CopyRecords {
  return {
    put: ({ source, backup, storage, attempts, nextAt, lastError, since }) => {
      connection.run(
        `insert or replace into copies (source, backup, storage, attempts, next_at, last_error, since)
         values ($source, $backup, $storage, $attempts, $nextAt, $lastError, $since)`,
        { source, backup, storage, attempts, nextAt, lastError: toJson(lastError), since },
      );
    },
    get: (source, backup, storage) => {
      const row = connection.get(
        'select * from copies where source = $source and backup = $backup and storage = $storage',
        { source, backup, storage },
      );
      return row ? toCopy(row) : null;
    },
    list: ({ source, backup }) =>
      connection
        .all(
          `select * from copies
           where ($source is null or source = $source) and ($backup is null or backup = $backup)
           order by backup, storage`,
          { source: source ?? null, backup: backup ?? null },
        )
        .map(toCopy),
    remove: (source, backup, storage) => {
      connection.run(
        `delete from copies
         where source = $source and backup = $backup and ($storage is null or storage = $storage)`,
        { source, backup, storage: storage ?? null },
      );
    },
  };
}

function toCopy(row: Row): CopyRecord {
  return {
    source: row['source'] as string,
    backup: row['backup'] as string,
    storage: row['storage'] as string,
    attempts: Number(row['attempts']),
    nextAt: row['next_at'] as string,
    lastError: fromJson(row['last_error']) as CopyRecord['lastError'],
    since: row['since'] as string,
  };
}
