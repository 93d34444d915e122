import type { AppPart } from '../../app.ts';
import { formatCount } from '../../../base/units.ts';
import { junctionSides } from './column-parts.ts';
import { tellForeign } from '../foreign-sources.ts';
import type { Table, WholeTable } from '../instance.ts';
import { gzippedLines } from '../lines.ts';
import { uniqueNames } from '../names.ts';
import { jsonPart, streamPart, watched } from './part.ts';
import { readPairs } from './read-pairs.ts';
import { saveTable } from './table.ts';
import type { BaseToSave } from './task.ts';
import { basePath, names, treeFormat, type BaseFile, type SavedLinks } from '../tree-format.ts';
import { unlessRemoved } from './unless-removed.ts';
import { withoutShares } from './without-shares.ts';

/** Yields what is to be stored of a base, `metadata.json` last; returns that once all was consumed. Null: it was removed before its turn. */
export async function* saveBase(task: BaseToSave, signal: AbortSignal): AsyncGenerator<AppPart, BaseFile | null> {
  const { base, instance, options, server, savedAt } = task;
  const warnings = new Set<string>();
  const own = { ...task, warnings };
  const detail = await unlessRemoved(
    () => instance.base(base.id, signal),
    async () => base.named || (await instance.bases(signal)).some(({ id }) => id === base.id),
  );
  if (detail === null) return null;
  const users = await instance.users(base.id, signal);
  if (users === null) warnings.add(`the token may not see the people of base ${base.title}`);
  const listed = await instance.tables(base.id, signal);
  const folderOf = uniqueNames();
  const file: BaseFile = {
    format: treeFormat,
    kind: 'nocodb',
    savedAt,
    server,
    base: withoutShares(detail.base, options.secrets),
    sources: detail.sources.map(({ config: _, ...source }) => source),
    users: (users ?? []).map(({ invite_token: _, ...user }) => user),
    tables: [],
    links: [],
    warnings: [],
  };
  const wholes: WholeTable[] = [];
  for (const table of inOrder(listed)) {
    const whole = await unlessRemoved(
      () => instance.table(table.id, signal),
      async () => (await instance.tables(base.id, signal)).some(({ id }) => id === table.id),
    );
    // What is gone is told in the end.
    if (whole === null) continue;
    wholes.push(whole);
    if (table.mm) continue;
    file.tables.push(yield* saveTable(whole, folderOf(table.title), own, signal));
  }
  file.links.push(...(yield* saveLinks(wholes, own, signal)));
  const saved = wholes.map(({ table }) => table).filter(({ mm }) => !mm);
  for (const line of tellForeign(base.title, file.sources, saved)) warnings.add(line);
  const after = await instance.tables(base.id, signal);
  for (const line of tableChanges(listed, after)) warnings.add(`base ${base.title} changed while it was read: ${line}`);
  for (const line of warnings) task.warnings.add(line);
  file.warnings = [...warnings];
  yield jsonPart(basePath(base.folder, names.metadata), async () => file);
  return file;
}

async function* saveLinks(
  wholes: readonly WholeTable[],
  { base, instance, options, warnings }: BaseToSave,
  signal: AbortSignal,
): AsyncGenerator<AppPart, SavedLinks[]> {
  const all: SavedLinks[] = [];
  const fileName = uniqueNames();
  const tables = wholes.filter(({ table }) => !table.mm).map(({ table, columns }) => ({ id: table.id, columns }));
  const titleOf = (table: string, column: string | null) => {
    const whole = wholes.find((each) => each.table.id === table);
    const named = whole?.columns.find(({ id }) => id === column);
    return [whole?.table.title ?? table, ...(named === undefined ? [] : [named.title])].join('.');
  };
  for (const { table: junction, columns } of wholes.filter(({ table }) => table.mm)) {
    const sides = junctionSides({ id: junction.id, columns }, tables);
    if (sides === null) {
      warnings.add(`junction table ${junction.title} of base ${base.title} belongs to no link and is left out`);
      continue;
    }
    const { left, right } = sides;
    const title = titleOf(left.table, left.column);
    const name = `links/${fileName(title)}.json.gz`;
    const failed: string[] = [];
    const links: SavedLinks = {
      junction: junction.id,
      file: options.records ? name : null,
      pairs: 0,
      failed,
      left: { table: left.table, column: left.column, key: left.key.id },
      right: { table: right.table, column: right.column, key: right.key.id },
    };
    all.push(links);
    if (!options.records) continue;
    const place = `links ${title} of base ${base.title}`;
    const keys = { left: left.key, right: right.key };
    const paging = { instance, table: junction.id, pageSize: options.pageSize, signal };
    const pairs = readPairs({ ...paging, ...keys, title: place });
    yield watched(
      streamPart(basePath(base.folder, name), () => gzippedLines(pairs.groups)),
      place,
      failed,
    );
    links.pairs = pairs.read.pairs;
  }
  return all;
}

function inOrder(tables: readonly Table[]): Table[] {
  return tables.toSorted((left, right) => (left.order ?? 0) - (right.order ?? 0));
}

function tableChanges(before: readonly Table[], after: readonly Table[]): string[] {
  const left = before.filter(({ id }) => !after.some((table) => table.id === id));
  const came = after.filter(({ id, mm }) => !mm && !before.some((table) => table.id === id));
  return [
    ...left.map(({ title }) => `table ${title} was removed`),
    ...(came.length === 0
      ? []
      : [`${formatCount(came.length, 'table')} came and ${came.length === 1 ? 'is' : 'are'} not saved`]),
  ];
}
