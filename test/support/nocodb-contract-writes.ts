import {
  refusal,
  type Answer,
  type Asked,
  type ContractBase,
  type ContractColumn,
  type ContractServer,
  type ContractTable,
  type Route,
  type World,
} from './nocodb-contract-server.ts';
import { recordsWhere } from './nocodb-contract-query.ts';

/** How the writing half of the server misbehaves. */
export interface Faults {
  /** Types of columns that it does not make. */
  unknownTypes: Set<string>;
  /** A record that it does not take, and its words. */
  refuses: (body: Record<string, unknown>, table: ContractTable) => string | null;
  /** What is kept of a file that is brought. */
  keeps: (content: Buffer) => Buffer;
  /** Changes of a record that it says yes to and does not take. */
  forgets: (body: Record<string, unknown>) => boolean;
  /** What it says to records that were inserted, made of what is right. */
  answersInsertion: (keys: unknown[]) => unknown;
  /** Says what base it is made of; `pg` numbers by a counter of its own. */
  postgres: boolean;
}

type Body = Record<string, unknown>;
type View = ContractTable['views'][number];

let made = 0;

function nextId(prefix: string): string {
  made += 1;
  return `${prefix}${String(made).padStart(14, '0')}`;
}

/** Adds what a restore asks of NocoDB, with its habits: pairs of links are written and then answered with 500, titles of tables are unique. */
export function withWrites(server: ContractServer): Faults {
  const faults: Faults = {
    unknownTypes: new Set(),
    refuses: () => null,
    keeps: (content) => content,
    forgets: () => false,
    answersInsertion: (keys) => keys,
    postgres: false,
  };
  const counters = new Map<string, number>();
  server.routes.push(
    (asked, world) => sourcesRoute(asked, world, faults),
    baseWrites(faults),
    tableWrites(faults),
    recordWrites(faults, counters),
    viewWrites,
    otherWrites(faults),
  );
  return faults;
}

/** A base says what its tables lie in. */
function sourcesRoute({ method, path }: Asked, { bases }: World, faults: Faults): Answer | null {
  if (method !== 'GET' || path !== '/api/v2/meta/bases') return null;
  const sources = sourcesOf(faults);
  return { json: { list: bases.map(({ tables: _, ...base }) => ({ ...base, sources })), pageInfo: {} } };
}

function sourcesOf({ postgres }: Faults): Body[] {
  return [{ id: 'source', type: postgres ? 'pg' : 'sqlite3', is_meta: 1, is_local: 1 }];
}

const baseWrites =
  (faults: Faults): Route =>
  ({ method, path, body }, { bases, user }) => {
    if (method === 'POST' && path === '/api/v2/meta/bases') {
      const { title, description, meta } = json(body);
      const base: ContractBase = { id: nextId('p'), title: String(title), description, meta, tables: [] };
      bases.push(base);
      const { tables: _, ...answer } = base;
      return { json: { ...answer, sources: sourcesOf(faults) } };
    }
    const [, baseId, users] = /^\/api\/v2\/meta\/bases\/([^/]+)(\/users)?$/.exec(path) ?? [];
    const at = bases.findIndex(({ id }) => id === baseId);
    if (at === -1) return null;
    if (method === 'DELETE') {
      bases.splice(at, 1);
      return { json: true };
    }
    const base = bases[at];
    const members = (base?.['members'] ?? []) as Body[];
    if (users !== undefined && method === 'POST') {
      const { email, roles } = json(body);
      if (base) base['members'] = [...members, { id: nextId('us'), email, roles }];
      return { json: { msg: 'invited' } };
    }
    if (users !== undefined && method === 'GET')
      return { json: { users: { list: [{ id: user.id, email: user.email, roles: 'owner' }, ...members] } } };
    return null;
  };

