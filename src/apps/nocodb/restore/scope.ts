import { HoldfastError } from '../../../base/errors.ts';
import type { BasesRequest } from '../../app.ts';
import type { SavedBase, SavedTable } from './saved-tree.ts';

/** What of one base is restored, and into which. */
export interface Scope {
  base: SavedBase;
  /** What the base is called where it is restored to. */
  title: string;
  /** Another name than its own was asked for. */
  renamed: boolean;
  tables: SavedTable[];
  /** All of its tables. */
  whole: boolean;
  /** Ids of the other bases of the backup. */
  others: ReadonlySet<string>;
}

/** The bases and tables that were asked for, by title or id. A name that means nothing, or two things, is refused. */
export function scopesOf(
  bases: readonly SavedBase[],
  { bases: wantedBases, tables: wantedTables, intoBase }: BasesRequest,
): Scope[] {
  for (const wanted of wantedBases) {
    if (!bases.some(({ file }) => isCalled(file.base, wanted))) throw unknown('base', wanted, namesOf(bases));
  }
  const chosen =
    wantedBases.length === 0
      ? bases
      : bases.filter(({ file }) => wantedBases.some((wanted) => isCalled(file.base, wanted)));
  for (const wanted of wantedTables) checkTable(chosen, wanted);
  const scopes = chosen.flatMap((base): Scope[] => {
    const all = [...base.tables.values()];
    const tables =
      wantedTables.length === 0
        ? all
        : all.filter(({ schema }) => wantedTables.some((wanted) => isCalled(schema.table, wanted)));
    if (wantedTables.length > 0 && tables.length === 0) return [];
    return [
      {
        base,
        title: intoBase ?? base.file.base.title,
        renamed: intoBase !== null,
        tables,
        whole: tables.length === all.length,
        others: new Set(bases.filter((each) => each !== base).map(({ file }) => file.base.id)),
      },
    ];
  });
  if (intoBase !== null && scopes.length !== 1) {
    throw new HoldfastError('NOCODB_SCOPE', `${scopes.length} bases cannot be restored into one`, {
      kind: 'usage',
      hint: `Name the base that is to be restored into ${intoBase}: ${namesOf(bases)}.`,
    });
  }
  return scopes;
}

function checkTable(bases: readonly SavedBase[], wanted: string): void {
  const holders = bases.filter(({ tables }) =>
    [...tables.values()].some(({ schema }) => isCalled(schema.table, wanted)),
  );
  if (holders.length === 0) {
    const titles = bases.flatMap(({ tables }) => [...tables.values()].map(({ schema }) => schema.table.title));
    throw unknown('table', wanted, titles.slice(0, 20).join(', '));
  }
  if (holders.length > 1) {
    throw new HoldfastError('NOCODB_SCOPE', `more than one base has a table ${wanted}`, {
      kind: 'usage',
      hint: `Name the base as well: ${namesOf(holders)}.`,
    });
  }
}

function isCalled({ id, title }: { id: string; title: string }, wanted: string): boolean {
  return wanted === title || wanted === id;
}

function namesOf(bases: readonly SavedBase[]): string {
  const titles = bases.map(({ file }) => file.base.title);
  // Two bases may have the same title; then only their ids tell them apart.
  const named = bases.map(({ file: { base } }) =>
    titles.filter((title) => title === base.title).length > 1 ? `${base.title} (${base.id})` : base.title,
  );
  return named.slice(0, 20).join(', ');
}

function unknown(what: string, wanted: string, known: string): HoldfastError {
  return new HoldfastError('NOCODB_SCOPE', `the backup has no ${what} ${wanted}`, {
    kind: 'usage',
    hint: `It has: ${known === '' ? 'none' : known}.`,
  });
}
