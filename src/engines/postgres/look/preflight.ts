import { HoldfastError } from '../../../base/errors.ts';
import { formatBytes } from '../../../base/units.ts';
import type { Connection } from '../connect/connection.ts';
import { displayName, displayTable, quoteIdent, quoteTable } from '../connect/names.ts';
import { hasRows, type Relation, type Selection } from './tables.ts';

export interface Problem {
  code: 'DATABASE_NO_PRIVILEGE' | 'DATABASE_ROW_SECURITY' | 'DATABASE_VALUE_TOO_LARGE';
  message: string;
  hint: string;
}

/** Everything that would make a dump fail, found before it begins. */
export async function findProblems(connection: Connection, selection: Selection): Promise<Problem[]> {
  return [
    ...rightsProblems(selection, connection.address.user),
    ...(await largeObjectProblems(connection)),
    ...(await largeValueProblems(connection, selection)),
  ];
}

/** One error that tells all of them; with a single kind of problem it has that kind's code. */
export function preflightError(problems: readonly Problem[], database: string): HoldfastError | null {
  const [first] = problems;
  if (!first) return null;
  const same = problems.every((each) => each.code === first.code);
  const message = `${database} cannot be dumped whole: ${problems.map((each) => each.message).join('; ')}`;
  return new HoldfastError(same ? first.code : 'DATABASE_NOT_DUMPABLE', message, {
    hint: [...new Set(problems.map((each) => each.hint))].join(' '),
    details: { problems: problems.map(({ code, message: what }) => ({ code, message: what })) },
  });
}

/** What the role may not read, schemas first: without them no table in them can be read either. */
export function rightsProblems({ relations, withoutRows }: Selection, user: string): Problem[] {
  const problems: Problem[] = [];
  const read = relations.filter((each) => each.kind === 'r' || each.kind === 'p' || each.kind === 'S');
  const schemas = [...new Set(read.filter((each) => !each.usable).map((each) => each.schema))];
  if (schemas.length > 0) {
    problems.push({
      code: 'DATABASE_NO_PRIVILEGE',
      message: `${user} may not use the schema${schemas.length > 1 ? 's' : ''} ${listed(schemas.map(displayName))}`,
      hint: readHint(user),
    });
  }
  const closed = read.filter((each) => each.usable && !each.readable);
  if (closed.length > 0) {
    problems.push({
      code: 'DATABASE_NO_PRIVILEGE',
      message: `${user} may not read ${listed(closed.map(displayTable))}`,
      hint: readHint(user),
    });
  }
  const filtered = read.filter((each) => each.filtered && hasRows(each) && !withoutRows.has(each.oid));
  if (filtered.length > 0) {
    problems.push({
      code: 'DATABASE_ROW_SECURITY',
      message: `row security would hide rows of ${listed(filtered.map(displayTable))} from ${user}`,
      hint: `Use a role with BYPASSRLS or the owner of the tables.`,
    });
  }
  return problems;
}

function readHint(user: string): string {
  return `Grant it (GRANT pg_read_all_data TO ${quoteIdent(user)} covers tables, sequences and schemas), or use the role that owns them.`;
}

function listed(names: readonly string[]): string {
  const shown = 20;
  const rest = names.length - shown;
  return rest > 0 ? `${names.slice(0, shown).join(', ')} and ${rest} more` : names.join(', ');
}

async function largeObjectProblems(connection: Connection): Promise<Problem[]> {
  const closed = await connection.value(`
    select pg_catalog.count(*)::text from pg_catalog.pg_largeobject_metadata o
    where not pg_catalog.pg_has_role(o.lomowner, 'usage')
      and not (select rolsuper from pg_catalog.pg_roles where rolname = current_user)
      and pg_catalog.current_setting('lo_compat_privileges') <> 'on'
      and not exists (select from pg_catalog.aclexplode(o.lomacl) x
        where x.privilege_type = 'SELECT' and (x.grantee = 0 or pg_catalog.pg_has_role(x.grantee, 'usage')))`);
  if (closed === '0') return [];
  const { user } = connection.address;
  return [
    {
      code: 'DATABASE_NO_PRIVILEGE',
      message: `${user} may not read ${closed} large object${closed === '1' ? '' : 's'}`,
      hint: `Grant SELECT on the large objects to ${quoteIdent(user)}, or use their owner.`,
    },
  ];
}

/** A row as text may have 1 GB; bytea doubles. Nothing smaller than this much out-of-line content can hold such a row, even compressed. */
const rowLimit = 1_073_741_000;
const suspiciousBytes = 4 * 1024 * 1024;
const lookMs = 10_000;

/**
 * Values that pg_dump cannot write. Lengths are known without reading the values, so only the tables' own pages are read; a table for
 * which that takes too long is left to the dump, whose error then names it.
 */
async function largeValueProblems(connection: Connection, { relations, withoutRows }: Selection): Promise<Problem[]> {
  const toasted = relations.filter((each) => hasRows(each) && each.toast !== null && !withoutRows.has(each.oid));
  const suspects = await suspectTables(connection, toasted);
  const problems: Problem[] = [];
  const deadline = performance.now() + lookMs;
  for (const { relation, columns } of suspects) {
    const left = Math.ceil(deadline - performance.now());
    if (left <= 0) break;
    const largest = await largestRow(connection, relation, columns, left);
    if (largest < rowLimit) continue;
    problems.push({
      code: 'DATABASE_VALUE_TOO_LARGE',
      message: `a row of ${displayTable(relation)} needs ${formatBytes(largest)} as text, and pg_dump can write 1 GB`,
      hint: "Move the value to a large object, split it, or leave the table's rows out with dump.exclude.tableData.",
    });
  }
  return problems;
}

interface Suspect {
  relation: Relation;
  columns: { name: string; doubled: boolean }[];
}

async function suspectTables(connection: Connection, relations: readonly Relation[]): Promise<Suspect[]> {
  const toasts = relations.flatMap((each) => each.toast ?? []);
  if (toasts.length === 0) return [];
  const rows = await connection.rows<{ table: number; name: string; doubled: boolean }>(
    `select c.oid as table, a.attname as name, a.atttypid = 'pg_catalog.bytea'::pg_catalog.regtype as doubled
     from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.reltoastrelid = any ($1::oid[]) and a.atttypid in ('pg_catalog.bytea'::pg_catalog.regtype, 'pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype)
       and pg_catalog.pg_relation_size(c.reltoastrelid) >= $2`,
    [toasts, suspiciousBytes],
  );
  return relations.flatMap((relation) => {
    const columns = rows.filter((row) => row.table === relation.oid);
    return columns.length > 0 ? [{ relation, columns }] : [];
  });
}

async function largestRow(
  connection: Connection,
  relation: Relation,
  columns: Suspect['columns'],
  limitMs: number,
): Promise<number> {
  const widths = columns.map(({ name, doubled }) => {
    return `coalesce(pg_catalog.octet_length(${quoteIdent(name)})::bigint * ${doubled ? 2 : 1}, 0)`;
  });
  try {
    await connection.rows(`set statement_timeout = ${limitMs}`);
    return Number(
      (await connection.value(
        `select pg_catalog.max(${widths.join(' + ')})::text from only ${quoteTable(relation)}`,
      )) ?? 0,
    );
  } catch (error) {
    if (error instanceof HoldfastError && ['DATABASE_TIMEOUT', 'DATABASE_LOCKED'].includes(error.code)) return 0;
    throw error;
  } finally {
    await connection.rows('set statement_timeout = 0').catch(() => undefined);
  }
}
