import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { statusOf } from '../errors.ts';
import type { Column } from '../tree-format.ts';
import { plainBody } from './column-bodies.ts';
import { kindOf } from './column-kinds.ts';
import type { Ids } from './ids.ts';
import { liveTable, liveTables, madeTable, type LiveTable } from './live.ts';
import type { SavedTable } from './saved-tree.ts';
import { isUnfinished, learnColumn, savedForeignKeys, unfinished, type Target } from './target.ts';
import type { Scope } from './scope.ts';
import { reasonOf, type Work } from './work.ts';

/** Titles that NocoDB gives to what it adds to each new table; a field of people's own may only take one when that is renamed. */
const reserved = new Set([
  'id',
  'createdat',
  'updatedat',
  'nc_created_by',
  'nc_updated_by',
  'nc_order',
  'created_at',
  'updated_at',
]);

/** Tables with their plain columns: those that are missing, and what an interrupted restore has left half. Gives those it worked on. */
export async function makeTables(
  { base: saved, title, tables }: Scope,
  target: Target,
  work: Work,
): Promise<SavedTable[]> {
  const made: SavedTable[] = [];
  const foreignKeys = savedForeignKeys(saved);
  for (const table of tables) {
    throwIfAborted(work.task.signal);
    const live = target.tables.get(table.schema.table.id);
    if (live !== undefined && !isUnfinished(live)) continue;
    const where = `${title}/${table.schema.table.title}`;
    const plain = table.schema.columns.filter((column) => kindOf(column, foreignKeys) === 'plain');
    const begun = live ?? (await makeTable(table, plain, target, where, work));
    const whole = await addMissing(begun, table, { plain, foreignKeys }, where, work);
    target.tables.set(table.schema.table.id, whole);
    target.ids.set(table.schema.table.id, whole.id);
    noteColumns(table.schema.columns, { plain, foreignKeys }, whole, target.ids);
    made.push(table);
  }
  return made;
}

async function makeTable(
  { schema }: SavedTable,
  plain: readonly Column[],
  { base }: Target,
  where: string,
  work: Work,
): Promise<LiveTable> {
  const { client, task } = work;
  const baseId = base?.id ?? '';
  const body = {
    title: schema.table.title,
    ...(schema.table.description === null ? {} : { description: schema.table.description }),
    meta: { ...schema.table.meta, [unfinished]: { from: schema.table.id } },
  };
  const direct = plain.filter((column) => !isReserved(column));
  const post = (columns: readonly Column[]) =>
    client.send('POST', `/api/v2/meta/bases/${baseId}/tables`, {
      body: { ...body, columns: columns.map(plainBody) },
      repeat: 'once',
      signal: task.signal,
    });
  // One column of a type that this NocoDB does not make refuses the whole table, and may leave half of it.
  let refusal: unknown = null;
  for (const columns of beginnings(direct)) {
    try {
      return madeTable(client, await post(columns));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await removeHalf(baseId, schema.table.title, work);
      refusal = error;
    }
  }
  throw new HoldfastError('NOCODB_TABLE_NOT_MADE', `the table ${where} could not be made: ${reasonOf(refusal)}`, {
    cause: refusal,
    hint: 'See the log of NocoDB.',
  });
}

/** With what a table may begin: all, or the one that stands for a record, or one of the others; the rest is added one by one. */
function beginnings(columns: readonly Column[]): Column[][] {
  const others = columns.filter(({ pv }) => !pv).slice(0, mostOthers);
  return [[...columns], columns.filter(({ pv }) => pv), ...others.map((column) => [column])];
}

/** Where it is the table itself that is refused, nothing helps. */
const mostOthers = 5;

async function removeHalf(base: string, title: string, { client, task: { signal } }: Work): Promise<void> {
  // One that carries no mark of ours is somebody's own, made in the meantime.
  const half = (await liveTables(client, base, signal)).find((table) => table.title === title && isUnfinished(table));
  if (half !== undefined) await client.send('DELETE', `/api/v2/meta/tables/${half.id}`, { repeat: 'safe', signal });
}

/** Columns that are not there yet, one by one, so that one that cannot be made costs no other. */
async function addMissing(
  begun: LiveTable,
  table: SavedTable,
  { plain, foreignKeys }: { plain: readonly Column[]; foreignKeys: ReadonlySet<string> },
  where: string,
  work: Work,
): Promise<LiveTable> {
  const { client, task, found } = work;
  let live = await renameOwn(begun, table, foreignKeys, work);
  for (const column of plain) {
    if (live.columns.some(({ title }) => title === column.title)) continue;
    try {
      const answer = await client.send('POST', `/api/v2/meta/tables/${live.id}/columns`, {
        body: plainBody(column),
        repeat: 'once',
        signal: task.signal,
      });
      live = madeTable(client, answer);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      live = await liveTable(client, live.id, task.signal);
      if (live.columns.some(({ title }) => title === column.title)) continue;
      found.lose(where, `field ${column.title} (${column.uidt})`, reasonOf(error));
    }
  }
  return live;
}

/** People rename `Id` and `CreatedAt` too. */
async function renameOwn(
  live: LiveTable,
  { schema }: SavedTable,
  foreignKeys: ReadonlySet<string>,
  { client, task: { signal } }: Work,
): Promise<LiveTable> {
  let renamed = false;
  for (const column of schema.columns) {
    if (kindOf(column, foreignKeys) !== 'own') continue;
    const counterpart = live.columns.find(
      (each) => each.uidt === column.uidt && each.system === column.system && each.pk === column.pk,
    );
    if (counterpart === undefined || counterpart.title === column.title) continue;
    await client.send('PATCH', `/api/v2/meta/columns/${counterpart.id}`, {
      body: { ...counterpart, title: column.title },
      repeat: 'safe',
      signal,
    });
    renamed = true;
  }
  return renamed ? liveTable(client, live.id, signal) : live;
}

/** Links, their keys and what is computed come later: those that an interrupted restore has made are told apart where they are. */
export function noteColumns(
  columns: readonly Column[],
  { plain, foreignKeys }: { plain: readonly Column[]; foreignKeys: ReadonlySet<string> },
  live: Pick<LiveTable, 'columns'>,
  ids: Ids,
): void {
  for (const column of columns) {
    const isOwn = kindOf(column, foreignKeys) === 'own';
    if (!isOwn && !plain.includes(column)) continue;
    const counterpart = isOwn
      ? live.columns.find(
          ({ uidt, system, pk }) => uidt === column.uidt && system === column.system && pk === column.pk,
        )
      : live.columns.find(({ title, uidt }) => title === column.title && uidt === column.uidt);
    if (counterpart !== undefined) learnColumn(column, counterpart, ids);
  }
}

function isReserved({ title }: Column): boolean {
  return reserved.has(title.toLowerCase());
}

/** Nothing else tells which field came of a request. */
export const otherTitle = 'NocoDB made it under another title';

const refusals: ReadonlySet<number | null> = new Set([400, 404, 409, 413, 422, 500]);

/**
 * NocoDB looked at it and said no (also with 500, for what it does not expect), or what stands before it did (413: too much at once);
 * nothing was lost on the way.
 */
export function isRefusal(error: unknown): boolean {
  return refusals.has(statusOf(error));
}
