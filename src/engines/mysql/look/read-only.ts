import type { Refusal } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import type { Account } from './account.ts';
import { mayGlobally } from './grants.ts';

/** What a server says that takes no changes, and who may make some all the same; an account that is not in question is taken for one that may. */
const settings = [
  { name: 'innodb_read_only', unless: [] },
  { name: 'super_read_only', unless: [] },
  { name: 'read_only', unless: ['SUPER', 'CONNECTION_ADMIN', 'READ_ONLY ADMIN', 'READ ONLY ADMIN'] },
];

/** A replica, most often. Null: this account may change what is there. */
export async function keptFromChanges(connection: Connection, { grants }: Account): Promise<Refusal | null> {
  const rows = await connection.rows<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${settings.map(({ name }) => `'${name}'`).join(', ')})`,
  );
  // Newer servers know more of it than on and off.
  const on = new Set(rows.filter(({ Value }) => Value !== 'OFF' && Value !== '0').map((row) => row.Variable_name));
  const found = settings.find(({ name, unless }) => on.has(name) && !unless.some((each) => mayGlobally(grants, each)));
  if (!found) return null;
  return {
    reason: `the server takes no changes (${found.name})`,
    hint: 'It is a replica or set to read only; use the primary.',
  };
}
