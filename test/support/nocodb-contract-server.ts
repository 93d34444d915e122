import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { recordsWhere, sorted } from './nocodb-contract-query.ts';

/**
 * A small NocoDB, as far as its API is read: it answers as the real one was seen to (0.301.3), from plain objects, and can be told to
 * misbehave. Writing is added by `nocodb-contract-writes.ts`.
 */
export interface ContractServer extends AsyncDisposable {
  url: string;
  token: string;
  world: World;
  /** Everything that was asked, in order. */
  asked: Asked[];
  /** Called first; null: answer as usual. */
  intercept: (asked: Asked) => Answer | null | Promise<Answer | null>;
  /** More of the API; the first that answers wins. */
  routes: Route[];
}

export interface World {
  bases: ContractBase[];
  /** What `/download/...` and signed addresses give, by path below `download/`. */
  files: Map<string, Buffer>;
  /** Signatures that are good; what NocoDB signs is added. */
  signatures: Set<string>;
  user: { id: string; email: string; roles: Record<string, boolean> };
  version: string | null;
  /** `DB_QUERY_LIMIT_MAX` */
  longestPage: number;
  /** What the token's user may not do: `hookList`, `commentCount`, `userList`. */
  forbidden: Set<string>;
}

export interface ContractBase {
  id: string;
  title: string;
  tables: ContractTable[];
  [more: string]: unknown;
}

export interface ContractTable {
  id: string;
  title: string;
  mm?: boolean;
  columns: ContractColumn[];
  views: { id: string; title: string; type: number; columns: object[]; sorts: object[]; filters: object[] }[];
  hooks: { id: string; title: string; [more: string]: unknown }[];
  comments: { id: string; row_id: string; comment: string }[];
  /** In the order of the people. Or made when they are asked for. */
  records: Record<string, unknown>[] | { length: number; at(index: number): Record<string, unknown> };
  [more: string]: unknown;
}

export interface ContractColumn {
  id: string;
  title: string;
  uidt: string;
  pk?: boolean;
  system?: boolean;
  colOptions?: Record<string, unknown>;
  [more: string]: unknown;
}

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  body?: Buffer | string;
  /** The connection ends after so many bytes of the body. */
  cutAfter?: number;
}

export type Route = (asked: Asked, world: World) => Answer | null | Promise<Answer | null>;

