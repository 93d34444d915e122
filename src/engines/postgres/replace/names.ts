import { HoldfastError } from '../../../base/errors.ts';
import type { TableName } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { displayTable } from '../connect/names.ts';
import { ownersOf } from '../read/select-entries.ts';
import type { TocEntry } from '../read/toc.ts';

/** A table that was renamed or moved keeps the names of its indexes, keys and sequences: one that is made anew beside it could not have its own. */
export async function refuseTakenNames(
  session: Connection,
  all: readonly TocEntry[],
  made: ReadonlySet<TocEntry>,
): Promise<void> {
  if (made.size === 0) return;
  const owners = ownersOf(all);
  const names = all.flatMap((entry) => {
    const owner = owners.get(entry);
    const name = owner && made.has(owner) ? relationIn(entry, owner) : null;
    return owner && name !== null ? [{ schema: entry.schema ?? '', name, of: nameOf(owner) }] : [];
  });
  const taken = await session.rows<TableName & { of: TableName }>(
    `select w.schema, w.name, w.of from pg_catalog.jsonb_to_recordset($1::jsonb) as w(schema text, name text, of jsonb)
     join pg_catalog.pg_namespace n on n.nspname = w.schema
     where exists (select from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relname = w.name)
       or exists (select from pg_catalog.pg_statistic_ext s where s.stxnamespace = n.oid and s.stxname = w.name)
     order by 1, 2`,
    [JSON.stringify(names)],
  );
  const [first] = taken;
  if (!first) return;
  const list = taken.slice(0, 3).map(displayTable).join(', ');
  const more = taken.length > 3 ? ` and ${taken.length - 3} more` : '';
  const table = displayTable(first.of);
  const why =
    taken.length === 1
      ? `is there already, and ${table} needs the name`
      : `are there already, and ${table} needs the names`;
  throw new HoldfastError('NAME_TAKEN', `${list}${more} ${why}`, {
    kind: 'refused',
    hint: 'A table that was renamed keeps the names of its indexes, keys and sequences: rename these as well. Or restore beside the live database with `--into` and copy what you need from there.',
  });
}

function nameOf({ schema, name }: TocEntry): TableName {
  return { schema: schema ?? '', name };
}

/** What the entry makes besides its table under a name that must be free in the schema. */
function relationIn({ kind, name, definition }: TocEntry, owner: TocEntry): string | null {
  if (kind === 'INDEX' || kind === 'STATISTICS' || kind === 'SEQUENCE') return name;
  const hasIndex = kind === 'CONSTRAINT' && / (?:PRIMARY KEY|UNIQUE|EXCLUDE) /.test(definition);
  return hasIndex ? name.slice(owner.name.length + 1) : null;
}
