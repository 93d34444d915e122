import type { TableName } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { displayTable, quoteLiteral, quoteTable } from '../connect/names.ts';
import type { Replacement } from './replacement.ts';
import { block } from '../connect/do-block.ts';
import { touched } from './statements.ts';
import type { TocEntry } from '../read/toc.ts';

/**
 * Positions for tables that exist (`oids`) and get their rows back. A sequence that is theirs alone is set to where it stood. One that anything
 * else counts with as well is only ever moved on: set back, it would give out again what the others have used since.
 */
export async function planSequences(
  session: Connection,
  positions: readonly TocEntry[],
  oids: readonly number[],
): Promise<Replacement> {
  const shared = await sharedSequences(session, positions.map(nameOf), oids);
  const plan: Replacement = { entries: [], before: [], after: [], warnings: [] };
  for (const entry of positions) {
    const sequence = shared.find(({ schema, name }) => schema === entry.schema && name === entry.name);
    if (sequence === undefined) {
      plan.entries.push(entry);
      // Setting a position is not undone by a rollback, unless the sequence was given a new file in the same transaction.
      plan.before.push(`ALTER SEQUENCE ${quoteTable(nameOf(entry))} RESTART`);
      continue;
    }
    const saved = positionIn(entry.definition);
    const left = `the sequence ${displayTable(sequence)} was left`;
    if (saved === null) {
      plan.warnings.push(`${left} as it is: what is not restored counts with it as well`);
      continue;
    }
    const live = await session.row<Position>(
      `select last_value::text as value, is_called as called from ${quoteTable(sequence)}`,
    );
    plan.after.push(moveOn(sequence, saved));
    if (!isBehind(saved, live, sequence.increment)) continue;
    plan.warnings.push(
      `${left} at ${live.value} and not set back to ${saved.value}: what is not restored counts with it as well`,
    );
  }
  return plan;
}

interface Position {
  value: string;
  called: boolean;
}

interface SharedSequence extends TableName {
  increment: string;
}

function nameOf({ schema, name }: TocEntry): TableName {
  return { schema: schema ?? '', name };
}

/** `SELECT pg_catalog.setval('public.ids', 5, true);` */
function positionIn(definition: string): Position | null {
  const found = /setval\('(?:[^']|'')*', (-?\d+), (true|false)\)/.exec(definition);
  return found && { value: found[1] ?? '', called: found[2] === 'true' };
}

function isBehind(one: Position, other: Position, increment: string): boolean {
  if (one.value === other.value) return !one.called && other.called;
  return BigInt(one.value) < BigInt(other.value) === !increment.startsWith('-');
}

/** Those of the names that are not, or not only, the tables': owned by none of them, or used by anything but their own columns. */
async function sharedSequences(
  session: Connection,
  names: readonly TableName[],
  oids: readonly number[],
): Promise<SharedSequence[]> {
  if (names.length === 0) return [];
  return session.rows<SharedSequence>(
    `with recursive ${touched}
     select n.nspname as schema, c.relname as name, s.seqincrement::text as increment
     from pg_catalog.pg_sequence s join pg_catalog.pg_class c on c.oid = s.seqrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.jsonb_to_recordset($2::jsonb) as t(schema text, name text) on t.schema = n.nspname and t.name = c.relname
     where not exists (select from pg_catalog.pg_depend d
         where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype in ('a', 'i')
           and d.refclassid = d.classid and d.refobjid in (select oid from touched))
       or exists (select from pg_catalog.pg_depend d
         where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = c.oid and d.deptype = 'n'
           and not exists (select from pg_catalog.pg_attrdef a where d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
             and a.oid = d.objid and a.adrelid in (select oid from touched)))`,
    [oids, JSON.stringify(names)],
  );
}

/** Others may be counting meanwhile: only when it has to move is it locked, with the same new file as above, and looked at again. */
function moveOn(sequence: SharedSequence, { value, called }: Position): string {
  const name = quoteTable(sequence);
  const ahead = sequence.increment.startsWith('-') ? '>' : '<';
  return block(`
declare
  place bigint;
  used boolean;
begin
  for turn in 1..2 loop
    select last_value, is_called into place, used from ${name};
    if not (place ${ahead} ${value} or (place = ${value} and ${called} and not used)) then
      return;
    elsif turn = 1 then
      alter sequence ${name} increment by ${sequence.increment};
    end if;
  end loop;
  perform pg_catalog.setval(${quoteLiteral(name)}::pg_catalog.regclass, ${value}, ${called});
end`);
}
