import type { DeliveryRecord, DeliveryRecords } from '../catalog.ts';
import type { Connection, Row } from './connection.ts';
import { fromJson, toJson } from './json.ts';

export function deliveryRecords(connection: Connection): DeliveryRecords {
  return {
    put: (record) => {
      connection.run(
        `insert into deliveries (id, channel, message, created_at, attempts, next_at, state, ended_at, last_error)
         values ($id, $channel, $message, $createdAt, $attempts, $nextAt, $state, $endedAt, $lastError)
         on conflict (id) do update set attempts = excluded.attempts, next_at = excluded.next_at, state = excluded.state,
           ended_at = excluded.ended_at, last_error = excluded.last_error`,
        { ...record, message: JSON.stringify(record.message), lastError: toJson(record.lastError) },
      );
    },
    list: ({ channel, state }) =>
      connection
        .all(
          `select * from deliveries where ($channel is null or channel = $channel) and ($state is null or state = $state)
           order by rowid`,
          { channel: channel ?? null, state: state ?? null },
        )
        .map(toDelivery),
    trim: (before) => {
      connection.run(
        `delete from deliveries where ended_at < $before
           and exists (select 1 from deliveries newer where newer.channel = deliveries.channel and newer.ended_at > deliveries.ended_at)`,
        { before },
      );
    },
  };
}

function toDelivery(row: Row): DeliveryRecord {
  return {
    id: row['id'] as string,
    channel: row['channel'] as string,
    message: fromJson(row['message']),
    createdAt: row['created_at'] as string,
    attempts: row['attempts'] as number,
    nextAt: row['next_at'] as string,
    state: row['state'] as DeliveryRecord['state'],
    endedAt: row['ended_at'] as string | null,
    lastError: fromJson(row['last_error']) as DeliveryRecord['lastError'],
  };
}
