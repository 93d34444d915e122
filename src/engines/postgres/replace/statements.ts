import type { Counts } from '../../engine.ts';
import { block, json } from '../connect/do-block.ts';
import { quoteIdent } from '../connect/names.ts';

/** Begins the one transaction. Locks are waited for only here, before anything is changed: the dump's own script lifts the limit again. */
export function beginStatements(lockTimeoutMs: number): string[] {
  return [
    `SET client_encoding = 'UTF8'`,
    // pg_restore begins a transaction of its own inside ours, which is only worth a warning.
    'SET client_min_messages = error',
    'SET statement_timeout = 0',
    `SET lock_timeout = ${lockTimeoutMs}`,
    `SET search_path = ''`,
    // Also where the database or the role is read-only unless somebody says otherwise: the operator did.
    'BEGIN READ WRITE',
  ];
}

/** The marker by which the comparison's own error is recognised among the server's. */
export const differsMark = 'holdfast compared: ';

/** The dump's script may have set another encoding, and what follows is text of ours. Its warnings are told. */
export const afterScript: readonly string[] = [`SET client_encoding = 'UTF8'`, 'SET client_min_messages = warning'];

/** The last statements before the commit: every deferred check now, then the comparison. */
export function checkStatements(expected: Counts): string[] {
  return ['SET CONSTRAINTS ALL IMMEDIATE', compareBlock(expected)];
}

/** Raises when rows or positions are not those of the backup's own snapshot. */
export function compareBlock(expected: Counts): string {
  const tables = expected.tables.map(({ schema, name, rows }) => ({ schema, name, rows }));
  return block(`
declare
  item record;
  rows bigint;
  place text;
  used boolean;
  wrong text[] := '{}';
begin
  for item in select * from pg_catalog.jsonb_to_recordset(${json(tables)}) as t(schema text, name text, rows bigint) loop
    if pg_catalog.to_regclass(pg_catalog.format('%I.%I', item.schema, item.name)) is null then
      wrong := wrong || pg_catalog.format('table %I.%I is missing', item.schema, item.name);
    elsif item.rows is not null then
      execute pg_catalog.format('select pg_catalog.count(*) from only %I.%I', item.schema, item.name) into rows;
      if rows <> item.rows then
        wrong := wrong || pg_catalog.format('table %I.%I has %s rows instead of %s', item.schema, item.name, rows, item.rows);
      end if;
    end if;
  end loop;
  for item in select * from pg_catalog.jsonb_to_recordset(${json(expected.sequences)})
      as s(schema text, name text, value numeric, called boolean, until numeric) loop
    if pg_catalog.to_regclass(pg_catalog.format('%I.%I', item.schema, item.name)) is null then
      wrong := wrong || pg_catalog.format('sequence %I.%I is missing', item.schema, item.name);
    else
      execute pg_catalog.format('select last_value::text, is_called from %I.%I', item.schema, item.name) into place, used;
      if item.until is not null then
        if place::numeric not between least(item.value, item.until) and greatest(item.value, item.until) then
          wrong := wrong || pg_catalog.format('sequence %I.%I stands at %s', item.schema, item.name, place);
        end if;
      elsif place::numeric <> item.value or used <> item.called then
        wrong := wrong || pg_catalog.format('sequence %I.%I stands at %s instead of %s', item.schema, item.name, place, item.value);
      end if;
    end if;
  end loop;
  if pg_catalog.cardinality(wrong) > 0 then
    raise exception '${differsMark}%', pg_catalog.array_to_string(wrong[1:5], ', ')
      || case when pg_catalog.cardinality(wrong) > 5 then pg_catalog.format(' and %s more', pg_catalog.cardinality(wrong) - 5) else '' end;
  end if;
end`);
}

