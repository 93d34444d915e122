import type { TableName } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { displayName, displayTable, quoteIdent, quoteTable } from '../connect/names.ts';
import { block, json } from '../connect/do-block.ts';
import type { TocEntry } from '../read/toc.ts';

/** A trigger of a foreign key, or of a key that may be deferred, which is not on as it was made: `DISABLE TRIGGER ALL` does that. */
export interface SwitchedKey {
  key: string;
  /** Where it was declared: its copies on partitions follow. */
  table: TableName;
  on: TableName;
  /** A key made anew has triggers of other names: what they call tells them apart. */
  calls: string;
  enabled: string;
}

/** Of all that triggers are, pg_dump says nothing of these. */
export async function readSwitchedKeys(session: Connection): Promise<SwitchedKey[]> {
  return session.rows<SwitchedKey>(`
    with recursive climb(trigger, oid) as (
      select t.oid, t.tgconstraint from pg_catalog.pg_trigger t where t.tgisinternal and t.tgconstraint <> 0 and t.tgenabled <> 'O'
      union all
      select climb.trigger, k.conparentid from climb join pg_catalog.pg_constraint k on k.oid = climb.oid where k.conparentid <> 0)
    select k.conname as key, pg_catalog.jsonb_build_object('schema', kn.nspname, 'name', kc.relname) as table,
      pg_catalog.jsonb_build_object('schema', n.nspname, 'name', c.relname) as on, p.proname as calls, t.tgenabled::text as enabled
    from climb join pg_catalog.pg_constraint k on k.oid = climb.oid and k.conparentid = 0
    join pg_catalog.pg_class kc on kc.oid = k.conrelid join pg_catalog.pg_namespace kn on kn.oid = kc.relnamespace
    join pg_catalog.pg_trigger t on t.oid = climb.trigger join pg_catalog.pg_proc p on p.oid = t.tgfoid
    join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    order by kn.nspname, kc.relname, k.conname, n.nspname, c.relname, p.proname`);
}

/**
 * Of a partition on which it is switched another way than on its table, pg_dump says so, by a name that the trigger had there and has nowhere else:
 * pg_restore would end with it.
 */
export function namesKeyTrigger({ kind, definition }: Pick<TocEntry, 'kind' | 'definition'>): boolean {
  return kind === 'TRIGGER' && /^\s*ALTER TABLE .+ TRIGGER "RI_ConstraintTrigger_[ac]_\d+";\s*$/.test(definition);
}

/** Where nothing else tells which keys these were. */
export function forgottenKeys(entries: readonly TocEntry[]): string[] {
  const tables = entries.filter(namesKeyTrigger).map(({ schema, name }) => {
    return displayTable({ schema: schema ?? '', name: name.replace(/ RI_ConstraintTrigger_[ac]_\d+$/, '') });
  });
  return [...new Set(tables)].map(
    (table) => `a foreign key of ${table} was switched off, or another way, and is on now: the dump does not say which`,
  );
}

/** As they were when the backup was made. `made`: only of these tables; null: of all. */
export async function planSwitchedKeys(
  session: Connection,
  all: readonly SwitchedKey[],
  made: readonly TableName[] | null,
): Promise<{ after: string[]; warnings: string[] }> {
  const isMade = ({ table }: SwitchedKey) =>
    made?.some((each) => each.schema === table.schema && each.name === table.name);
  return switchAgain(session, made === null ? all : all.filter(isMade));
}

/** In a database that was loaded just now. */
export async function switchKeys(access: Access, keys: readonly SwitchedKey[], signal: AbortSignal): Promise<string[]> {
  if (keys.length === 0) return [];
  await using session = await access.connect(signal);
  const { after, warnings } = await switchAgain(session, keys);
  for (const statement of after) await session.rows(statement);
  return warnings;
}

export async function switchAgain(
  session: Connection,
  keys: readonly SwitchedKey[],
): Promise<{ after: string[]; warnings: string[] }> {
  if (keys.length === 0) return { after: [], warnings: [] };
  const isSuperuser = (await session.value(`select pg_catalog.current_setting('is_superuser')`)) === 'on';
  if (isSuperuser) return { after: [setAgain(keys)], warnings: [] };
  return {
    after: [],
    warnings: namesOf(keys).map(
      (name) =>
        `the ${name} was switched off, in part or in whole, and is on now: only a superuser may switch it off again`,
    ),
  };
}

/** Rows may have come in meanwhile that it would not have let in, and will not when it is made again. */
export function switchedOff(keys: readonly SwitchedKey[]): string[] {
  return namesOf(keys.filter(({ enabled }) => enabled === 'D')).map(
    (name) =>
      `the ${name} is switched off: where its rows do not fit, this backup cannot be restored, which a drill tells`,
  );
}

function namesOf(keys: readonly SwitchedKey[]): string[] {
  const kind = (calls: string) => (calls === 'unique_key_recheck' ? 'key' : 'foreign key');
  return [
    ...new Set(keys.map(({ key, table, calls }) => `${kind(calls)} ${displayName(key)} of ${displayTable(table)}`)),
  ];
}

/** How a trigger is set to fire in its way. */
export function triggerSetting(enabled: string): string {
  if (enabled === 'D') return 'DISABLE TRIGGER';
  if (enabled === 'R') return 'ENABLE REPLICA TRIGGER';
  return enabled === 'A' ? 'ENABLE ALWAYS TRIGGER' : 'ENABLE TRIGGER';
}

function setAgain(keys: readonly SwitchedKey[]): string {
  const states = keys.map(({ key, table, on, calls, enabled }) => ({
    key,
    key_of: quoteTable(table),
    on_table: quoteTable(on),
    calls: `pg_catalog.${quoteIdent(calls)}`,
    setting: triggerSetting(enabled),
  }));
  return block(`
declare
  item record;
  role text := pg_catalog.current_setting('session_replication_role');
begin
  -- The event triggers of the database are there already, and one may refuse whatever is defined.
  perform pg_catalog.set_config('session_replication_role', 'replica', true);
  for item in
    with recursive family(oid, on_table, calls, setting) as (
      select k.oid, w.on_table, w.calls, w.setting
      from pg_catalog.jsonb_to_recordset(${json(states)}) as w(key text, key_of text, on_table text, calls text, setting text)
      join pg_catalog.pg_constraint k on k.conname = w.key and k.conrelid = pg_catalog.to_regclass(w.key_of)
      union select k.oid, family.on_table, family.calls, family.setting
      from family join pg_catalog.pg_constraint k on k.conparentid = family.oid)
    select family.on_table, family.setting, t.tgname from family join pg_catalog.pg_trigger t on t.tgconstraint = family.oid
      and t.tgrelid = pg_catalog.to_regclass(family.on_table) and t.tgfoid = family.calls::pg_catalog.regproc
    order by 1, 3
  loop
    execute pg_catalog.format('alter table only %s %s %I', item.on_table, item.setting, item.tgname);
  end loop;
  perform pg_catalog.set_config('session_replication_role', role, true);
end`);
}
