import { isUtf8 } from 'node:buffer';
import { HoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';
import { decoderFor } from '../connect/encodings.ts';

/** A database in SQL_ASCII takes any bytes as a name, and one in an Asian encoding characters that Unicode lacks. */
export async function namesToldOf(connection: Connection, error: unknown): Promise<unknown> {
  const state = error instanceof HoldfastError ? error.details['sqlstate'] : null;
  if (state !== invalidBytes && state !== noEquivalent) return error;
  const names = await unreadable(connection).catch(() => []);
  const which = names.length === 0 ? '' : `: ${names.join(', ')}`;
  return new HoldfastError('DATABASE_NAME_UNREADABLE', `names in ${connection.address.database} are no text${which}`, {
    cause: error,
    hint: `Rename them, by their bytes where it is SQL_ASCII: DO $$ BEGIN EXECUTE format('ALTER TABLE %I.%I RENAME TO new_name', E'public', E'gr\\xf6n'); END $$`,
    details: { names },
  });
}

const invalidBytes = '22021';
const noEquivalent = '22P05';

async function unreadable(connection: Connection): Promise<string[]> {
  const rows = await connection.rows<{ schema: string; name: string }>(`
    select pg_catalog.encode(pg_catalog.convert_to(n.nspname::text, pg_catalog.getdatabaseencoding()), 'hex') as schema,
      pg_catalog.encode(pg_catalog.convert_to(c.relname::text, pg_catalog.getdatabaseencoding()), 'hex') as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'S', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    order by 1, 2`);
  const decode = decoderFor('UTF8');
  return rows
    .filter(({ schema, name }) => [schema, name].some((each) => !isUtf8(Buffer.from(each, 'hex'))))
    .map(({ schema, name }) => `${decode(Buffer.from(schema, 'hex'))}.${decode(Buffer.from(name, 'hex'))}`);
}
