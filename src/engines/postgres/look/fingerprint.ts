import { HoldfastError } from '../../../base/errors.ts';
import type { TableName } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { lettingGo } from '../connect/letting-go.ts';
import { quoteTable } from '../connect/names.ts';

/**
 * A digest of a table's rows whatever order they lie in: the sums of the halves of each row's md5. Rows are taken as text under the
 * fixed settings of our sessions, so that it is the same on every server version. Null when the server cannot make it, such as
 * for rows too large to be a text. Runs inside a transaction, which stays usable.
 */
export async function fingerprintOf(connection: Connection, table: TableName): Promise<string | null> {
  try {
    const { high, low } = await lettingGo(connection, () =>
      connection.row<{ high: string; low: string }>(digestQuery(table)),
    );
    return `md5sum:${high}:${low}`;
  } catch (error) {
    const code = error instanceof HoldfastError ? error.code : '';
    if (code !== 'DATABASE_FAILED' && code !== 'DATABASE_OUT_OF_MEMORY') throw error;
    return null;
  }
}

// `item.*` and not `item`: a table may have a column with the name of the alias.
function digestQuery(table: TableName): string {
  return `
    select coalesce(pg_catalog.sum(('x' || pg_catalog.substr(digest, 1, 16))::bit(64)::bigint), 0)::text as high,
      coalesce(pg_catalog.sum(('x' || pg_catalog.substr(digest, 17, 16))::bit(64)::bigint), 0)::text as low
    from (select pg_catalog.md5((item.*)::text) as digest from only ${quoteTable(table)} as item) as digests`;
}