export async function startContractServer(bases: ContractBase[] = []): Promise<ContractServer> {
  const contract: Omit<ContractServer, 'url' | typeof Symbol.asyncDispose> = {
    token: 'contract-token-0123456789',
    world: {
      bases,
      files: new Map(),
      signatures: new Set(),
      user: { id: 'us1', email: 'admin@example.test', roles: { 'org-level-creator': true, super: true } },
      version: '0.301.3',
      longestPage: 1000,
      forbidden: new Set(),
    },
    asked: [],
    intercept: () => null,
    routes: [],
  };
  const server = createServer((request, response) => {
    void respond(contract, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(contract, {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function respond(
  contract: Omit<ContractServer, 'url' | typeof Symbol.asyncDispose>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://contract');
  const asked: Asked = {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: await buffer(request),
  };
  contract.asked.push(asked);
  const answer = (await contract.intercept(asked)) ?? (await answerTo(contract, asked));
  const body = Buffer.from(answer.json === undefined ? (answer.body ?? '') : JSON.stringify(answer.json));
  response.writeHead(answer.status ?? 200, {
    'content-type': answer.json === undefined ? 'application/octet-stream' : 'application/json',
    'content-length': body.length,
    ...answer.headers,
  });
  if (answer.cutAfter === undefined) return void response.end(body);
  response.write(body.subarray(0, answer.cutAfter), () => response.destroy());
}

async function answerTo(
  { world, token, routes }: Pick<ContractServer, 'world' | 'token' | 'routes'>,
  asked: Asked,
): Promise<Answer> {
  const file = fileRoute(asked, world);
  if (file !== null) return file;
  if (asked.headers['xc-token'] !== token) {
    return refusal(401, 'ERR_AUTHENTICATION_REQUIRED', 'Authentication required - Invalid token');
  }
  for (const route of [...routes, metaRoute, tableRoute, recordRoute, commentRoute]) {
    const answer = await route(asked, world);
    if (answer !== null) return answer;
  }
  return { status: 404, json: { msg: `Cannot ${asked.method} ${asked.path}` } };
}

export function refusal(status: number, error: string, message: string): Answer {
  return { status, json: { error, message } };
}

function list(entries: unknown[]): Answer {
  return { json: { list: entries, pageInfo: { totalRows: entries.length, isFirstPage: true, isLastPage: true } } };
}

function metaRoute({ method, path, query }: Asked, world: World): Answer | null {
  if (method !== 'GET') return null;
  const { bases, user, version, forbidden } = world;
  if (path === '/api/v1/version') return { json: { releaseVersion: version } };
  if (path === '/api/v2/auth/user/me') return { json: { ...user, is_api_token: true } };
  if (path === '/api/v2/meta/nocodb/info')
    return { json: { ncDefaultWorkspaceId: 'w1', ncAttachmentFieldSize: 20_971_520 } };
  if (path === '/api/v2/meta/bases') return list(bases.map(withoutTables));
  const [, baseId, rest] = /^\/api\/v2\/meta\/bases\/([^/]+)(?:\/(tables|users))?$/.exec(path) ?? [];
  if (baseId === undefined) return null;
  const base = bases.find(({ id }) => id === baseId);
  if (!base) return refusal(404, 'ERR_BASE_NOT_FOUND', `Base '${baseId}' not found`);
  if (rest === undefined) {
    const source = { id: `s${base.id}`, type: 'sqlite3', is_meta: 1, is_local: 0, config: 'a password' };
    return { json: { ...withoutTables(base), sources: [source] } };
  }
  if (rest === 'users') {
    if (forbidden.has('userList')) return refusal(403, 'ERR_FORBIDDEN', 'Forbidden');
    return { json: { users: { list: [{ id: user.id, email: user.email, roles: 'owner', invite_token: 'x' }] } } };
  }
  const junctions = query.get('includeM2M') === 'true';
  return list(base.tables.filter(({ mm }) => junctions || mm !== true).map((table) => summary(table)));
}

function tableRoute({ method, path }: Asked, { bases, forbidden }: World): Answer | null {
  if (method !== 'GET') return null;
  const tables = bases.flatMap((base) => base.tables);
  const [, tableId, hooks] = /^\/api\/v2\/meta\/tables\/([^/]+)(\/hooks)?$/.exec(path) ?? [];
  if (tableId !== undefined) {
    const table = tables.find(({ id }) => id === tableId);
    if (!table) return refusal(404, 'ERR_TABLE_NOT_FOUND', `Table '${tableId}' not found`);
    if (hooks !== undefined) {
      return forbidden.has('hookList') ? refusal(403, 'ERR_FORBIDDEN', 'Forbidden') : list(table.hooks);
    }
    const views = table.views.map(({ columns: _, sorts: __, filters: ___, ...view }) => view);
    return { json: { ...summary(table), columns: table.columns, views, columnsById: {} } };
  }
  const [, viewId, part] = /^\/api\/v2\/meta\/views\/([^/]+)\/(columns|sorts|filters)$/.exec(path) ?? [];
  const view = tables.flatMap(({ views }) => views).find(({ id }) => id === viewId);
  if (view && (part === 'columns' || part === 'sorts' || part === 'filters')) return list(view[part]);
  if (/^\/api\/v2\/meta\/hooks\/[^/]+\/filters$/.test(path)) return list([]);
  return null;
}

function recordRoute({ method, path, query }: Asked, world: World): Answer | null {
  const [, tableId, count] = /^\/api\/v2\/tables\/([^/]+)\/records(\/count)?$/.exec(path) ?? [];
  if (method !== 'GET' || tableId === undefined) return null;
  const table = world.bases.flatMap(({ tables }) => tables).find(({ id }) => id === tableId);
  if (!table) return refusal(404, 'ERR_TABLE_NOT_FOUND', `Table '${tableId}' not found`);
  const where = query.get('where');
  const sort = query.get('sort');
  if (count !== undefined) return { json: { count: recordsWhere(table, where).length } };
  const asked = Number(query.get('limit') ?? 25);
  const limit = asked > 0 ? Math.min(asked, world.longestPage) : 25;
  const offset = Number(query.get('offset') ?? 0);
  const all = sorted(recordsWhere(table, where), sort, table);
  if (offset > 0 && offset >= all.length)
    return refusal(422, 'ERR_INVALID_OFFSET_VALUE', `Offset value '${offset}' is invalid`);
  const fields = (query.get('fields') ?? '').split(',').filter((id) => id !== '');
  const columns = table.columns.filter(({ id, title }) => fields.includes(id) || fields.includes(title));
  const unknown = fields.find((id) => !columns.some((column) => column.id === id || column.title === id));
  if (unknown !== undefined) return refusal(404, 'ERR_FIELD_NOT_FOUND', `Field '${unknown}' not found`);
  const records: Record<string, unknown>[] = [];
  for (let at = offset; at < Math.min(offset + limit, all.length); at += 1)
    records.push(signed(all.at(at) ?? {}, fields.length === 0 ? table.columns : columns, world));
  const last = offset + records.length >= all.length;
  const pageInfo = { totalRows: all.length, pageSize: limit, isFirstPage: offset === 0, isLastPage: last };
  return { json: { list: records, pageInfo } };
}

/** As NocoDB gives it: by title, files with an address that is good for a while. */
function signed(
  record: Record<string, unknown>,
  columns: readonly ContractColumn[],
  { signatures }: World,
): Record<string, unknown> {
  return Object.fromEntries(
    columns.map(({ title, uidt }) => {
      const value = record[title] ?? null;
      if (uidt !== 'Attachment' || !Array.isArray(value)) return [title, value];
      const files = (value as Record<string, unknown>[]).map((file) => {
        if (typeof file['path'] !== 'string') return 'url' in file ? { signedUrl: file['url'], ...file } : file;
        const signature = `sig${signatures.size + 1}`;
        signatures.add(signature);
        return { ...file, signedPath: file['path'].replace(/^download\//, `dltemp/${signature}/`) };
      });
      return [title, files];
    }),
  );
}

function commentRoute({ method, path, query }: Asked, { bases, forbidden }: World): Answer | null {
  if (method !== 'GET' || !path.startsWith('/api/v2/meta/comments')) return null;
  if (forbidden.has('commentCount')) return refusal(403, 'ERR_FORBIDDEN', 'Forbidden');
  const table = bases.flatMap(({ tables }) => tables).find(({ id }) => id === query.get('fk_model_id'));
  const comments = table?.comments ?? [];
  if (path === '/api/v2/meta/comments') return list(comments.filter(({ row_id: row }) => row === query.get('row_id')));
  const counts = new Map<string, number>();
  const ids = [...query.getAll('ids'), ...query.getAll('ids[]')];
  for (const { row_id: row } of comments) if (ids.includes(row)) counts.set(row, (counts.get(row) ?? 0) + 1);
  return { json: [...counts].map(([row, count]) => ({ row_id: row, count })) };
}

/** Files need no token; signatures must be good. */
function fileRoute({ method, path, headers }: Asked, { files, signatures }: World): Answer | null {
  if (method !== 'GET') return null;
  const [, signature, name] = /^\/(?:dltemp\/([^/]+)|download)\/(.+)$/.exec(path) ?? [];
  if (name === undefined) return null;
  const content = files.get(decodeURIComponent(name));
  if (content === undefined || (signature !== undefined && !signatures.has(signature)))
    return { status: 404, body: 'Not found' };
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  if (from === 0) return { body: content };
  const range = `bytes ${from}-${content.length - 1}/${content.length}`;
  return { status: 206, headers: { 'content-range': range }, body: content.subarray(from) };
}

function withoutTables({ tables: _, ...base }: ContractBase): Record<string, unknown> {
  return { description: null, meta: '{"iconColor":"#123456"}', order: 1, ...base };
}

function summary({
  columns: _,
  views: __,
  hooks: ___,
  comments: ____,
  records: _____,
  ...table
}: ContractTable): Record<string, unknown> {
  return { table_name: `nc_${table.id}`, order: 1, meta: null, ...table, mm: table.mm === true ? 1 : 0 };
}
