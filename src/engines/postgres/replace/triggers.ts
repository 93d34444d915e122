import type { TableName } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { quoteIdent, quoteTable } from '../connect/names.ts';
import { block, json } from '../connect/do-block.ts';
import { touched } from './statements.ts';
import { readSwitchedKeys, switchAgain, triggerSetting, type SwitchedKey } from '../look/switched-keys.ts';
import type { TocEntry } from '../read/toc.ts';

interface Trigger extends TableName {
  trigger: string;
  enabled: string;
}

/**
 * Triggers of the tables sleep while rows are put in, and are then as they were. What partitions that are made meanwhile (`made`) have from them would
 * sleep on: it wakes as well, unless the dump itself says (`told`) how it was there. `dropped`: schemas that are made anew as a whole.
 */
export async function planTriggers(
  session: Connection,
  oids: readonly number[],
  { made, told }: { made: readonly TableName[]; told: readonly TocEntry[] },
  dropped: readonly string[],
): Promise<{ before: string[]; after: string[] }> {
  // Before 15, what a partition has from its table counts as internal.
  const triggers = await session.rows<Trigger>(
    `with recursive ${touched}
     select n.nspname as schema, c.relname as name, t.tgname as trigger, t.tgenabled::text as enabled
     from pg_catalog.pg_trigger t join touched on touched.oid = t.tgrelid join pg_catalog.pg_class c on c.oid = t.tgrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where (not t.tgisinternal or t.tgparentid <> 0 and t.tgconstraint = 0) and t.tgenabled <> 'D'
       and n.nspname <> all ($2::text[]) order by 1, 2, 3`,
    [oids, dropped],
  );
  const alter = (each: Trigger, how: string) =>
    `ALTER TABLE ONLY ${quoteTable(each)} ${how} ${quoteIdent(each.trigger)}`;
  return {
    before: triggers.map((each) => alter(each, 'DISABLE TRIGGER')),
    after: [
      ...triggers.map((each) => alter(each, triggerSetting(each.enabled))),
      ...(made.length > 0 && triggers.length > 0 ? [wakeCopies(triggers, made, told)] : []),
    ],
  };
}

function wakeCopies(triggers: readonly Trigger[], made: readonly TableName[], told: readonly TocEntry[]): string {
  const wanted = triggers.map((each) => ({
    of_table: quoteTable(each),
    trigger: each.trigger,
    setting: triggerSetting(each.enabled),
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

export interface ForeignKey extends TableName {
  oid: number;
  constraint: string;
}

/**
 * `ALTER TABLE ... DISABLE TRIGGER ALL` switches off foreign keys as well, here or on the table at the other end. Taken off and put back they would
 * be on again.
 */
export async function planKeyTriggers(
  session: Connection,
  keys: readonly ForeignKey[],
): Promise<{ after: string[]; warnings: string[] }> {
  const isTaken = ({ key, table }: SwitchedKey) =>
    keys.some(({ constraint, schema, name }) => constraint === key && schema === table.schema && name === table.name);
  return switchAgain(session, keys.length === 0 ? [] : (await readSwitchedKeys(session)).filter(isTaken));
}
