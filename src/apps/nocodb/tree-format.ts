import { z } from 'zod';

/**
 * The saved tree of a NocoDB, as it lies in a backup; one file because it is one format, read from its beginning to its end:
 *
 *     bases/<base>/metadata.json                        the base, its settings and people, and an index of all below; stored last
 *     bases/<base>/links/<field>.json.gz                pairs of linked records, one file for each junction table
 *     bases/<base>/tables/<table>/schema.json           the table with every column, virtual ones included
 *     bases/<base>/tables/<table>/records.json.gz       every record, in the order people gave them
 *     bases/<base>/tables/<table>/views.json            views with their fields, filters, sorts
 *     bases/<base>/tables/<table>/hooks.json            webhooks, where the token may read them
 *     bases/<base>/tables/<table>/comments.json.gz      comments, where there are any
 *     bases/<base>/tables/<table>/attachments.json.gz   which file belongs to which cell
 *     bases/<base>/tables/<table>/attachments/<field>/<file>
 *
 * Names of folders and files are made of titles; what is true stands inside. Lists of unknown length are JSON arrays with one entry a
 * line, so that they can be read as a whole by anything and line by line by us. What NocoDB says of itself is kept as it says it, beside
 * the fields that are named here; its truths (`0`, `1`, `"true"`) are made booleans and its JSON texts are made objects where named.
 */
export const treeFormat = 1;

/** NocoDB says `0` and `1` on SQLite, `true` and `false` on PostgreSQL, and nothing where something was never set. */
const truth = z
  .union([z.boolean(), z.number(), z.string()])
  .nullish()
  .transform((value) => value === true || value === 1 || value === '1' || value === 'true');

/** Versions that cannot switch it off say nothing of it. */
const truthUnlessSaid = z
  .unknown()
  .optional()
  .transform((value) => value === undefined || value === null || truth.parse(value));

/** `meta` is an object or the text of one, by which request it was read. */
const settings = z
  .unknown()
  .optional()
  .transform((value): Record<string, unknown> => {
    const parsed = typeof value === 'string' ? parse(value) : value;
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : {};
  });

const text = z.string();
const nullableText = text.nullish().transform((value) => value ?? null);
const nullableNumber = z
  .union([z.number(), text])
  .nullish()
  .transform((value) => (value === null || value === undefined || value === '' ? null : Number(value)));
const count = z.int().nonnegative();

/** A column as `GET /api/v2/meta/tables/:id` gives it. */
export const columnSchema = z.looseObject({
  id: text,
  title: text,
  uidt: text,
  column_name: nullableText,
  description: nullableText,
  pk: truth,
  pv: truth,
  system: truth,
  unique: truth,
  order: nullableNumber,
  meta: settings,
  colOptions: z
    .looseObject({})
    .nullish()
    .transform((value) => value ?? null),
});
export type Column = z.output<typeof columnSchema>;

export const sortSchema = z.looseObject({
  id: text,
  fk_column_id: nullableText,
  direction: nullableText,
  order: nullableNumber,
});

/** Flat: a filter inside of a group names it in `fk_parent_id`. */
export const filterSchema = z.looseObject({
  id: text,
  fk_parent_id: nullableText,
  fk_column_id: nullableText,
  /** Of a form: the field that is shown only where this is so. */
  fk_parent_column_id: nullableText,
  /** The field that it compares with, instead of a value. */
  fk_value_col_id: nullableText,
  enabled: truthUnlessSaid,
  meta: settings,
  is_group: truth,
  logical_op: nullableText,
  comparison_op: nullableText,
  comparison_sub_op: nullableText,
  order: nullableNumber,
});

/** One entry of `GET /api/v2/meta/views/:id/columns`; what else stands in it depends on the type of the view. */
export const viewColumnSchema = z.looseObject({
  id: text,
  fk_column_id: nullableText,
  show: truth,
  order: nullableNumber,
});

/** `type`: 1 form, 2 gallery, 3 grid, 4 kanban, 5 map, 6 calendar. */
export const viewSchema = z.looseObject({
  id: text,
  title: text,
  type: z.number(),
  is_default: truth,
  order: nullableNumber,
  meta: settings,
  /** What only this type has: row height, cover image, stacks, form texts. */
  view: z
    .looseObject({})
    .nullish()
    .transform((value) => value ?? null),
});
export type View = z.output<typeof viewSchema>;

export const savedViewSchema = z.object({
  view: viewSchema,
  columns: z.array(viewColumnSchema),
  sorts: z.array(sortSchema),
  filters: z.array(filterSchema),
});
export type SavedView = z.output<typeof savedViewSchema>;

export const viewsFileSchema = z.object({ format: z.literal(treeFormat), views: z.array(savedViewSchema) });
export type ViewsFile = z.output<typeof viewsFileSchema>;

export const hookSchema = z.looseObject({
  id: text,
  title: text,
  event: nullableText,
  version: nullableText,
  active: truth,
});

export const hooksFileSchema = z.object({
  format: z.literal(treeFormat),
  hooks: z.array(
    z.object({
      hook: hookSchema,
      filters: z.array(filterSchema),
      /** What was left out because the backup is not encrypted: `notification.payload.headers`. Empty: the hook is whole. */
      withheld: z.array(text),
    }),
  ),
});
export type HooksFile = z.output<typeof hooksFileSchema>;

/** A column of which the records hold a value, under its title. */
const recordColumnSchema = z.object({
  id: text,
  title: text,
  uidt: text,
  optional: z.boolean().describe('a system column, which NocoDB may leave out'),
});
export type RecordColumn = z.output<typeof recordColumnSchema>;

