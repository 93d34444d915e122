import type { TableName } from '../engine.ts';
import type { Connection } from './connection.ts';
import { displayName, displayTable, quoteIdent, quoteTable } from './names.ts';
import { block, json, touched } from './replace-sql.ts';
import type { TocEntry } from './toc.ts';

interface Trigger extends TableName {
  trigger: string;
  enabled: string;
}

/**
 * Triggers of the tables sleep while rows are put in, and are then as they were. What partitions that are made meanwhile (`made`) have from them would
 * sleep on: it wakes as well, unless the dump itself says (`told`) how it was there.
 */
export async function planTriggers(
  session: Connection,
  oids: readonly number[],
  made: readonly TableName[],
  told: readonly TocEntry[],
): Promise<{ before: string[]; after: string[] }> {
  // Before 15, what a partition has from its table counts as internal.
  const triggers = await session.rows<Trigger>(
    `with recursive ${touched}
     select n.nspname as schema, c.relname as name, t.tgname as trigger, t.tgenabled::text as enabled
     from pg_catalog.pg_trigger t join touched on touched.oid = t.tgrelid join pg_catalog.pg_class c on c.oid = t.tgrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where (not t.tgisinternal or t.tgparentid <> 0 and t.tgconstraint = 0) and t.tgenabled <> 'D' order by 1, 2, 3`,
    [oids],
  );
  const alter = (each: Trigger, how: string) =>
    `ALTER TABLE ONLY ${quoteTable(each)} ${how} ${quoteIdent(each.trigger)}`;
  return {
    before: triggers.map((each) => alter(each, 'DISABLE TRIGGER')),
    after: [
      ...triggers.map((each) => alter(each, setting(each.enabled))),
      ...(made.length > 0 && triggers.length > 0 ? [wakeCopies(triggers, made, told)] : []),
    ],
  };
}

function wakeCopies(triggers: readonly Trigger[], made: readonly TableName[], told: readonly TocEntry[]): string {
  const wanted = triggers.map((each) => ({
    of_table: quoteTable(each),
    trigger: each.trigger,
    setting: setting(each.enabled),
  }));
  const left = told.map(({ schema, name }) => ({ schema, name }));
  return block(`
declare
  item record;
begin
  for item in
    with recursive family(oid, setting) as (
      select t.oid, w.setting from pg_catalog.jsonb_to_recordset(${json(wanted)}) as w(of_table text, trigger text, setting text)
      join pg_catalog.pg_trigger t on t.tgrelid = w.of_table::pg_catalog.regclass and t.tgname = w.trigger
      union select t.oid, family.setting from family join pg_catalog.pg_trigger t on t.tgparentid = family.oid)
    select family.setting, t.tgname, t.tgrelid::pg_catalog.regclass as on_table
    from family join pg_catalog.pg_trigger t on t.oid = family.oid join pg_catalog.pg_class c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.jsonb_to_recordset(${json(made)}) as m(schema text, name text) on m.schema = n.nspname and m.name = c.relname
    where not exists (select from pg_catalog.jsonb_to_recordset(${json(left)}) as l(schema text, name text)
      where l.schema = n.nspname and l.name = c.relname || ' ' || t.tgname)
    order by 3, 2
  loop
    execute pg_catalog.format('alter table only %s %s %I', item.on_table, item.setting, item.tgname);
  end loop;
end`);
}

function setting(enabled: string): string {
  if (enabled === 'D') return 'DISABLE TRIGGER';
  if (enabled === 'R') return 'ENABLE REPLICA TRIGGER';
  return enabled === 'A' ? 'ENABLE ALWAYS TRIGGER' : 'ENABLE TRIGGER';
}

export interface ForeignKey extends TableName {
  oid: number;
  constraint: string;
}

interface KeyTrigger extends TableName {
  key: number;
  /** A key made anew has triggers of other names: what they call tells them apart. */
  calls: string;
  enabled: string;
}

/**
 * `ALTER TABLE ... DISABLE TRIGGER ALL` switches off foreign keys as well, here or on the table at the other end. Taken off and put back they would
 * be on again.
 */
export async function planKeyTriggers(
  session: Connection,
  keys: readonly ForeignKey[],
): Promise<{ after: string[]; warnings: string[] }> {
  const found = await session.rows<KeyTrigger>(
    `with recursive family(key, oid) as (
       select pg_catalog.unnest($1::oid[]), pg_catalog.unnest($1::oid[])
       union select family.key, k.oid from pg_catalog.pg_constraint k join family on k.conparentid = family.oid)
     select family.key, n.nspname as schema, c.relname as name, p.proname as calls, t.tgenabled::text as enabled
     from family join pg_catalog.pg_trigger t on t.tgconstraint = family.oid join pg_catalog.pg_proc p on p.oid = t.tgfoid
     join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where t.tgenabled <> 'O'`,
    [keys.map(({ oid }) => oid)],
  );
  if (found.length === 0) return { after: [], warnings: [] };
  const states = keys.flatMap((key) => found.filter((each) => each.key === key.oid).map((each) => stateOf(key, each)));
  const isSuperuser = (await session.value(`select pg_catalog.current_setting('is_superuser')`)) === 'on';
  if (isSuperuser) return { after: [setAgain(states)], warnings: [] };
  const changed = keys.filter((key) => found.some((each) => each.key === key.oid));
  return {
    after: [],
    warnings: changed.map(
      (key) =>
        `the foreign key ${displayName(key.constraint)} of ${displayTable(key)} was switched off, in part or in whole, and is on now: only a superuser may switch it off again`,
    ),
  };
}

function stateOf({ schema, name, constraint }: ForeignKey, trigger: KeyTrigger) {
  return {
    key: constraint,
    key_of: quoteTable({ schema, name }),
    on_table: quoteTable(trigger),
    calls: `pg_catalog.${quoteIdent(trigger.calls)}`,
    setting: setting(trigger.enabled),
  };
}

function setAgain(states: readonly ReturnType<typeof stateOf>[]): string {
  return block(`
declare
  item record;
begin
  for item in
    with recursive family(oid, on_table, calls, setting) as (
      select k.oid, w.on_table, w.calls, w.setting
      from pg_catalog.jsonb_to_recordset(${json(states)}) as w(key text, key_of text, on_table text, calls text, setting text)
      join pg_catalog.pg_constraint k on k.conname = w.key and k.contype = 'f' and k.conrelid = w.key_of::pg_catalog.regclass
      union select k.oid, family.on_table, family.calls, family.setting
      from family join pg_catalog.pg_constraint k on k.conparentid = family.oid)
    select family.on_table, family.setting, t.tgname from family join pg_catalog.pg_trigger t on t.tgconstraint = family.oid
      and t.tgrelid = family.on_table::pg_catalog.regclass and t.tgfoid = family.calls::pg_catalog.regproc
    order by 1, 3
  loop
    execute pg_catalog.format('alter table only %s %s %I', item.on_table, item.setting, item.tgname);
  end loop;
end`);
}
