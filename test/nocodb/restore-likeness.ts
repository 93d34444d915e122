import { createHash } from 'node:crypto';
import { ask, type Server } from './restore-rich-base.ts';

type Json = Record<string, unknown>;
interface Column extends Json {
  id: string;
  title: string;
  uidt: string;
  system?: unknown;
  colOptions?: Json | null;
}
interface Table extends Json {
  id: string;
  title: string;
  columns: Column[];
  views: (Json & { id: string; title: string; type: number; order: number; view?: Json })[];
}

/**
 * All that can be read of a base, in words in which ids and the moments of making mean nothing: two bases are equal when these are. Keys
 * begin with what the value is of, so that a difference tells where it is.
 */
export async function likeness(server: Server, baseId: string): Promise<Map<string, string>> {
  const facts = new Map<string, string>();
  const base = await ask<Json>(server, 'GET', `/api/v2/meta/bases/${baseId}`);
  facts.set('base', JSON.stringify([base['description'], base['meta']]));
  const { list } = await ask<{ list: { id: string }[] }>(server, 'GET', `/api/v2/meta/bases/${baseId}/tables`);
  const tables = await Promise.all(list.map(({ id }) => ask<Table>(server, 'GET', `/api/v2/meta/tables/${id}`)));
  const words = wordsFor(tables);
  const say = (value: unknown) => inWords(value, words);
  facts.set(
    'tables',
    JSON.stringify(tables.map(({ title, description, meta }) => [title, description ?? null, jsonOf(meta) ?? {}])),
  );
  for (const table of tables) {
    for (const column of table.columns) {
      if (isHidden(column)) continue;
      facts.set(`column ${table.title}/${column.title}`, say(columnFacts(column)));
    }
    await addViews(server, table, facts, say);
    await addHooks(server, table, facts, say);
    await addRecords(server, table, facts);
    await addLinks(server, table, facts, words);
  }
  return facts;
}

/** Lines that differ between two bases. */
export function differences(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): string[] {
  const lines: string[] = [];
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const [a, b] = [left.get(key), right.get(key)];
    if (a !== b) lines.push(`${key}: ${a ?? 'nothing'} <> ${b ?? 'nothing'}`);
  }
  return lines;
}

/** Made by NocoDB for its own use, and named by chance. */
function isHidden(column: Column): boolean {
  return column.uidt === 'ForeignKey' || (isTrue(column.system) && /_nc_m2m_/.test(column.title));
}

function columnFacts(column: Column): Json {
  const { title, uidt, description, meta, pv, unique, cdf, colOptions } = column;
  const options = colOptions ?? {};
  const { defaultViewColOrder, defaultViewColVisibility, ...settings } = (jsonOf(meta) ?? {}) as Json;
  void [defaultViewColOrder, defaultViewColVisibility];
  const wanted = [
    'type',
    'version',
    'fk_related_model_id',
    'fk_relation_column_id',
    'fk_lookup_column_id',
    'fk_rollup_column_id',
    'rollup_function',
    'formula',
    'fk_qr_value_column_id',
    'fk_barcode_value_column_id',
    'label',
    'theme',
    'color',
    'icon',
  ];
  return {
    title,
    uidt,
    description: description ?? null,
    settings: sorted(settings),
    pv: isTrue(pv),
    unique: isTrue(unique),
    cdf: typeof cdf === 'string' ? cdf.replace(/^'(.*)'$/, '$1') : (cdf ?? ''),
    options: Object.fromEntries(wanted.map((name) => [name, options[name] ?? null])),
    choices: Array.isArray(options['options'])
      ? (options['options'] as Json[]).map((each) => [each['title'], each['color'], Number(each['order'])])
      : null,
  };
}

