import type { Access } from '../connect/access.ts';
import { quoteIn } from '../connect/names.ts';
import { listRelations } from './tables.ts';

/**
 * Neither server says when an InnoDB table was last written to in a way that survives a restart and a renaming, and its binary log is
 * of all databases, ours among them. So the server sums up every table.
 */
export async function stateOf(access: Access, signal: AbortSignal): Promise<string> {
  const { database } = access.address;
  await using session = await access.connect(signal, { database: null });
  const sums: unknown[] = [];
  for (const { kind, name } of await listRelations(session, database)) {
    if (kind === 'view') continue;
    const table = quoteIn(database, name);
    const sum =
      kind === 'sequence'
        ? await session.row<object>(`SELECT * FROM ${table}`)
        : (await session.row<{ Checksum: unknown }>(`CHECKSUM TABLE ${table} EXTENDED`)).Checksum;
    sums.push([name, sum]);
  }
  return JSON.stringify(sums);
}
