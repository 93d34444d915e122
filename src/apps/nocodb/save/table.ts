import { join } from 'node:path';
import { formatCount } from '../../../base/units.ts';
import type { AppPart } from '../../app.ts';
import type { FoundAttachment } from '../attachment-cells.ts';
import { keyColumns, recordColumns } from './column-parts.ts';
import { withoutSecrets } from './hook-secrets.ts';
import type { WholeTable } from '../instance.ts';
import { gzippedLines } from '../lines.ts';
import { notes } from './notes.ts';
import { jsonPart, streamPart, watched } from './part.ts';
import { saveAttachments } from './attachments.ts';
import { saveRecords } from './records.ts';
import type { BaseToSave } from './task.ts';
import {
  names,
  tablePath,
  treeFormat,
  type HooksFile,
  type SavedComment,
  type SavedTable,
  type SchemaFile,
  type ViewsFile,
} from '../tree-format.ts';
import { withoutShares } from './without-shares.ts';

/** Yields what is to be stored of a table; returns its entry of the base's index once all of it was consumed. */
export async function* saveTable(
  whole: WholeTable,
  folder: string,
  task: BaseToSave,
  signal: AbortSignal,
): AsyncGenerator<AppPart, SavedTable> {
  const { base, options, instance, scratch, warnings } = task;
  const { table, columns, views } = whole;
  const place = `table ${table.title} of base ${base.title}`;
  const path = (name: string) => tablePath(base.folder, folder, name);
  const failed: string[] = [];
  const part = (made: AppPart) => watched(made, place, failed);
  const saved: SavedTable = {
    id: table.id,
    title: table.title,
    folder,
    records: null,
    views: views.length,
    hooks: null,
    comments: null,
    attachments: { files: 0, bytes: 0, links: 0 },
    changed: [],
    failed,
  };
  yield part(jsonPart(path(names.schema), async () => schemaOf(whole, task)));
  yield part(jsonPart(path(names.views), async (stop) => viewsOf(whole, task, stop)));
  const hooks = await hooksOf(whole, task, signal);
  if (hooks === null) warnings.add(`the token may not read the webhooks of base ${base.title}`);
  saved.hooks = hooks?.hooks.length ?? null;
  if (hooks !== null && hooks.hooks.length > 0) yield part(jsonPart(path(names.hooks), async () => hooks));
  if (!options.records) return saved;

  await using files = notes<FoundAttachment>(join(scratch, `${table.id}.found`));
  const records = saveRecords({ whole, place, task, files }, signal);
  yield part(streamPart(path(names.records), records.open));
  saved.records = records.read.records;
  saved.changed.push(...records.read.changed);
  for (const line of saved.changed) warnings.add(`${place} changed: ${line}`);
  for (const line of records.rounded.lines(place)) warnings.add(line);

  const commented = records.commented();
  if (records.commentsForbidden()) warnings.add(`the token may not read the comments of base ${base.title}`);
  if (commented !== null) saved.comments = 0;
  if (commented !== null && commented.length > 0) {
    const comments = async function* comments(): AsyncGenerator<SavedComment[]> {
      for (const row of commented) {
        const said = await instance.comments(table.id, row, signal);
        saved.comments = (saved.comments ?? 0) + said.length;
        yield said;
      }
    };
    yield part(streamPart(path(names.comments), () => gzippedLines(comments())));
  }
  if (files.count === 0) return saved;
  const attached = { table: table.id, place, path, instance, options, scratch, failed };
  const { totals, otherSize } = yield* saveAttachments(
    files,
    { ...attached, columns: columns.filter(({ uidt }) => uidt === 'Attachment'), key: keyColumns(columns) },
    signal,
  );
  saved.attachments = totals;
  const { links } = totals;
  if (links > 0) warnings.add(`${place} has ${formatCount(links, 'attachment')} elsewhere: kept as links, not fetched`);
  if (otherSize.count > 0) {
    const more = otherSize.count - otherSize.named.length;
    const named = [...otherSize.named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
    warnings.add(
      `${place} has ${formatCount(otherSize.count, 'attachment')} of another size than NocoDB has recorded: ${named}`,
    );
  }
  return saved;
}

function schemaOf({ table, columns }: WholeTable, { base, options }: BaseToSave): SchemaFile {
  return {
    format: treeFormat,
    base: { id: base.id, title: base.title },
    table: withoutShares(table, options.secrets),
    columns,
    records: { key: keyColumns(columns).map(({ id }) => id), columns: recordColumns(columns) },
  };
}

async function viewsOf({ views }: WholeTable, { instance, options }: BaseToSave, signal: AbortSignal) {
  const saved = await Promise.all(
    views.map(async (view) => ({
      view: withoutShares(view, options.secrets),
      ...(await instance.view(view, signal)),
    })),
  );
  return { format: treeFormat, views: saved } satisfies ViewsFile;
}

async function hooksOf(
  { table }: WholeTable,
  { instance, options }: BaseToSave,
  signal: AbortSignal,
): Promise<HooksFile | null> {
  const hooks = await instance.hooks(table.id, signal);
  if (hooks === null) return null;
  return {
    format: treeFormat,
    hooks: hooks.map(({ hook, filters }) => ({
      ...(options.secrets ? { hook, withheld: [] } : withoutSecrets(hook)),
      filters,
    })),
  };
}