/** Drops everything users made in the database but the kept schemas themselves, extensions and subscriptions. */
export function emptyDatabase(keptSchemas: readonly string[]): string[] {
  const kept = `${json(keptSchemas)} ? nspname`;
  return [
    block(`
declare
  item record;
begin
  ${dropEach(`select 'event trigger' as type, pg_catalog.quote_ident(evtname) as identity from pg_catalog.pg_event_trigger e
    where ${notOfExtension('pg_event_trigger', 'e.oid')} order by 2`)}
  ${dropEach(`select 'publication' as type, pg_catalog.quote_ident(pubname) as identity from pg_catalog.pg_publication order by 2`)}
  ${dropEach(`select 'schema' as type, pg_catalog.quote_ident(nspname) as identity from pg_catalog.pg_namespace
    where nspname !~ '^pg_' and nspname <> 'information_schema' and not ${kept} order by 2`)}
end`),
    emptySchemas(keptSchemas),
    block(`
declare
  item record;
begin
  ${dropEach(`select case o.type when 'foreign-data wrapper' then 'foreign data wrapper' else o.type end as type,
      pg_catalog.replace(o.identity, ' on language ', ' language ') as identity from (
      select 'pg_catalog.pg_foreign_data_wrapper'::regclass as class, oid from pg_catalog.pg_foreign_data_wrapper
      union all select 'pg_catalog.pg_foreign_server'::regclass, oid from pg_catalog.pg_foreign_server
      union all select 'pg_catalog.pg_cast'::regclass, oid from pg_catalog.pg_cast
      union all select 'pg_catalog.pg_transform'::regclass, oid from pg_catalog.pg_transform
      union all select 'pg_catalog.pg_language'::regclass, oid from pg_catalog.pg_language
      union all select 'pg_catalog.pg_am'::regclass, oid from pg_catalog.pg_am
    ) own, pg_catalog.pg_identify_object(own.class, own.oid, 0) o
    where own.oid >= 16384 and not exists (select from pg_catalog.pg_depend d
      where d.classid = own.class and d.objid = own.oid and d.deptype = 'e')
    order by 1, 2`)}
  perform pg_catalog.lo_unlink(oid) from pg_catalog.pg_largeobject_metadata;
end`),
  ];
}

/** Drops what is in these schemas and belongs to no extension; the schemas stay, with their owner and privileges. */
export function emptySchemas(schemas: readonly string[]): string {
  // What depends on its table or type from the inside goes with it and cannot go alone; that a column does (of a partition key) says nothing of
  // its table. Of an aggregate only the list of all its arguments is told, which is not how an aggregate is dropped, but a routine.
  return block(`
declare
  item record;
begin
  ${dropEach(`select case o.type when 'statistics object' then 'statistics' when 'aggregate' then 'routine' else o.type end as type, o.identity
    from pg_catalog.pg_depend d join pg_catalog.pg_namespace n on n.oid = d.refobjid,
      pg_catalog.pg_identify_object(d.classid, d.objid, 0) o
    where d.refclassid = 'pg_catalog.pg_namespace'::regclass and d.deptype = 'n'
      and ${json(schemas)} ? n.nspname
      and d.classid not in ('pg_catalog.pg_extension'::regclass, 'pg_catalog.pg_default_acl'::regclass)
      and not exists (select from pg_catalog.pg_depend i
        where i.classid = d.classid and i.objid = d.objid and i.objsubid = 0 and i.deptype in ('e', 'i'))
    order by case when o.type in ('table', 'foreign table', 'view', 'materialized view') then 0
      when o.type in ('operator class', 'operator family', 'operator') then 1
      when o.type = 'type' then 3 else 2 end`)}
end`);
}

/** Rows of extensions' own tables that a dump carries (`pg_extension_config_dump`) would otherwise be there twice. */
export function emptyExtensionTables(tables: readonly { schema: string | null; name: string }[]): string[] {
  if (tables.length === 0) return [];
  return [
    block(`
declare
  item record;
begin
  for item in
    select c.oid::regclass as name, coalesce(e.extcondition[k.place], '') as condition
    from pg_catalog.pg_extension e, pg_catalog.unnest(e.extconfig) with ordinality k(oid, place)
    join pg_catalog.pg_class c on c.oid = k.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.jsonb_to_recordset(${json(tables)}) as t(schema text, name text) on t.schema = n.nspname and t.name = c.relname
    where c.relkind = 'r'
  loop
    execute pg_catalog.format('delete from %s %s', item.name, item.condition);
  end loop;
end`),
  ];
}

export function dropSchemas(schemas: readonly string[]): string[] {
  return schemas.map((schema) => `DROP SCHEMA IF EXISTS ${quoteIdent(schema)} CASCADE`);
}

function dropEach(query: string): string {
  // Every query sorts, so that all names are known before the first drop; what one drop took along is gone without an error.
  return `for item in ${query}
  loop
    execute pg_catalog.format('drop %s if exists %s cascade', item.type, item.identity);
  end loop;`;
}

function notOfExtension(catalog: string, oid: string): string {
  return `not exists (select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'e')`;
}

/** The tables `$1` with all their partitions. */
export const touched = `touched(oid) as (
  select pg_catalog.unnest($1::oid[])
  union select i.inhrelid from pg_catalog.pg_inherits i join touched on touched.oid = i.inhparent
  join pg_catalog.pg_class c on c.oid = i.inhrelid where c.relispartition)`;