function tableWrites({ unknownTypes }: Faults): Route {
  return ({ method, path, body }, { bases }) => {
    const [, baseId] = /^\/api\/v2\/meta\/bases\/([^/]+)\/tables$/.exec(path) ?? [];
    const base = bases.find(({ id }) => id === baseId);
    if (method === 'POST' && base) {
      const { title, columns, meta, description } = json(body);
      const wanted = columns as Body[];
      const unknown = wanted.find(({ uidt }) => unknownTypes.has(String(uidt)));
      const table = newTable(String(title), { meta, description, source_id: 'source' });
      if (base.tables.some((each) => each.title === title)) return refusal(422, 'ERR_DUPLICATE_IN_ALIAS', 'Duplicate');
      base.tables.push(table);
      // It leaves half a table behind.
      if (unknown) return { status: 400, json: { msg: `Unknown type ${String(unknown['uidt'])}` } };
      for (const each of wanted) table.columns.push(newColumn(each));
      fillViews(table);
      return { json: whole(table) };
    }
    const tables = bases.flatMap((each) => each.tables);
    const [, tableId, columns] = /^\/api\/v2\/meta\/tables\/([^/]+)(\/columns)?$/.exec(path) ?? [];
    const table = tables.find(({ id }) => id === tableId);
    if (table && columns === undefined && method === 'PATCH') {
      Object.assign(table, json(body));
      return { json: { msg: 'updated' } };
    }
    if (table && columns === undefined && method === 'DELETE') {
      for (const each of bases) each.tables = each.tables.filter((other) => other !== table);
      return { json: true };
    }
    if (table && columns !== undefined && method === 'POST') {
      const wanted = json(body);
      if (unknownTypes.has(String(wanted['uidt']))) return { status: 400, json: { msg: 'Unknown type' } };
      if (wanted['parentId'] === undefined) table.columns.push(newColumn(wanted));
      else addLink(bases, table, wanted);
      for (const each of tables) fillViews(each);
      return { json: whole(table) };
    }
    const [, columnId, primary] = /^\/api\/v2\/meta\/columns\/([^/]+)(\/primary)?$/.exec(path) ?? [];
    const column = tables.flatMap((each) => each.columns).find(({ id }) => id === columnId);
    if (!column) return null;
    if (primary === undefined) Object.assign(column, json(body), { id: column.id });
    else column['pv'] = true;
    return { json: true };
  };
}

function addLink(bases: ContractBase[], table: ContractTable, wanted: Body): void {
  const base = bases.find(({ tables }) => tables.includes(table));
  const other = base?.tables.find(({ id }) => id === wanted['childId']);
  if (!base || !other) throw new Error('no table to link to');
  const type = String(wanted['type']);
  if (wanted['version'] === undefined && type !== 'mm') {
    const key = newColumn({ title: `${table.title}_id`, uidt: 'ForeignKey' });
    other.columns.push(key);
    const parent = table.columns.find(({ uidt }) => uidt === 'ID')?.id;
    const options = { fk_child_column_id: key.id, fk_parent_column_id: parent, version: 1 };
    table.columns.push(newColumn({ ...wanted, colOptions: { ...options, type, fk_related_model_id: other.id } }));
    other.columns.push(
      newColumn({
        title: `${table.title}s`,
        uidt: 'LinkToAnotherRecord',
        colOptions: { ...options, type: 'bt', fk_related_model_id: table.id },
      }),
    );
    return;
  }
  const left = newColumn({ title: `${table.title}_id`, uidt: 'ForeignKey', pk: true });
  const right = newColumn({ title: `${other.title}_id_2`, uidt: 'ForeignKey', pk: true });
  const links: ContractTable = { ...newTable(nextId('nc_m2m_'), {}), mm: true, columns: [left, right], views: [] };
  base.tables.push(links);
  const back = { om: 'mo', mm: 'mm', oo: 'oo' }[type] ?? type;
  const options = (kind: string, related: ContractTable, own: ContractColumn, far: ContractColumn) => ({
    type: kind,
    version: 2,
    fk_related_model_id: related.id,
    fk_mm_model_id: links.id,
    fk_mm_child_column_id: own.id,
    fk_mm_parent_column_id: far.id,
  });
  table.columns.push(newColumn({ ...wanted, colOptions: options(type, other, left, right) }));
  other.columns.push(
    newColumn({ title: `${table.title}s`, uidt: 'Links', colOptions: options(back, table, right, left) }),
  );
}

