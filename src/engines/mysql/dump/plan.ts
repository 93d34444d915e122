import type { ChosenFormat } from './choose-format.ts';
import { dumpArgs, type DumpShape } from './arguments.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { listed } from '../connect/names.ts';
import type { DumpedTable, Relation, Selection } from '../look/tables.ts';
import { seriesOf, type ToolVersion } from '../connect/tool-version.ts';

/** Of the tool, in a session of its own. */
export interface DumpCall {
  args: string[];
  asStored: boolean;
}

export interface DumpPlan {
  format: ChosenFormat['format'];
  /** For everything that must see the snapshot. */
  calls: DumpCall[];
  /** The tables of each call of a directory, in the order it writes them. */
  groups: Relation[][];
  /** What is dumped without rows, and what has none: read when the rest is done. */
  structure: { sequences: string[][]; empty: string[][]; views: string[][]; code: string[][] };
  sequenceNames: string[];
  viewNames: string[];
  emptyNames: string[];
  /** What is not in it, and why. */
  warnings: string[];
  /** Tables as the dump holds them: with their history only where it does. */
  asDumped(tables: readonly Relation[]): DumpedTable[];
  /** Whether it is dumped as it is stored, so that it may not be stored otherwise meanwhile. */
  isAsStored(table: string): boolean;
}

export interface PlanFacts {
  tool: ToolVersion;
  format: ChosenFormat;
  selection: Selection;
  /** Tables whose rows are stored as they are written. */
  asWritten: ReadonlySet<string>;
  database: string;
}

/** 10.11 is the first whose dump tool writes history, and whose server takes it. */
const historySeries = 10_011;

export function planDump({ tool, format, selection, asWritten, database }: PlanFacts): DumpPlan {
  const { relations, excluded, withoutRows } = selection;
  const tables = relations.filter(({ kind }) => kind === 'table');
  const { saved, warnings } = historyOf(tool, format, selection);
  const full = tables.filter(({ name }) => !withoutRows.has(name));
  const allAsWritten = (some: readonly Relation[]) => some.every(({ name }) => asWritten.has(name));
  const base: Omit<DumpShape, 'what' | 'tables'> = {
    flavour: tool.flavour,
    database,
    withoutTables: [],
    withoutRows: [],
    history: saved.size > 0,
    asStored: false,
  };
  const only = (kind: Relation['kind']) => relations.filter((each) => each.kind === kind).map(({ name }) => name);
  const common = {
    sequenceNames: only('sequence'),
    viewNames: only('view'),
    emptyNames: only('table').filter((name) => withoutRows.has(name)),
    warnings,
    asDumped: (some: readonly Relation[]) =>
      some.map((each) => ({
        ...each,
        versioned: saved.has(each.name),
        undated: each.versioned && !saved.has(each.name),
      })),
  };
  if (format.format === 'plain') {
    const empty = common.emptyNames;
    if (empty.length > 0 && tool.flavour === 'mysql') {
      throw new HoldfastError(
        'TOOL_LACKS_FEATURE',
        'mysqldump cannot leave out the rows of single tables in a plain dump',
        {
          kind: 'usage',
          hint: 'Set dump.format to directory, or leave the whole tables out with dump.exclude.tables.',
        },
      );
    }
    const withoutTables = excluded.map(({ name }) => name);
    const asStored = allAsWritten(full);
    const args = dumpArgs({ ...base, what: 'everything', tables: null, withoutTables, withoutRows: empty, asStored });
    const structure = { sequences: [], empty: [], views: [], code: [] };
    const calls = [{ args, asStored }];
    return { ...common, format: 'plain', calls, groups: [], structure, isAsStored: () => asStored };
  }
  const apart = saved.size > 0 ? full.filter(({ byTransaction }) => byTransaction) : [];
  const groups =
    apart.length === 0
      ? share(full, format.jobs, asWritten)
      : [...share(difference(full, apart), format.jobs - 1, asWritten), apart];
  const asStored = new Set<string>();
  const calls = groups.map((group) => {
    const names = group.map(({ name }) => name);
    const history = names.some((name) => saved.has(name));
    if (!allAsWritten(group))
      return { args: dumpArgs({ ...base, history, what: 'tables', tables: names }), asStored: false };
    for (const name of names) asStored.add(name);
    return { args: dumpArgs({ ...base, history, what: 'tables', tables: names, asStored: true }), asStored: true };
  });
  const structureOf = (names: readonly string[]) =>
    names.length === 0 ? [] : [dumpArgs({ ...base, history: false, what: 'structure', tables: names })];
  const withoutTables = excluded.map(({ name }) => name);
  return {
    ...common,
    format: 'directory',
    calls,
    groups,
    structure: {
      sequences: structureOf(common.sequenceNames),
      empty: structureOf(common.emptyNames),
      views: structureOf(common.viewNames),
      code: [dumpArgs({ ...base, history: false, what: 'code', tables: null, withoutTables })],
    },
    isAsStored: (table) => asStored.has(table),
  };
}

