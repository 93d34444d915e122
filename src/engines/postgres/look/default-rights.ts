import type { Connection } from '../connect/connection.ts';
import { quoteIdent } from '../connect/names.ts';

/** What the restoring role has ordered for all objects it makes (`ALTER DEFAULT PRIVILEGES`), and what the server does without an order. */
export interface DefaultRights {
  /** From here on objects get what the server gives by itself. */
  clear: string[];
  putBack: string[];
}

interface Order {
  kind: string;
  schema: string | null;
  items: { grantee: string | null; privilege: string; grantable: boolean }[];
}

const kinds: Readonly<Record<string, string>> = {
  r: 'TABLES',
  S: 'SEQUENCES',
  f: 'FUNCTIONS',
  T: 'TYPES',
  n: 'SCHEMAS',
  L: 'LARGE OBJECTS',
};
/** Besides all to its owner. */
const toEverybody: Readonly<Record<string, string>> = { f: 'EXECUTE', T: 'USAGE' };

/**
 * A dump says of an object's privileges only what differs from the server's own, and gives the orders at its end. Made anew under the orders of the live
 * database, objects would have rights that nobody gave them, or lack some. `schemas`: those that stay, in which something is made; one that is dropped loses its
 * orders by itself.
 */
export async function defaultRights(session: Connection, schemas: readonly string[]): Promise<DefaultRights> {
  const orders = await session.rows<Order>(`
    select d.defaclobjtype::text as kind, n.nspname as schema,
      coalesce((select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('grantee', g.rolname, 'privilege', a.privilege_type,
          'grantable', a.is_grantable) order by a.grantee, a.privilege_type)
        from pg_catalog.aclexplode(d.defaclacl) a left join pg_catalog.pg_roles g on g.oid = a.grantee), '[]') as items
    from pg_catalog.pg_default_acl d left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
    where d.defaclrole = (select oid from pg_catalog.pg_roles where rolname = current_user) order by 1, 2`);
  const isIn = (schema: string | null) => schema === null || schemas.includes(schema);
  const known = orders.filter(({ kind, schema }) => kinds[kind] !== undefined && isIn(schema));
  return {
    clear: known.flatMap((order) => [...revoke(order), ...builtIn(order)]),
    putBack: known.flatMap((order) => [
      ...(order.schema === null ? revoke({ ...order, items: [] }) : []),
      ...given(order),
    ]),
  };
}

/** Everything from everybody who has something. Of one schema there are only additions. */
function revoke(order: Order): string[] {
  const names = order.items.map(({ grantee }) => roleOf(grantee));
  const all = new Set(order.schema === null ? ['CURRENT_USER', 'PUBLIC', ...names] : names);
  return [...all].map((name) => `${headOf(order)} REVOKE ALL ON ${kinds[order.kind]} FROM ${name}`);
}

function builtIn(order: Order): string[] {
  if (order.schema !== null) return [];
  const everybody = toEverybody[order.kind];
  return [
    `${headOf(order)} GRANT ALL ON ${kinds[order.kind]} TO CURRENT_USER`,
    ...(everybody === undefined ? [] : [`${headOf(order)} GRANT ${everybody} ON ${kinds[order.kind]} TO PUBLIC`]),
  ];
}

function given(order: Order): string[] {
  return order.items.map(
    ({ grantee, privilege, grantable }) =>
      `${headOf(order)} GRANT ${privilege} ON ${kinds[order.kind]} TO ${roleOf(grantee)}${grantable ? ' WITH GRANT OPTION' : ''}`,
  );
}

function headOf({ schema }: Order): string {
  return `ALTER DEFAULT PRIVILEGES${schema === null ? '' : ` IN SCHEMA ${quoteIdent(schema)}`}`;
}

function roleOf(grantee: string | null): string {
  return grantee === null ? 'PUBLIC' : quoteIdent(grantee);
}