function recordWrites(faults: Faults, counters: Map<string, number>): Route {
  return ({ method, path, body, query }, { bases }) => {
    const tables = bases.flatMap((each) => each.tables);
    const [, tableId, way] = /^\/api\/v1\/db\/data\/bulk\/noco\/[^/]+\/([^/]+)(?:\/(upsert|all))?$/.exec(path) ?? [];
    const table = tables.find(({ id }) => id === tableId);
    if (!table || !Array.isArray(table.records)) return null;
    if (method === 'DELETE') {
      const gone = new Set(recordsWhere(table, query.get('where')) as Body[]);
      removeRecords(table, gone, tables);
      return { json: gone.size };
    }
    if (method === 'PATCH' && way === 'all') {
      const changed = recordsWhere(table, query.get('where')) as Body[];
      for (const record of changed) Object.assign(record, named(json(body), table), { UpdatedAt: 'now' });
      return { json: changed.length };
    }
    const rows = JSON.parse(body.toString('utf8')) as Body[];
    if (rows.length > 100) return refusal(422, 'ERR_MAX_PAYLOAD_LIMIT_EXCEEDED', 'Maximum 100 entities');
    if (table.mm === true) {
      for (const row of rows) table.records.push(named(row, table));
      return {
        status: 500,
        json: { msg: 'Something went wrong', innerError: { msg: 'Undefined binding(s)', stack: 'x' } },
      };
    }
    for (const [at, row] of rows.entries()) {
      const reason = faults.refuses(named(row, table), table);
      if (reason === null) continue;
      // What its database refuses has used up the numbers of those before it.
      if (named(row, table)['Id'] === undefined) counters.set(table.id, (counters.get(table.id) ?? 0) + at + 1);
      return { status: 422, json: { msg: reason } };
    }
    const isInsertion = way === undefined;
    if (isInsertion && rows.some((row) => isRefusedByInsertion(named(row, table), table)))
      return { status: 400, json: { msg: 'Invalid option(s), or a key that is there' } };
    let isTaken = false;
    const written = rows.map((row) => {
      const values = named(row, table);
      const record: Body = { CreatedAt: 'now', UpdatedAt: null, ...(isInsertion ? inMinutes(values, table) : values) };
      if (record['Id'] === undefined) {
        const next = (counters.get(table.id) ?? 0) + 1;
        counters.set(table.id, next);
        record['Id'] = next;
        isTaken ||= (table.records as Body[]).some(({ Id }) => Id === next);
      }
      return record;
    });
    if (isTaken) return refusal(400, 'FIELD_UNIQUE_CONSTRAINT_VIOLATION', 'A record with this key is there');
    for (const record of written) {
      const at = (table.records as Body[]).findIndex((each) => each['Id'] === record['Id']);
      if (at === -1) (table.records as Body[]).push(record);
      else (table.records as Body[])[at] = { ...(table.records as Body[])[at], ...record, UpdatedAt: 'now' };
    }
    table.records = (table.records as Body[]).toSorted(
      (left, right) => Number(left['nc_order']) - Number(right['nc_order']),
    );
    if (isInsertion) return { status: 200, json: faults.answersInsertion(keysOf(written, faults)) };
    return { status: 201, json: written };
  };
}

/** And unlinks what was linked to their keys. */
function removeRecords(table: ContractTable, gone: ReadonlySet<Body>, tables: readonly ContractTable[]): void {
  const keys = new Set([...gone].map(({ Id }) => Id));
  table.records = (table.records as Body[]).filter((record) => !gone.has(record));
  for (const { colOptions } of table.columns.filter((each) => each.colOptions?.['type'] === 'hm')) {
    const related = tables.find(({ id }) => id === colOptions?.['fk_related_model_id']);
    const key = related?.columns.find(({ id }) => id === colOptions?.['fk_child_column_id'])?.title ?? '';
    for (const record of (related?.records ?? []) as Body[]) if (keys.has(record[key])) record[key] = null;
  }
}