export const schemaFileSchema = z.object({
  format: z.literal(treeFormat),
  base: z.object({ id: text, title: text }),
  /** The table as the API gives it, without its columns and views. */
  table: z.looseObject({
    id: text,
    title: text,
    table_name: nullableText,
    description: nullableText,
    /** A junction table, made by NocoDB for links: it has no records file, its pairs lie in `links/`. */
    mm: truth,
    order: nullableNumber,
    source_id: nullableText,
    meta: settings,
  }),
  /** All of them, in the order of the API: system columns, links, lookups, rollups, formulas, buttons too. */
  columns: z.array(columnSchema),
  records: z.object({
    /** Ids of the columns that tell a record, in their order. Empty: nothing tells it. */
    key: z.array(text),
    /**
     * What `records.json.gz` holds: what is stored, foreign keys of links too. Not in it: links, and what NocoDB works out (formulas,
     * lookups, rollups). Addresses that NocoDB signs for two hours are taken out of attachment cells.
     */
    columns: z.array(recordColumnSchema),
  }),
});
export type SchemaFile = z.output<typeof schemaFileSchema>;

/** One line of `records.json.gz`: the values as `GET /api/v2/tables/:id/records` gives them, by title of the column. */
export type SavedRecord = Record<string, unknown>;

/** What tells a record: the value of its key column; of several columns: their values. */
export type RecordKey = string | number | (string | number)[];

/**
 * One line of `links/*.json.gz`: the keys of two linked records, `left` first, as the metadata's `links` names the sides.
 */
export const linkPairSchema = z.tuple([z.union([z.number(), text]), z.union([z.number(), text])]);
export type LinkPair = z.output<typeof linkPairSchema>;

/** One line of `attachments.json.gz`, by record and then by place in the cell. */
export const attachmentSchema = z.object({
  /** Key of the record; several columns: their values. */
  record: z.union([z.number(), text, z.array(z.union([z.number(), text]))]),
  column: text.describe('id of the column'),
  /** From 0. */
  position: count,
  id: nullableText,
  title: text.describe('what people called it'),
  mimetype: nullableText,
  size: nullableNumber,
  /** Below the folder of the table: `attachments/Photos/12-1-cat.jpg`. Null: a link to elsewhere, files were not wanted, or `failed`. */
  file: text.nullable(),
  /** What was stored of it; null where `file` is. */
  bytes: count.nullable(),
  /** Why it could not be saved. */
  failed: text.nullable(),
  /** Where it lay in NocoDB; one of the two. */
  path: nullableText,
  url: nullableText,
});
export type SavedAttachment = z.output<typeof attachmentSchema>;

/** One line of `comments.json.gz`. */
export const commentSchema = z.looseObject({ id: text, row_id: text, comment: text });
export type SavedComment = z.output<typeof commentSchema>;

const savedTableSchema = z.object({
  id: text,
  title: text,
  /** Below `tables/`. */
  folder: text,
  /** Null: records were not wanted. */
  records: count.nullable(),
  views: count,
  /** Null: the token may not read them. */
  hooks: count.nullable(),
  /** Null: the API did not give them. */
  comments: count.nullable(),
  attachments: z.object({
    files: count,
    bytes: count,
    /** Addresses of files elsewhere, which were not fetched. */
    links: count,
  }),
  /** It changed while it was read; a line for each thing that tells so. */
  changed: z.array(text),
  /** Parts that could not be saved, each with the reason. Empty: all is there. */
  failed: z.array(text),
});
export type SavedTable = z.output<typeof savedTableSchema>;

const linkSideSchema = z.object({
  table: text.describe('id of the table whose records this side names'),
  column: text.nullable().describe('id of the link column on that table; null: it has none'),
  key: text.describe('id of the column of the junction table'),
});

const savedLinksSchema = z.object({
  /** Id of the junction table. */
  junction: text,
  /** Below the folder of the base: `links/Orders-Customers.json.gz`. Null: records were not wanted. */
  file: text.nullable(),
  pairs: count,
  failed: z.array(text),
  left: linkSideSchema,
  right: linkSideSchema,
});
export type SavedLinks = z.output<typeof savedLinksSchema>;

export const baseFileSchema = z.object({
  format: z.literal(treeFormat),
  kind: z.literal('nocodb'),
  savedAt: z.iso.datetime(),
  server: z.object({ url: text, version: text.nullable() }),
  base: z.looseObject({
    id: text,
    title: text,
    description: nullableText,
    order: nullableNumber,
    meta: settings,
  }),
  /** Without connections and passwords. */
  sources: z.array(z.looseObject({ id: text, type: nullableText, is_meta: truth, is_local: truth })),
  users: z.array(z.looseObject({ id: text, email: text, display_name: nullableText, roles: nullableText })),
  /** In the order of the base; without junction tables. */
  tables: z.array(savedTableSchema),
  links: z.array(savedLinksSchema),
  warnings: z.array(text),
});
export type BaseFile = z.output<typeof baseFileSchema>;

export const names = {
  metadata: 'metadata.json',
  schema: 'schema.json',
  records: 'records.json.gz',
  views: 'views.json',
  hooks: 'hooks.json',
  comments: 'comments.json.gz',
  attachments: 'attachments.json.gz',
} as const;

export function basePath(folder: string, name: string): string {
  return `bases/${folder}/${name}`;
}

export function tablePath(base: string, table: string, name: string): string {
  return basePath(base, `tables/${table}/${name}`);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
