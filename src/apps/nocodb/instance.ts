import { z } from 'zod';
import type { Client } from './client.ts';
import { notNocodb, statusOf } from './errors.ts';
import {
  baseFileSchema,
  columnSchema,
  commentSchema,
  filterSchema,
  hookSchema,
  schemaFileSchema,
  sortSchema,
  viewColumnSchema,
  viewSchema,
  type Column,
  type SavedComment,
  type View,
} from './tree-format.ts';

/** What NocoDB tells of itself, in the words of the saved tree. */

const list = <Schema extends z.ZodType>(entry: Schema) => z.object({ list: z.array(entry) });
const base = baseFileSchema.shape.base;
const table = schemaFileSchema.shape.table;
const wholeTable = table.extend({ columns: z.array(columnSchema), views: z.array(viewSchema).default([]) });
const number = z.coerce.number();
const pageInfo = z.object({ totalRows: number, pageSize: number.optional(), isLastPage: z.boolean() });
/** A thousand records a page: they are looked at one by one when they are written. */
const record = z.custom<Record<string, unknown>>((value) => typeof value === 'object' && value !== null);
const page = z.object({ list: z.array(record), pageInfo });

export type Base = z.output<typeof base>;
export type Table = z.output<typeof table>;
export type User = z.output<typeof baseFileSchema>['users'][number];
export type Hook = z.output<typeof hookSchema>;
export type Filter = z.output<typeof filterSchema>;

export interface WholeTable {
  table: Table;
  columns: Column[];
  views: View[];
}

export interface Page {
  records: Record<string, unknown>[];
  total: number;
  last: boolean;
  bytes: number;
}

export interface Person {
  email: string | null;
  /** Sees every base of the instance. */
  superAdmin: boolean;
  mayCreate: boolean;
}

export interface Instance {
  readonly client: Client;
  version(signal: AbortSignal): Promise<string | null>;
  person(signal: AbortSignal): Promise<Person>;
  bases(signal: AbortSignal): Promise<Base[]>;
  base(id: string, signal: AbortSignal): Promise<{ base: Base; sources: z.output<typeof baseFileSchema>['sources'] }>;
  /** Null: the token may not see them. */
  users(base: string, signal: AbortSignal): Promise<User[] | null>;
  tables(base: string, signal: AbortSignal): Promise<Table[]>;
  table(id: string, signal: AbortSignal): Promise<WholeTable>;
  view(view: View, signal: AbortSignal): Promise<Pick<z.output<typeof viewDetails>, 'columns' | 'sorts' | 'filters'>>;
  /** Null: the token may not see them. */
  hooks(table: string, signal: AbortSignal): Promise<{ hook: Hook; filters: Filter[] }[] | null>;
  page(table: string, query: PageQuery, signal: AbortSignal): Promise<Page>;
  /** Of these records, those that have comments; null: the token may not see them. */
  commented(table: string, ids: readonly string[], signal: AbortSignal): Promise<string[] | null>;
  comments(table: string, record: string, signal: AbortSignal): Promise<SavedComment[]>;
}

export interface PageQuery {
  fields: readonly string[];
  limit: number;
  offset?: number;
  sort?: string;
  where?: string;
  /** A longer answer is refused with `NOCODB_ANSWER_TOO_LONG`. */
  most?: number;
}

const viewDetails = z.object({
  columns: z.array(viewColumnSchema),
  sorts: z.array(sortSchema),
  filters: z.array(filterSchema),
});
const person = z.looseObject({
  email: z.string().nullish(),
  roles: z.union([z.record(z.string(), z.unknown()), z.string(), z.null(), z.undefined()]),
});

