import type { TableName } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { quoteIdent, quoteLiteral, quoteTable } from '../connect/names.ts';
import { touched } from './statements.ts';
import { planKeyTriggers } from './triggers.ts';

/**
 * Foreign keys from and to the tables are taken off while rows are put in, and put back as they were, which makes the server check every row.
 * So are checks that were never validated: rows may be older than they are, and a dump makes a partition without those of its table (`parents`).
 * `dropped`: schemas that are made anew as a whole, with all that was declared in them.
 */
export async function planConstraints(
  session: Connection,
  oids: readonly number[],
  parents: readonly number[],
  dropped: readonly string[],
): Promise<{ before: string[]; after: string[]; warnings: string[] }> {
  const keys = await foreignKeys(session, oids, dropped);
  const checks = await unvalidated(session, { oids, parents, dropped });
  const constraints = [...keys, ...checks];
  const states = await planKeyTriggers(session, keys);
  return {
    before: constraints.map((each) => `ALTER TABLE ${quoteTable(each)} DROP CONSTRAINT ${quoteIdent(each.constraint)}`),
    after: [...constraints.flatMap(addConstraint), ...(await provenCopies(session, checks, dropped)), ...states.after],
    warnings: states.warnings,
  };
}

interface Constraint extends TableName {
  oid: number;
  constraint: string;
  definition: string;
  comment: string | null;
}

/** Those of the tables and to the tables, each where it was declared: its copies on partitions follow. */
async function foreignKeys(
  session: Connection,
  oids: readonly number[],
  dropped: readonly string[],
): Promise<Constraint[]> {
  return session.rows<Constraint>(
    `with recursive ${touched}, keys(oid, parent) as (
       select k.oid, k.conparentid from pg_catalog.pg_constraint k
       where k.contype = 'f' and (k.conrelid in (select oid from touched) or k.confrelid in (select oid from touched))
       union select up.oid, up.conparentid from pg_catalog.pg_constraint up join keys on up.oid = keys.parent)
     select k.oid, n.nspname as schema, c.relname as name, k.conname as constraint,
       pg_catalog.pg_get_constraintdef(k.oid) as definition, pg_catalog.obj_description(k.oid, 'pg_constraint') as comment
     from keys join pg_catalog.pg_constraint k on k.oid = keys.oid join pg_catalog.pg_class c on c.oid = k.conrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where k.conparentid = 0 and n.nspname <> all ($2::text[]) order by 2, 3, 4`,
    [oids, dropped],
  );
}

/** Checks and, since 18, NOT NULL; those of a partition stand on the table that they were declared on. */
async function unvalidated(
  session: Connection,
  { oids, parents, dropped }: Record<'oids' | 'parents', readonly number[]> & { dropped: readonly string[] },
): Promise<Constraint[]> {
  return session.rows<Constraint>(
    `with recursive ${touched}, checks(oid, relation, name, inherited) as (
       select k.oid, k.conrelid, k.conname, k.coninhcount > 0 from pg_catalog.pg_constraint k
       where k.contype in ('c', 'n') and not k.convalidated
         and (k.conrelid in (select oid from touched) or k.conrelid = any ($2::oid[]))
       union select up.oid, up.conrelid, up.conname, up.coninhcount > 0 from checks
       join pg_catalog.pg_inherits i on i.inhrelid = checks.relation
       join pg_catalog.pg_constraint up on up.conrelid = i.inhparent and up.conname = checks.name and up.contype in ('c', 'n'))
     select k.oid, n.nspname as schema, c.relname as name, k.conname as constraint,
       pg_catalog.pg_get_constraintdef(k.oid) as definition, pg_catalog.obj_description(k.oid, 'pg_constraint') as comment
     from checks join pg_catalog.pg_constraint k on k.oid = checks.oid join pg_catalog.pg_class c on c.oid = k.conrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where not checks.inherited and n.nspname <> all ($3::text[]) order by 2, 3, 4`,
    [oids, parents, dropped],
  );
}

/**
 * Made later than the check, or looked through since, a child or partition has proven its copy, which is put back with the check and as little proven.
 * What is in a schema that is made anew comes as proven as the dump has it.
 */
async function provenCopies(
  session: Connection,
  checks: readonly Constraint[],
  dropped: readonly string[],
): Promise<string[]> {
  if (checks.length === 0) return [];
  const found = await session.rows<TableName & { constraint: string }>(
    `with recursive copies(relation, name, proven) as (
       select k.conrelid, k.conname, k.convalidated from pg_catalog.pg_constraint k where k.oid = any ($1::oid[])
       union select k.conrelid, k.conname, k.convalidated from copies join pg_catalog.pg_inherits i on i.inhparent = copies.relation
       join pg_catalog.pg_constraint k on k.conrelid = i.inhrelid and k.conname = copies.name and k.contype in ('c', 'n'))
     select n.nspname as schema, c.relname as name, copies.name as constraint from copies
     join pg_catalog.pg_class c on c.oid = copies.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where copies.proven and n.nspname <> all ($2::text[]) order by 1, 2, 3`,
    [checks.map(({ oid }) => oid), dropped],
  );
  return found.map((each) => `ALTER TABLE ${quoteTable(each)} VALIDATE CONSTRAINT ${quoteIdent(each.constraint)}`);
}

function addConstraint({ constraint, definition, comment, ...table }: Constraint): string[] {
  const name = quoteIdent(constraint);
  const add = `ALTER TABLE ${quoteTable(table)} ADD CONSTRAINT ${name} ${definition}`;
  if (comment === null) return [add];
  return [add, `COMMENT ON CONSTRAINT ${name} ON ${quoteTable(table)} IS ${quoteLiteral(comment)}`];
}
