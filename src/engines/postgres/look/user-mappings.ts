import type { Connection } from '../connect/connection.ts';
import { displayName } from '../connect/names.ts';

/** pg_dump makes a user mapping without its options where it may not read them, and says nothing of it. */
export async function hiddenMappings(session: Connection): Promise<string[]> {
  const rows = await session.rows<{ role: string; server: string }>(hidden);
  return rows.map(
    ({ role, server }) =>
      `the options, such as a password, of the user mapping of ${displayName(role)} on ${displayName(server)} are not stored: ${session.address.user} may not read them`,
  );
}

/** Who may see them, as the view has it. */
const hidden = `
  select m.usename as role, m.srvname as server
  from pg_catalog.pg_user_mappings m join pg_catalog.pg_foreign_server s on s.oid = m.srvid
  join pg_catalog.pg_roles me on me.rolname = current_user
  where not me.rolsuper and not (m.umuser = 0 and pg_catalog.pg_has_role(s.srvowner, 'usage'))
    and not (m.umuser = me.oid and (pg_catalog.pg_has_role(s.srvowner, 'usage') or pg_catalog.has_server_privilege(s.oid, 'usage')))
  order by m.umuser, m.srvname`;