export function instance(client: Client): Instance {
  const get = async <Schema extends z.ZodType>(
    schema: Schema,
    what: string,
    [path, query]: [string, Record<string, string | number | readonly string[]>?],
    signal: AbortSignal,
  ): Promise<z.output<Schema>> => shaped(client, schema, what, await client.get(path, query ?? {}, signal));
  return {
    client,
    version: async (signal) => {
      const answer = await client.get('/api/v1/version', {}, signal).catch(absent);
      const parsed = z.object({ releaseVersion: z.string().nullish() }).safeParse(answer);
      return (parsed.success ? parsed.data.releaseVersion : null) ?? null;
    },
    person: async (signal) => {
      const { email, roles } = await get(person, 'the user of the token', ['/api/v2/auth/user/me'], signal);
      const has = (role: string) =>
        typeof roles === 'string' ? roles.split(',').includes(role) : roles?.[role] === true;
      return { email: email ?? null, superAdmin: has('super'), mayCreate: has('super') || has('org-level-creator') };
    },
    bases: async (signal) => (await get(list(base), 'the list of bases', ['/api/v2/meta/bases'], signal)).list,
    base: async (id, signal) => {
      const detail = base.extend({ sources: baseFileSchema.shape.sources.default([]) });
      const { sources, ...rest } = await get(detail, 'a base', [`/api/v2/meta/bases/${id}`], signal);
      return { base: rest, sources };
    },
    users: async (id, signal) => {
      const users = z.object({ users: list(baseFileSchema.shape.users.element) });
      const path = `/api/v2/meta/bases/${id}/users`;
      return get(users, 'the people of a base', [path], signal).then((answer) => answer.users.list, forbidden);
    },
    tables: async (id, signal) => {
      const path = `/api/v2/meta/bases/${id}/tables`;
      return (await get(list(table), 'the list of tables', [path, { includeM2M: 'true' }], signal)).list;
    },
    table: async (id, signal) => {
      const whole = await get(wholeTable, 'a table', [`/api/v2/meta/tables/${id}`], signal);
      const { columns, views, columnsById: _, columnsHash: __, ...rest } = whole;
      return { table: rest, columns, views };
    },
    view: async ({ id }, signal) => {
      const part = async <Schema extends z.ZodType>(schema: Schema, path: string, query = {}) =>
        (await get(list(schema), 'a view', [`/api/v2/meta/views/${id}/${path}`, query], signal)).list;
      const [columns, sorts, filters] = await Promise.all([
        part(viewColumnSchema, 'columns'),
        part(sortSchema, 'sorts'),
        part(filterSchema, 'filters', { includeAllFilters: 'true' }),
      ]);
      return { columns, sorts, filters };
    },
    hooks: async (id, signal) => {
      const path = `/api/v2/meta/tables/${id}/hooks`;
      const found = await get(list(hookSchema), 'the hooks of a table', [path], signal).then(
        (it) => it.list,
        forbidden,
      );
      if (found === null) return null;
      return Promise.all(
        found.map(async (hook) => {
          const filters = await get(list(filterSchema), 'a hook', [`/api/v2/meta/hooks/${hook.id}/filters`], signal);
          return { hook, filters: filters.list };
        }),
      );
    },
    page: async (id, { fields, limit, offset, sort, where, most }, signal) => {
      const query = { fields: fields.join(','), limit, offset, sort, where };
      const path = `/api/v2/tables/${id}/records`;
      const { value, bytes } = await client.getMeasured(path, query, { signal, ...(most ? { most } : {}) });
      const answer = shaped(client, page, 'a page of records', value);
      return { records: answer.list, total: answer.pageInfo.totalRows, last: answer.pageInfo.isLastPage, bytes };
    },
    commented: async (id, ids, signal) => {
      const counts = z.array(z.object({ row_id: z.coerce.string(), count: number }));
      // A single one would be taken for a text, not for a list of one.
      const query = { ids: ids.length === 1 ? [...ids, ...ids] : ids, fk_model_id: id };
      return get(counts, 'the number of comments', ['/api/v2/meta/comments/count', query], signal).then(
        (answer) => answer.flatMap(({ row_id: row, count }) => (count > 0 ? [row] : [])),
        forbidden,
      );
    },
    comments: async (id, row, signal) => {
      const query = { row_id: row, fk_model_id: id };
      return (await get(list(commentSchema), 'comments', ['/api/v2/meta/comments', query], signal)).list;
    },
  };
}

function shaped<Schema extends z.ZodType>(
  client: Client,
  schema: Schema,
  what: string,
  answer: unknown,
): z.output<Schema> {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  throw notNocodb(client.title, `gave something else for ${what}`);
}

function forbidden(error: unknown): null {
  if (statusOf(error) === 403) return null;
  throw error;
}

function absent(error: unknown): null {
  if (statusOf(error) === 404 || statusOf(error) === 403) return null;
  throw error;
}