const viewWrites: Route = ({ method, path, body }, { bases }) => {
  const tables = bases.flatMap((each) => each.tables);
  const [, tableId, kind] =
    /^\/api\/v2\/meta\/tables\/([^/]+)\/(grids|forms|galleries|kanbans|calendars)$/.exec(path) ?? [];
  const table = tables.find(({ id }) => id === tableId);
  if (table && kind !== undefined) {
    const { title, type, ...rest } = json(body);
    const view: View = {
      id: nextId('vw'),
      title: String(title),
      type: Number(type),
      columns: [],
      sorts: [],
      filters: [],
    };
    table.views.push(Object.assign(view, { view: rest }));
    fillViews(table);
    return { json: { id: view.id } };
  }
  const views = tables.flatMap((each) => each.views);
  const [, viewId, part] = /^\/api\/v2\/meta\/views\/([^/]+)(?:\/(sorts|filters))?$/.exec(path) ?? [];
  const view = views.find(({ id }) => id === viewId);
  if (view && part === undefined && method === 'PATCH') {
    Object.assign(view, json(body));
    return { json: true };
  }
  if (view && part !== undefined && method === 'POST') {
    const entry = { ...json(body), id: nextId('x'), order: view[part as 'sorts' | 'filters'].length + 1 };
    view[part as 'sorts' | 'filters'].push(entry);
    return { json: entry };
  }
  const [, list, entryId] = /^\/api\/v2\/meta\/(sorts|filters)\/([^/]+)$/.exec(path) ?? [];
  if (method === 'DELETE' && entryId !== undefined) {
    for (const each of views) {
      const name = list as 'sorts' | 'filters';
      each[name] = each[name].filter((entry) => (entry as Body)['id'] !== entryId);
    }
    return { json: true };
  }
  const [, fieldId] =
    /^\/api\/v2\/meta\/(?:grid-columns|form-columns|views\/[^/]+\/columns)\/([^/]+)$/.exec(path) ?? [];
  const field = views.flatMap((each) => each.columns).find((each) => (each as Body)['id'] === fieldId);
  if (method === 'PATCH' && field) {
    Object.assign(field, json(body));
    return { json: true };
  }
  return method === 'PATCH' && /^\/api\/v2\/meta\/(grids|forms|galleries|kanbans|calendars)\//.test(path)
    ? { json: true }
    : null;
};

const otherWrites =
  (faults: Faults): Route =>
  ({ method, path, body, query }, { bases, files }) => {
    const tables = bases.flatMap((each) => each.tables);
    const [, hooksOf] = /^\/api\/v2\/meta\/tables\/([^/]+)\/hooks$/.exec(path) ?? [];
    const table = tables.find(({ id }) => id === hooksOf);
    if (method === 'POST' && table) {
      const { title, ...rest } = json(body);
      const hook = { id: nextId('hk'), title: String(title), ...rest };
      table.hooks.push(hook);
      return { json: hook };
    }
    if (method === 'POST' && path === '/api/v2/meta/comments') {
      const { row_id, fk_model_id, comment } = json(body);
      const entry = { id: nextId('com'), row_id: String(row_id), comment: String(comment) };
      tables.find(({ id }) => id === fk_model_id)?.comments.push(entry);
      return { json: entry };
    }
    if (method === 'POST' && path === '/api/v2/storage/upload') {
      const text = body.toString('latin1');
      const name = /filename="([^"]*)"/.exec(text)?.[1] ?? 'file';
      const from = text.indexOf('\r\n\r\n') + 4;
      const content = body.subarray(from, text.lastIndexOf('\r\n--'));
      const stored = `${query.get('path') ?? ''}/${nextId('f')}`;
      files.set(stored, faults.keeps(content));
      const address = `download/${stored}`;
      const entry = { path: address, title: name, mimetype: 'text/plain', size: content.length, signedPath: address };
      return { json: [entry] };
    }
    const [, patched] = /^\/api\/v2\/tables\/([^/]+)\/records$/.exec(path) ?? [];
    const target = tables.find(({ id }) => id === patched);
    if (method === 'PATCH' && target && Array.isArray(target.records)) {
      for (const row of JSON.parse(body.toString('utf8')) as Body[]) {
        const change = named(row, target);
        if (faults.forgets(change)) continue;
        const record = target.records.find((each) => each['Id'] === change['Id']);
        if (record) Object.assign(record, change);
      }
      return { json: [] };
    }
    if (method === 'DELETE' && target && Array.isArray(target.records)) {
      const ids = (JSON.parse(body.toString('utf8')) as Body[]).map(({ Id }) => Id);
      removeRecords(target, new Set((target.records as Body[]).filter(({ Id }) => ids.includes(Id))), tables);
      return { json: ids.map((Id) => ({ Id })) };
    }
    const [, linkTable, linkColumn, own] =
      /^\/api\/v2\/tables\/([^/]+)\/links\/([^/]+)\/records\/(\d+)$/.exec(path) ?? [];
    const column = tables.find(({ id }) => id === linkTable)?.columns.find(({ id }) => id === linkColumn);
    if (method === 'POST' && column) {
      const options = column.colOptions ?? {};
      const wanted = (JSON.parse(body.toString('utf8')) as { Id: number }[]).map(({ Id }) => Id);
      const related = tables.find(({ id }) => id === options['fk_related_model_id']);
      const key = related?.columns.find(({ id }) => id === options['fk_child_column_id'])?.title;
      if (related && key !== undefined) {
        const found = (related.records as Body[]).filter(({ Id }) => wanted.includes(Number(Id)));
        if (found.length < wanted.length) return refusal(404, 'ERR_RECORD_NOT_FOUND', 'Record not found');
        for (const record of found) record[key] = Number(own);
        return { status: 201, json: true };
      }
      const junction = tables.find(({ id }) => id === options['fk_mm_model_id']);
      const titleOf = (id: unknown) => junction?.columns.find((each) => each.id === id)?.title ?? '';
      for (const { Id } of JSON.parse(body.toString('utf8')) as { Id: number }[])
        ((junction?.records ?? []) as Body[]).push({
          [titleOf(options['fk_mm_child_column_id'])]: Number(own),
          [titleOf(options['fk_mm_parent_column_id'])]: Id,
        });
      return { status: 201, json: true };
    }
    return null;
  };

