import { z } from 'zod';
import type { Client } from '../client.ts';
import { notNocodb } from '../errors.ts';
import { columnSchema, viewSchema, type Column } from '../tree-format.ts';

const settings = z
  .unknown()
  .optional()
  .transform((value): Record<string, unknown> => {
    const parsed = typeof value === 'string' ? jsonOrNull(value) : value;
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : {};
  });

const baseSchema = z.looseObject({
  id: z.string(),
  title: z.string(),
  meta: settings,
  sources: z
    .array(z.looseObject({ id: z.string(), type: z.string().nullish() }))
    .nullish()
    .transform((value) => value ?? []),
});
/** A base in the NocoDB that is restored to. */
export type LiveBase = z.output<typeof baseSchema>;

const tableSchema = z.looseObject({ id: z.string(), title: z.string(), meta: settings });
export type LiveTableName = z.output<typeof tableSchema>;

const wholeTableSchema = z.looseObject({
  id: z.string(),
  title: z.string(),
  meta: settings,
  columns: z.array(columnSchema),
  views: z
    .array(viewSchema)
    .nullish()
    .transform((value) => value ?? []),
});
/** A table in the NocoDB that is restored to, with its columns and the names of its views. */
export type LiveTable = z.output<typeof wholeTableSchema>;

const userSchema = z.looseObject({ id: z.string(), email: z.string(), roles: z.string().nullish() });
export type LiveUser = z.output<typeof userSchema>;

export async function liveBases(client: Client, signal: AbortSignal): Promise<LiveBase[]> {
  const answer = await client.get('/api/v2/meta/bases', {}, signal);
  return read(client, z.object({ list: z.array(baseSchema) }), answer, 'the list of bases').list;
}

export async function liveTables(client: Client, base: string, signal: AbortSignal): Promise<LiveTableName[]> {
  const answer = await client.get(`/api/v2/meta/bases/${base}/tables`, {}, signal);
  return read(client, z.object({ list: z.array(tableSchema) }), answer, 'the list of tables').list;
}

export async function liveTable(client: Client, id: string, signal: AbortSignal): Promise<LiveTable> {
  return read(client, wholeTableSchema, await client.get(`/api/v2/meta/tables/${id}`, {}, signal), 'a table');
}

export async function liveUsers(client: Client, base: string, signal: AbortSignal): Promise<LiveUser[]> {
  const answer = await client.get(`/api/v2/meta/bases/${base}/users`, {}, signal);
  return read(client, z.object({ users: z.object({ list: z.array(userSchema) }) }), answer, 'the people of a base')
    .users.list;
}

export async function liveCount(client: Client, table: string, signal: AbortSignal): Promise<number> {
  const answer = await client.get(`/api/v2/tables/${table}/records/count`, {}, signal);
  return read(client, z.object({ count: z.coerce.number() }), answer, 'the number of records').count;
}

export interface LivePage {
  records: Record<string, unknown>[];
  last: boolean;
}

const pageSchema = z.object({
  list: z.array(z.record(z.string(), z.unknown())),
  pageInfo: z.looseObject({ isLastPage: z.boolean().nullish() }),
});

export async function livePage(
  client: Client,
  table: string,
  query: Readonly<Record<string, string | number>>,
  signal: AbortSignal,
): Promise<LivePage> {
  const answer = await client.get(`/api/v2/tables/${table}/records`, query, signal);
  const { list, pageInfo } = read(client, pageSchema, answer, 'a page of records');
  return { records: list, last: pageInfo.isLastPage ?? list.length === 0 };
}

/** 0: the table is empty. */
export async function highestKey(
  client: Client,
  { id }: Pick<LiveTable, 'id'>,
  key: Pick<Column, 'id' | 'title'>,
  signal: AbortSignal,
): Promise<number> {
  const page = await livePage(client, id, { fields: key.id, sort: `-${key.id}`, limit: 1 }, signal);
  return Number(page.records[0]?.[key.title] ?? 0);
}

/** The answer to whatever makes a table or a column. */
export function madeTable(client: Client, answer: unknown): LiveTable {
  return read(client, wholeTableSchema, answer, 'a table');
}

export function madeBase(client: Client, answer: unknown): LiveBase {
  return read(client, baseSchema, answer, 'a base');
}

export function idOf(client: Client, answer: unknown, what: string): string {
  return read(client, z.looseObject({ id: z.string() }), answer, what).id;
}

export function read<Schema extends z.ZodType>(
  client: Client,
  schema: Schema,
  answer: unknown,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(answer);
  if (!result.success) throw notNocodb(client.title, `gave something else for ${what}`);
  return result.data;
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
