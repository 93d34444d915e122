import type { FixResult } from '../../backup/fix-collations.ts';
import type { CheckedDatabase } from '../../care/proof/collations.ts';
import type { Command, CommandOption, Io } from '../command.ts';
import { sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor, type Style } from '../output/style.ts';
import { plural, printable } from '../output/text.ts';
import { pickSource } from '../pick.ts';

const allDatabases: CommandOption = {
  name: 'all-databases',
  summary: 'every database of the server, not only the one of the source',
};
const source = {
  name: 'source',
  summary: 'which source, where there are several',
  optional: true,
  complete: 'source',
} as const;
/** More are only counted; `--json` has them all. */
const shownIndexes = 20;

const check: Command = {
  name: 'check',
  summary: 'compare the sort orders that indexes were built with to those of the system',
  arguments: [source],
  options: [allDatabases],
  examples: [
    { line: 'holdfast collation check', does: 'the database of the source' },
    { line: 'holdfast collation check --all-databases --json', does: 'all of the server, with every index' },
  ],
  help: `An update of the operating system, or another base image, can change how text is sorted. Indexes keep the former order
until they are rebuilt: rows are not found, and unique values get in twice. Ends with exit code 0 when nothing differs, and with 1
when something does or could not be looked at. PostgreSQL 14 notes down no version for databases, only for single collations.`,
  run: async (context, input) => {
    const { io, signal } = context;
    const picked = await pickSource(context, input);
    const { checkCollations } = await import('../../care/proof/collations.ts');
    const checked = await checkCollations({ source: picked.source, all: input.flag('all-databases'), signal });
    const ok = checked.every((each) => each.ok);
    if (context.json) printJson(io, { ok, databases: checked });
    else {
      print(io, ...checked.flatMap((each) => describeCheck(io, each)));
      if (!ok) io.screen.line('`holdfast collation fix` rebuilds the indexes.');
    }
    return ok ? 'done' : 'failed';
  },
};

const fix: Command = {
  name: 'fix',
  summary: 'rebuild the indexes whose sort order has changed, then note the new one down',
  arguments: [source],
  options: [
    allDatabases,
    { name: 'everything', summary: 'also indexes of which it is not known (all there are on PostgreSQL 14)' },
  ],
  examples: [
    { line: 'holdfast collation fix', does: 'what `holdfast collation check` names' },
    { line: 'holdfast collation fix --yes', does: 'without a question, before the application starts' },
  ],
  help: `Indexes are rebuilt one by one beside the old ones, so the application can go on; only exclusion constraints lock their
table. Nothing is noted down that was not rebuilt: where rows contradict each other, which the wrong order had hidden, their key is
named, the version stays as it was, and the exit code is 6. Stopped or killed, it goes on with the next call.`,
  run: async (context, input) => {
    const { io, signal } = context;
    const { house, source: of } = await pickSource(context, input);
    const { fixCollations } = await import('../../backup/fix-collations.ts');
    const { confirm } = await import('../output/confirm.ts');
    using progress = showProgress(context);
    const result = await fixCollations({
      source: of,
      all: input.flag('all-databases'),
      everything: input.flag('everything'),
      catalog: house.catalog,
      clock: house.clock,
      signal,
      report: progress.report,
      confirm: (checked) => confirm(context, { says: whatHappens(checked), word: 'yes' }),
    });
    if (context.json) printJson(io, result);
    else print(io, ...describeFix(io, result));
    if (result.state !== 'failed') return 'done';
    return result.databases.some(hasContradictions) ? 'integrity' : 'failed';
  },
};

export const collation: Command = {
  name: 'collation',
  summary: 'sort orders that an update of the system has changed',
  group: 'care',
  commands: [check, fix],
  examples: [{ line: 'holdfast collation check', does: 'whether indexes have to be rebuilt' }],
};

function describeCheck(io: Io, { database, ok, report, problem }: CheckedDatabase): string[] {
  const style = styleFor(io.color);
  const head = style.bold(printable(database));
  if (!report) return [`${head}  ${sign(style, 'bad')} ${printable(problem?.message ?? 'not looked at')}`];
  const { collations, indexes, partitioned, leftovers } = report;
  return [
    head,
    ...collations.map((each) => `  ${describeState(style, each)}`),
    ...(ok ? [] : [`  ${plural(indexes.length, 'index', 'indexes')} to rebuild`]),
    ...indexes.slice(0, shownIndexes).map((index) => `    ${printable(`${index.schema}.${index.name}`)}`),
    ...(indexes.length > shownIndexes ? [`    … and ${indexes.length - shownIndexes} more`] : []),
    ...partitioned.map(
      (table) =>
        `  ${sign(style, 'warn')} partitions of ${printable(`${table.schema}.${table.name}`)} are bounded by it`,
    ),
    ...leftovers.map(
      (index) =>
        `  ${sign(style, 'warn')} ${printable(`${index.schema}.${index.name}`)} was left behind by an interrupted rebuild`,
    ),
  ];
}

type State = NonNullable<CheckedDatabase['report']>['collations'][number];

function describeState(style: Style, { schema, name, provider, recorded, actual, state }: State): string {
  const what =
    schema === null
      ? `default ${style.dim(printable(`(${provider} ${name})`))}`
      : `${printable(`${schema}.${name}`)} ${style.dim(`(${provider})`)}`;
  if (state === 'differs') {
    return `${sign(style, 'bad')} ${what}  indexes were built with ${recorded ?? 'none'}, the system has ${actual ?? 'none'}`;
  }
  if (state === 'unrecorded')
    return `${sign(style, 'warn')} ${what}  no version was noted down, so there is nothing to compare`;
  return `${sign(style, 'good')} ${what}  ${style.dim(actual ?? 'never changes')}`;
}

function whatHappens(checked: readonly CheckedDatabase[]): string[] {
  return [
    'This rebuilds indexes, beside the old ones where the server can, and needs room for the largest of them:',
    ...checked.map(
      ({ database, report }) => `  ${database}: ${plural(report?.indexes.length ?? 0, 'index', 'indexes')} that differ`,
    ),
  ];
}

function hasContradictions({ duplicates, misplaced }: FixResult['databases'][number]): boolean {
  return duplicates.length + misplaced.length > 0;
}

function describeFix(io: Io, { state, databases, problems }: FixResult): string[] {
  const style = styleFor(io.color);
  if (state === 'unchanged') return ['nothing differs, and nothing was touched'];
  return [
    ...databases.flatMap((each) => [
      `${sign(style, each.left.length === 0 && !hasContradictions(each) ? 'good' : 'bad')} ${printable(each.database)}: ${plural(each.rebuilt.length, 'index', 'indexes')} rebuilt`,
      ...each.refreshed.map((name) => `    ${printable(name)}: the new version is noted down`),
      ...each.left.map((name) => `    ${printable(name)}: the former version stays, until this is mended:`),
      ...each.duplicates.map(({ index, detail }) => `    ${printable(`${index.schema}.${index.name}: ${detail}`)}`),
      ...each.misplaced.map(
        ({ table, rows }) =>
          `    ${printable(`${table.schema}.${table.name}`)}: ${plural(rows, 'row')} of another partition`,
      ),
    ]),
    ...problems.map(({ database, message }) => `${sign(style, 'bad')} ${printable(`${database}: ${message}`)}`),
  ];
}