/** Why the dump must be a directory; null: it need not. `together`: several sessions can be given one moment. */
export function onlyInDirectory(tool: ToolVersion, selection: Selection, together: boolean): string | null {
  if (tool.flavour === 'mysql' && selection.withoutRows.size > 0)
    return 'mysqldump leaves out rows of single tables only there';
  if (together && historyOf(tool, { format: 'directory', jobs: 2 }, selection).besides)
    return 'the tool saves history beside one that goes by transactions only there';
  return null;
}

interface History {
  /** The tables whose history is saved. */
  saved: ReadonlySet<string>;
  /** There is some that cannot be. */
  besides: boolean;
  warnings: string[];
}

/** Asked for history, the tool ends at the first table of which it cannot save it. */
function historyOf(
  tool: ToolVersion,
  { format, jobs }: Pick<ChosenFormat, 'format' | 'jobs'>,
  { relations, withoutRows }: Selection,
): History {
  const versioned = relations.filter((each) => each.versioned && !withoutRows.has(each.name));
  const able = tool.flavour === 'mariadb' && seriesOf(tool.version) >= historySeries;
  const [lost, timed] = [
    versioned.filter((each) => each.byTransaction),
    versioned.filter((each) => !each.byTransaction),
  ];
  // In a plain dump also one whose rows are left out.
  const among = format === 'plain' ? relations.some((each) => each.byTransaction) : lost.length > 0 && jobs === 1;
  const saved = able && !among ? timed : [];
  const warnings: string[] = [];
  const warn = (some: readonly Relation[], reason: string) => {
    if (some.length === 0) return;
    const names = listed(some.map(({ name }) => name));
    warnings.push(`only the present rows, not their history: ${names}; ${reason}`);
  };
  if (!able) warn(versioned, 'the dump tool is too old for more');
  else {
    warn(lost, 'it goes by transactions, and no dump tool saves that');
    if (saved.length < timed.length)
      warn(
        timed,
        'beside the former the dump tool saves it in a directory of several dump.jobs only, for which it takes the right RELOAD',
      );
  }
  return {
    saved: new Set(saved.map(({ name }) => name)),
    besides: relations.some((each) => each.byTransaction) && saved.length > 0,
    warnings,
  };
}

function difference(all: readonly Relation[], some: readonly Relation[]): Relation[] {
  return all.filter((each) => !some.includes(each));
}

/**
 * The largest first, each to whom has least: all are done at about the same time. Where some tables are translated and others are not, the former
 * stay together as far as they fill one share: whoever has one of them translates all.
 */
function share(tables: readonly Relation[], jobs: number, asWritten: ReadonlySet<string>): Relation[][] {
  const groups = Array.from({ length: jobs }, () => ({ tables: [] as Relation[], bytes: 0 }));
  const isTranslated = ({ name }: Relation) => !asWritten.has(name);
  const mixed = tables.some(isTranslated) && !tables.every(isTranslated);
  const fair = tables.reduce((sum, table) => sum + weightOf(table), 0) / jobs;
  const rank = (table: Relation) => (mixed && isTranslated(table) ? 1 : 0);
  for (const table of tables.toSorted((a, b) => rank(b) - rank(a) || b.bytes - a.bytes)) {
    const least = groups.reduce((best, each) => (each.bytes < best.bytes ? each : best));
    const together = rank(table) === 1 ? groups.find(({ bytes }) => bytes + weightOf(table) <= fair) : undefined;
    const group = together ?? least;
    group.tables.push(table);
    group.bytes += weightOf(table);
  }
  return groups.map(({ tables: some }) => some).filter((some) => some.length > 0);
}

/** Even an empty table costs some questions. */
function weightOf({ bytes }: Relation): number {
  return bytes + 65_536;
}
