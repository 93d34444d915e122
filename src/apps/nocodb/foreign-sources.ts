import type { BaseFile } from './tree-format.ts';

interface PlacedTable {
  title: string;
  source_id: string | null;
}

/** What NocoDB calls a database that is not its own and that a table lies in; null: it lies in NocoDB's. */
export function foreignSource(sources: BaseFile['sources'], { source_id: id }: PlacedTable): string | null {
  const source = sources.find((each) => each.id === id);
  if (source === undefined || source.is_meta || source.is_local) return null;
  return typeof source['alias'] === 'string' && source['alias'] !== '' ? source['alias'] : source.id;
}

const named = 5;

/**
 * Tables of a database that somebody has connected to NocoDB are in no dump of NocoDB's own, and of their records only an export is saved,
 * most of which NocoDB does not take back.
 */
export function tellForeign(title: string, sources: BaseFile['sources'], tables: readonly PlacedTable[]): string[] {
  const bySource = new Map<string, string[]>();
  for (const table of tables) {
    const source = foreignSource(sources, table);
    if (source !== null) bySource.set(source, [...(bySource.get(source) ?? []), table.title]);
  }
  return [...bySource].map(([source, all]) => {
    const some = all.slice(0, named).join(', ');
    const rest = all.length > named ? ` and ${all.length - named} more` : '';
    return `the tables ${some}${rest} of base ${title} lie in the connected database ${source}: give it a source of its own, since NocoDB does not take back records of tables that it has not made`;
  });
}