/** Each view has a place for each column. */
function fillViews(table: ContractTable): void {
  for (const view of table.views) {
    for (const { id } of table.columns) {
      if (!view.columns.some((each) => (each as Body)['fk_column_id'] === id))
        view.columns.push({ id: nextId('nc'), fk_column_id: id, show: 1, order: view.columns.length + 1 });
    }
  }
}

function newTable(title: string, more: Body): ContractTable {
  const own = [
    newColumn({ title: 'Id', uidt: 'ID', pk: true }),
    newColumn({ title: 'CreatedAt', uidt: 'CreatedTime', system: true }),
    newColumn({ title: 'UpdatedAt', uidt: 'LastModifiedTime', system: true }),
    newColumn({ title: 'nc_created_by', uidt: 'CreatedBy', system: true }),
    newColumn({ title: 'nc_order', uidt: 'Order', system: true }),
  ];
  const view: View & Body = { id: nextId('vw'), title, type: 3, is_default: true, columns: [], sorts: [], filters: [] };
  return { id: nextId('m'), title, ...more, columns: own, views: [view], hooks: [], comments: [], records: [] };
}

function newColumn(wanted: Body): ContractColumn {
  const options = wanted['colOptions'] as { options?: Body[] } | undefined;
  const choices = options?.options?.map((each) => ({ ...each, id: nextId('s') }));
  const references = Object.fromEntries(
    Object.entries(wanted).filter(([name]) => /^(fk_|formula_raw|rollup_function)/.test(name)),
  );
  const computed = Object.keys(references).length === 0 ? {} : { colOptions: references };
  return {
    ...wanted,
    ...computed,
    ...(options === undefined
      ? {}
      : { colOptions: choices === undefined ? options : { ...options, options: choices } }),
    id: nextId('c'),
    title: String(wanted['title']),
    uidt: String(wanted['uidt']),
  };
}

function whole({ columns, views, hooks: _, comments: __, records: ___, ...table }: ContractTable): Body {
  return { ...table, columns, views: views.map(({ columns: _c, sorts: _s, filters: _f, ...view }) => view) };
}

/** What is sent by id of the column, by its title. */
/** PostgreSQL tells the keys of all records, SQLite the last one of each ten that are written at once. */
function keysOf(written: readonly Body[], { postgres }: Faults): unknown[] {
  if (postgres) return written.map(({ Id }) => ({ Id }));
  return written.filter((_, at) => at % 10 === 9 || at === written.length - 1).map(({ Id }) => Id);
}

/** The bulk insertion looks at choices, where the upsert does not, and a key may not be there. */
function isRefusedByInsertion(row: Body, table: ContractTable): boolean {
  const isThere = (table.records as Body[]).some(({ Id }) => Id === row['Id']);
  return isThere || table.columns.some((each) => each.uidt === 'SingleSelect' && !isChoice(row[each.title], each));
}

function isChoice(value: unknown, { colOptions }: ContractColumn): boolean {
  const options = colOptions?.['options'] as { title: string }[] | undefined;
  return value === null || value === undefined || options?.some(({ title }) => title === value) === true;
}

/** And it takes the seconds of a duration for what the field shows. */
function inMinutes(row: Body, { columns }: ContractTable): Body {
  const durations = columns.filter(({ uidt, title }) => uidt === 'Duration' && typeof row[title] === 'number');
  return { ...row, ...Object.fromEntries(durations.map(({ title }) => [title, Number(row[title]) * 60])) };
}

function named(row: Body, { columns }: ContractTable): Body {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [columns.find(({ id }) => id === key)?.title ?? key, value]),
  );
}

function json(body: Buffer): Body {
  return JSON.parse(body.toString('utf8')) as Body;
}
