import type { KeyRecords, RememberedKey } from '../catalog.ts';
import type { Connection } from './connection.ts';
import { fromJson, toJson } from './json.ts';

export function keyRecords(connection: Connection): KeyRecords {
  return {
    get: (source) => {
      const row = connection.get('select record from keys where source = $source', { source });
      return row ? (fromJson(row['record']) as RememberedKey) : null;
    },
    put: (record) => {
      connection.run('insert or replace into keys (source, record) values ($source, $record)', {
        source: record.source,
        record: toJson(record),
      });
    },
  };
}