async function addViews(
  server: Server,
  table: Table,
  facts: Map<string, string>,
  say: (value: unknown) => string,
): Promise<void> {
  for (const view of table.views) {
    const name = `view ${table.title}/${view.title}`;
    const { meta, order, type, show_system_fields, lock_type, is_default } = view;
    const own = view.view ?? {};
    const drop =
      /^(fk_view_id|base_id|source_id|fk_workspace_id|created_at|updated_at|uuid|id|title|fk_model_id|calendar_range|meta)$/;
    const settings = Object.fromEntries(Object.entries(own).filter(([key]) => !drop.test(key)));
    const kindMeta = withoutCopy(own['meta']);
    facts.set(
      name,
      say({
        type,
        order,
        meta: stripOptionIds(withoutCopy(meta)),
        show: isTrue(show_system_fields),
        lock_type,
        first: isTrue(is_default),
        settings: truths(settings),
        kindMeta: stripOptionIds(kindMeta),
      }),
    );
    if (Array.isArray(own['calendar_range']))
      facts.set(
        `${name} range`,
        say(
          (own['calendar_range'] as Json[]).map((range) => [
            range['fk_from_column_id'],
            range['fk_to_column_id'] ?? null,
          ]),
        ),
      );
    const { list } = await ask<{ list: Json[] }>(server, 'GET', `/api/v2/meta/views/${view.id}/columns`);
    const hidden = new Set(table.columns.filter(isHidden).map(({ id }) => id));
    const fields = list
      .filter((field) => !hidden.has(String(field['fk_column_id'])))
      .map((field) => ({
        column: field['fk_column_id'],
        show: isTrue(field['show']),
        width: field['width'] ?? null,
        group: [isTrue(field['group_by']), field['group_by_order'] ?? null, field['group_by_sort'] ?? null],
        label: [field['label'] ?? null, field['help'] ?? null, isTrue(field['required'])],
        order: Number(field['order']),
      }))
      // Two fields may have the same place; which of them NocoDB shows first is then up to its database.
      .toSorted((left, right) => left.order - right.order || (say(left.column) < say(right.column) ? -1 : 1))
      .map(({ order: _order, ...rest }) => rest);
    facts.set(`${name} fields`, say(fields.filter(({ show }) => show)));
    facts.set(
      `${name} hidden fields`,
      say(fields.filter(({ show }) => !show).map(({ column }) => column))
        .split(',')
        .toSorted()
        .join(','),
    );
    const sorts = await ask<{ list: Json[] }>(server, 'GET', `/api/v2/meta/views/${view.id}/sorts`);
    facts.set(`${name} sorts`, say(sorts.list.map((sort) => [sort['fk_column_id'], sort['direction']])));
    const filters = await ask<{ list: Json[] }>(
      server,
      'GET',
      `/api/v2/meta/views/${view.id}/filters?includeAllFilters=true`,
    );
    const tree = (parent: unknown): unknown =>
      filters.list
        .filter((filter) => (filter['fk_parent_id'] ?? null) === parent)
        // As people see them: the interface tells them in the order in which its database happens to find them.
        .toSorted((one, other) => Number(one['order']) - Number(other['order']))
        .map((filter) => [
          filter['fk_column_id'] ?? null,
          filter['comparison_op'] ?? null,
          filter['comparison_sub_op'] ?? null,
          filter['value'] ?? null,
          filter['logical_op'] ?? null,
          filter['fk_parent_column_id'] ?? null,
          filter['fk_value_col_id'] ?? null,
          isTrue(filter['enabled'] ?? true),
          isTrue(filter['is_group']),
          tree(filter['id']),
        ]);
    facts.set(`${name} filters`, say(tree(null)));
  }
}

async function addHooks(
  server: Server,
  table: Table,
  facts: Map<string, string>,
  say: (value: unknown) => string,
): Promise<void> {
  const { list } = await ask<{ list: Json[] }>(server, 'GET', `/api/v2/meta/tables/${table.id}/hooks`);
  for (const hook of list)
    facts.set(
      `hook ${table.title}/${String(hook['title'])}`,
      say([hook['event'], jsonOf(hook['operation']), hook['version'], jsonOf(hook['notification'])]),
    );
}

/** Every value of every field, computed ones too; of moments and people of making, only whether they are there is of interest elsewhere. */
async function addRecords(server: Server, table: Table, facts: Map<string, string>): Promise<void> {
  const wanted = table.columns.filter(
    (column) =>
      !isHidden(column) &&
      !['LinkToAnotherRecord', 'Order', 'CreatedTime', 'LastModifiedTime', 'CreatedBy', 'LastModifiedBy'].includes(
        column.uidt,
      ),
  );
  const fields = wanted.map(({ id }) => id).join(',');
  const rows: string[] = [];
  for (let offset = 0, last = false; !last; offset += 1000) {
    const page = await ask<{ list: Json[]; pageInfo: { isLastPage: boolean } }>(
      server,
      'GET',
      `/api/v2/tables/${table.id}/records?limit=1000&offset=${offset}&fields=${fields}`,
    );
    for (const record of page.list) {
      rows.push(String(record['Id']));
      for (const { title, uidt } of wanted) {
        const value =
          uidt === 'Attachment'
            ? await files(server, record[title])
            : uidt === 'User'
              ? people(record[title])
              : record[title];
        facts.set(`value ${table.title}/${String(record['Id'])}/${title}`, JSON.stringify(sorted(value) ?? null));
      }
    }
    last = page.pageInfo.isLastPage;
  }
  facts.set(`order ${table.title}`, createHash('sha1').update(rows.join()).digest('hex'));
  facts.set(`count ${table.title}`, String(rows.length));
  for (const id of rows.slice(0, 3)) {
    const { list } = await ask<{ list: Json[] }>(
      server,
      'GET',
      `/api/v2/meta/comments?row_id=${id}&fk_model_id=${table.id}`,
    );
    facts.set(
      `comments ${table.title}/${id}`,
      JSON.stringify(list.map(({ comment }) => String(comment)).toSorted((a, b) => (a < b ? -1 : 1))),
    );
  }
}

