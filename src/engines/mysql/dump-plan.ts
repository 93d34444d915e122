import type { ChosenFormat } from './choose-format.ts';
import { dumpArgs, type DumpShape } from './dump-args.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { Relation, Selection } from './tables.ts';
import { seriesOf, type ToolVersion } from './tool-version.ts';

export interface DumpPlan {
  format: ChosenFormat['format'];
  /** The tools' arguments for everything that must see the snapshot; one for each session. */
  calls: string[][];
  /** The tables of each call of a directory, in the order it writes them. */
  groups: Relation[][];
  /** What is dumped without rows, and what has none: read when the rest is done. */
  structure: { sequences: string[][]; empty: string[][]; views: string[][]; code: string[][] };
  sequenceNames: string[];
  viewNames: string[];
  emptyNames: string[];
  withoutHistory: string[];
  /** Tables as the dump holds them: with their history only where it does. */
  asDumped(tables: readonly Relation[]): Relation[];
}

export interface PlanFacts {
  tool: ToolVersion;
  format: ChosenFormat;
  selection: Selection;
  database: string;
}

/** 10.11 is the first whose dump tool writes history, and whose server takes it. */
const historySeries = 10_011;

export function planDump({ tool, format, selection, database }: PlanFacts): DumpPlan {
  const { relations, excluded, withoutRows } = selection;
  const tables = relations.filter(({ kind }) => kind === 'table');
  const versioned = tables.filter((each) => each.versioned && !withoutRows.has(each.name));
  const history = versioned.length > 0 && tool.flavour === 'mariadb' && seriesOf(tool.version) >= historySeries;
  const base: Omit<DumpShape, 'what' | 'tables'> = {
    flavour: tool.flavour,
    database,
    withoutTables: [],
    withoutRows: [],
    history,
  };
  const only = (kind: Relation['kind']) => relations.filter((each) => each.kind === kind).map(({ name }) => name);
  const common = {
    sequenceNames: only('sequence'),
    viewNames: only('view'),
    emptyNames: only('table').filter((name) => withoutRows.has(name)),
    withoutHistory: history ? [] : versioned.map(({ name }) => name),
    asDumped: (some: readonly Relation[]) => some.map((each) => ({ ...each, versioned: each.versioned && history })),
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
    const args = dumpArgs({ ...base, what: 'everything', tables: null, withoutTables, withoutRows: empty });
    const structure = { sequences: [], empty: [], views: [], code: [] };
    return { ...common, format: 'plain', calls: [args], groups: [], structure };
  }
  const groups = share(
    tables.filter(({ name }) => !withoutRows.has(name)),
    format.jobs,
  );
  const calls = groups.map((group) => dumpArgs({ ...base, what: 'tables', tables: group.map(({ name }) => name) }));
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
  };
}

/** The largest first, each to whom has least: all are done at about the same time. */
function share(tables: readonly Relation[], jobs: number): Relation[][] {
  const groups = Array.from({ length: jobs }, () => ({ tables: [] as Relation[], bytes: 0 }));
  for (const table of tables.toSorted((a, b) => b.bytes - a.bytes)) {
    const least = groups.reduce((best, each) => (each.bytes < best.bytes ? each : best));
    least.tables.push(table);
    // Even an empty table costs some questions.
    least.bytes += table.bytes + 65_536;
  }
  return groups.map(({ tables: some }) => some).filter((some) => some.length > 0);
}
