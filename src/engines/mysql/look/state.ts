import { toHoldfastError } from '../../../base/errors.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { quoteIn } from '../connect/names.ts';
import { fromOf } from './counts.ts';
import { fingerprintOf } from './fingerprint.ts';
import { listRelations, type Relation } from './tables.ts';

/**
 * Neither server says when an InnoDB table was last written to in a way that survives a restart and a renaming, and its binary log is
 * of all databases, ours among them. So the server sums up every table.
 */
export async function stateOf(access: Access, signal: AbortSignal): Promise<string> {
  const { database } = access.address;
  await using session = await access.connect(signal, { database: null });
  const unsteady = await unsteadySums(session, database);
  const sums: unknown[] = [];
  for (const relation of await listRelations(session, database)) {
    if (relation.kind === 'view') continue;
    sums.push([relation.name, await sumOf(session, database, relation, unsteady)]);
  }
  return JSON.stringify(sums);
}

async function sumOf(
  session: Connection,
  database: string,
  relation: Relation,
  unsteady: ReadonlySet<string>,
): Promise<unknown> {
  const table = quoteIn(database, relation.name);
  if (relation.kind === 'sequence') return await session.row<object>(`SELECT * FROM ${table}`);
  const digest = unsteady.has(relation.name)
    ? await fingerprintOf(session, database, relation, fromOf(database, relation))
    : null;
  return digest ?? (await session.row<{ Checksum: unknown }>(`CHECKSUM TABLE ${table} EXTENDED`)).Checksum;
}

/** With an index of all values of a list, MySQL's sum is another each time: it goes over a hidden column that it has not filled. */
async function unsteadySums(session: Connection, database: string): Promise<Set<string>> {
  const rows = await session
    .rows<{ name: string }>(
      `SELECT DISTINCT TABLE_NAME AS name FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND EXPRESSION LIKE '% array)%'`,
      [database],
    )
    .catch((error: unknown) => {
      // A server without indexes of expressions has no such column.
      if (toHoldfastError(error).details['errno'] === 1054) return [];
      throw error;
    });
  return new Set(rows.map(({ name }) => name));
}