async function addLinks(
  server: Server,
  table: Table,
  facts: Map<string, string>,
  words: ReadonlyMap<string, string>,
): Promise<void> {
  for (const column of table.columns) {
    const options = column.colOptions ?? {};
    const junction = options['fk_mm_model_id'];
    const name = `links ${table.title}/${column.title}`;
    if (isHidden(column) || !['Links', 'LinkToAnotherRecord'].includes(column.uidt)) continue;
    const older = typeof junction !== 'string';
    const home = older ? (words.get(`home of ${String(options['fk_child_column_id'])}`) ?? '') : junction;
    const [own, other] = older
      ? [words.get(`key of ${home}`) ?? '', String(options['fk_child_column_id'])]
      : [String(options['fk_mm_child_column_id']), String(options['fk_mm_parent_column_id'])];
    const { columns } = await ask<Table>(server, 'GET', `/api/v2/meta/tables/${home}`);
    const titleOf = (wanted: string) => columns.find(({ id }) => id === wanted)?.title ?? 'no such field';
    const pairs: string[] = [];
    for (let offset = 0, last = false; !last; offset += 1000) {
      const page = await ask<{ list: Json[]; pageInfo: { isLastPage: boolean } }>(
        server,
        'GET',
        `/api/v2/tables/${home}/records?limit=1000&offset=${offset}&fields=${own},${other}`,
      );
      for (const record of page.list) pairs.push(JSON.stringify([record[titleOf(own)], record[titleOf(other)]]));
      last = page.pageInfo.isLastPage;
    }
    facts.set(name, `${pairs.length} ${createHash('sha1').update(pairs.toSorted().join()).digest('hex')}`);
  }
}

/** Ids by what they are the ids of. */
function wordsFor(tables: readonly Table[]): Map<string, string> {
  const words = new Map<string, string>();
  for (const table of tables) {
    words.set(table.id, `<${table.title}>`);
    for (const view of table.views) words.set(view.id, `<${table.title}/view ${view.title}>`);
    for (const column of table.columns) {
      words.set(column.id, `<${table.title}/${column.title}>`);
      if (column.uidt === 'ID') words.set(`key of ${table.id}`, column.id);
      if (column.uidt === 'ForeignKey') words.set(`home of ${column.id}`, table.id);
      const options = column.colOptions?.['options'];
      if (Array.isArray(options))
        for (const each of options as Json[])
          words.set(String(each['id']), `<${column.title}: ${String(each['title'])}>`);
    }
  }
  return words;
}

function inWords(value: unknown, words: ReadonlyMap<string, string>): string {
  return (JSON.stringify(value) ?? '').replaceAll(/[a-z]{1,4}_?[a-z0-9]{12,18}/g, (id) => words.get(id) ?? id);
}

async function files(server: Server, value: unknown): Promise<unknown> {
  if (!Array.isArray(value)) return null;
  return Promise.all(
    (value as Json[]).map(async ({ title, size, mimetype, signedPath, path }) => {
      const address = String(signedPath ?? path)
        .split('/')
        .map(encodeURIComponent)
        .join('/');
      const answer = await fetch(`${server.url}/${address}`);
      const content = Buffer.from(await answer.arrayBuffer());
      return [title, size, mimetype, answer.status, createHash('sha1').update(content).digest('hex')];
    }),
  );
}

function people(value: unknown): unknown {
  return Array.isArray(value) ? (value as Json[]).map(({ email }) => email) : value;
}

/** A kanban keeps a copy of the field it groups by, ids and all. */
function withoutCopy(meta: unknown): Json {
  const { groupingFieldColumn, ...rest } = (jsonOf(meta) ?? {}) as Json;
  void groupingFieldColumn;
  return rest;
}

/** A kanban's stacks name their options by id, also inside of copies of them. */
function stripOptionIds(value: Json): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, each: unknown) =>
      key === 'fk_column_id' ||
      key === 'created_at' ||
      key === 'updated_at' ||
      key === 'base_id' ||
      key === 'fk_workspace_id'
        ? undefined
        : each,
    ),
  );
}

function truths(value: Json): Json {
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, each === true ? 1 : each === false ? 0 : each]),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string') return value ?? null;
  try {
    return sorted(JSON.parse(value));
  } catch {
    return value;
  }
}

function isTrue(value: unknown): boolean {
  return value === true || value === 1;
}
