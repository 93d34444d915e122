import { createHash } from 'node:crypto';

/** A NocoDB to talk to, straight. */
export interface Server {
  url: string;
  token: string;
}

type Json = Record<string, unknown>;
interface Column extends Json {
  id: string;
  title: string;
  colOptions?: Json | null;
}
interface Table extends Json {
  id: string;
  title: string;
  columns: Column[];
  views: (Json & { id: string; title: string; type: number })[];
}

/** Asks NocoDB; anything but a good answer is an error. */
export async function ask<T>({ url, token }: Server, method: string, path: string, body?: unknown): Promise<T> {
  const form = body instanceof FormData;
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { 'xc-token': token, ...(body === undefined || form ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 400)}`);
  return (text === '' ? null : JSON.parse(text)) as T;
}

const plainColumns = (postgres: boolean): Json[] => [
  { title: 'Name', uidt: 'SingleLineText', pv: true, description: 'the "name", in full' },
  { title: 'Notes, long', uidt: 'LongText' },
  { title: 'Rich', uidt: 'LongText', meta: { richMode: true } },
  { title: 'Number', uidt: 'Number' },
  { title: 'Decimal', uidt: 'Decimal', meta: { precision: 3 } },
  { title: 'Price €', uidt: 'Currency', meta: { currency_code: 'EUR', currency_locale: 'de-DE' } },
  { title: 'Share', uidt: 'Percent', meta: { is_progress: true } },
  { title: 'Done?', uidt: 'Checkbox', cdf: 'true' },
  { title: 'Day', uidt: 'Date', meta: { date_format: 'DD/MM/YYYY' } },
  { title: 'Moment', uidt: 'DateTime', meta: { date_format: 'YYYY-MM-DD', time_format: 'HH:mm:ss' } },
  { title: 'Time', uidt: 'Time' },
  { title: 'Year', uidt: 'Year' },
  // Shown as hours and minutes: NocoDB takes a bare number for minutes here.
  { title: 'Duration', uidt: 'Duration', meta: { duration: 0 } },
  {
    title: 'State',
    uidt: 'SingleSelect',
    cdf: 'to do',
    colOptions: { options: [{ title: 'to do', color: '#cfdffe' }, { title: "it's done" }, { title: 'ärgerlich' }] },
  },
  { title: 'Tags', uidt: 'MultiSelect', colOptions: { options: [{ title: 'a' }, { title: 'c d' }, { title: 'ü/ö' }] } },
  { title: 'E-Mail', uidt: 'Email' },
  { title: 'Site', uidt: 'URL' },
  { title: 'Phone', uidt: 'PhoneNumber' },
  { title: 'Stars', uidt: 'Rating', meta: { max: 5 } },
  { title: 'Json', uidt: 'JSON' },
  { title: 'Files', uidt: 'Attachment' },
  { title: 'Who', uidt: 'User', meta: { is_multi: false } },
  { title: 'Team', uidt: 'User', meta: { is_multi: true } },
  { title: 'Place', uidt: 'GeoData' },
  { title: 'Shape', uidt: 'Geometry' },
  { title: 'Colour', uidt: 'Colour' },
  { title: 'Count', uidt: 'AutoNumber' },
  { title: 'Made', uidt: 'CreatedTime' },
  { title: 'Changed', uidt: 'LastModifiedTime' },
  { title: 'Maker', uidt: 'CreatedBy' },
  { title: 'Changer', uidt: 'LastModifiedBy' },
  ...(postgres ? [{ title: 'Uuid', uidt: 'UUID' }] : []),
];

const noise = (seed: number) => createHash('sha1').update(String(seed)).digest('hex');

/** A base of three linked tables with every type of field that the API makes, every kind of view, records, files and links. */
export async function richBase(
  server: Server,
  {
    title,
    records,
    files,
    postgres,
    durations = true,
  }: { title: string; records: number; files: number; postgres: boolean; durations?: boolean },
): Promise<string> {
  const base = await ask<{ id: string }>(server, 'POST', '/api/v2/meta/bases', {
    title,
    description: 'everything "NocoDB" can hold\nin two lines',
    meta: JSON.stringify({ iconColor: '#36BFFF' }),
  });
  const me = await ask<{ email: string }>(server, 'GET', '/api/v2/auth/user/me');
  const table = (name: string, columns: Json[]) =>
    ask<Table>(server, 'POST', `/api/v2/meta/bases/${base.id}/tables`, { title: name, columns });
  const orders = await table('Orders (2024), all', plainColumns(postgres));
  const customers = await table('Kunden – alle', [
    { title: 'Firma', uidt: 'SingleLineText', pv: true },
    { title: 'Rating', uidt: 'Number' },
  ]);
  const products = await table('Products 日本', [
    { title: 'Label', uidt: 'SingleLineText', pv: true },
    { title: 'Cost', uidt: 'Decimal' },
  ]);
  await insert(server, customers, Math.ceil(records / 20), (index, id) => ({
    [id('Firma')]: `Firma ${index} Straße`,
    [id('Rating')]: index % 7,
  }));
  await insert(server, products, Math.ceil(records / 20), (index, id) => ({
    [id('Label')]: `p${index}`,
    [id('Cost')]: index + 0.25,
  }));
  const uploaded = await uploads(server, base.id, files);
  const left = [...uploaded];
  const perRecord = records === 0 ? 0 : Math.max(1, Math.ceil(files / Math.max(1, records)));
  await insert(server, orders, records, (index, id) => {
    const own = left.splice(0, perRecord);
    return {
      [id('Name')]: `order ${index} ${noise(index).slice(0, 8)}`,
      [id('Notes, long')]: index % 3 === 0 ? `line one\n"line" two ${index}\u2028three` : null,
      [id('Rich')]: index % 5 === 0 ? `**bold** ${index}` : null,
      [id('Number')]: index % 2 === 0 ? index * 1000 : null,
      [id('Decimal')]: index / 8,
      [id('Price €')]: (index % 100) + 0.5,
      [id('Share')]: index % 101,
      [id('Done?')]: index % 2 === 0,
      [id('Day')]: `2024-02-${String((index % 28) + 1).padStart(2, '0')}`,
      [id('Moment')]: `2024-03-31 0${index % 10}:15:30+00:00`,
      [id('Time')]: `1${index % 10}:11:12`,
      [id('Year')]: 1990 + (index % 40),
      [id('Duration')]: durations && index % 4 === 0 ? `${index % 100}` : null,
      [id('State')]: ['to do', "it's done", 'ärgerlich', null][index % 4],
      [id('Tags')]: [null, 'a', 'a,c d', 'ü/ö'][index % 4],
      [id('E-Mail')]: `a${index}@example.test`,
      [id('Site')]: `https://example.test/${index}?a=b&c=%20`,
      [id('Phone')]: `+49 ${index}`,
      [id('Stars')]: index % 6,
      [id('Json')]: index % 3 === 0 ? { b: [1, 'x', null], a: { deep: index } } : null,
      [id('Files')]: own.length === 0 ? null : own,
      [id('Who')]: index % 10 === 0 ? [{ email: me.email }] : null,
      [id('Team')]: index % 25 === 0 ? [{ email: me.email }] : null,
      [id('Place')]: index % 9 === 0 ? `4${index % 9}.1;1${index % 9}.2` : null,
      [id('Colour')]: index % 9 === 0 ? '#aabbcc' : null,
      [id('Count')]: index,
    };
  });
  await furnish(server, { base: base.id, orders, customers, products, records });
  return base.id;
}

interface Rich {
  base: string;
  orders: Table;
  customers: Table;
  products: Table;
  records: number;
}

async function furnish(server: Server, { base, orders, customers, products, records }: Rich): Promise<void> {
  const column = async (table: Table, body: Json): Promise<string> => {
    const made = await ask<Table>(server, 'POST', `/api/v2/meta/tables/${table.id}/columns`, body);
    return idIn(made, String(body['title']));
  };
  const link = (from: Table, to: Table, title: string, type: string, more: Json = {}) =>
    column(from, {
      title,
      uidt: type === 'oo' ? 'LinkToAnotherRecord' : 'Links',
      type,
      parentId: from.id,
      childId: to.id,
      ...more,
    });
  const hm = await link(customers, orders, 'Bestellungen', 'hm');
  const mm = await link(orders, products, 'Items, all', 'mm');
  const om = await link(customers, products, 'Favourites', 'om', { version: 2 });
  const oo = await link(customers, products, 'Main', 'oo', { version: 2 });
  const selfMany = await link(products, products, 'Goes with', 'mm');
  const selfOne = await link(customers, customers, 'Daughters', 'hm');
  const ordersNow = await ask<Table>(server, 'GET', `/api/v2/meta/tables/${orders.id}`);
  const parents = Math.ceil(records / 20);
  const linked = (table: Table, field: string, record: number, others: number[]) =>
    others.length === 0
      ? Promise.resolve(null)
      : ask(
          server,
          'POST',
          `/api/v2/tables/${table.id}/links/${field}/records/${record}`,
          others.map((Id) => ({ Id })),
        );
  for (let parent = 1; parent <= parents; parent += 1) {
    const own = Array.from({ length: 20 }, (_, at) => parent + at * parents).filter(
      (id) => id <= records && id % 3 !== 0,
    );
    await linked(customers, hm, parent, own);
    if (parent <= 10)
      await linked(
        customers,
        selfOne,
        parent,
        [parent * 2, parent * 2 + 1].filter((id) => id <= parents),
      );
  }
  const pairs = async (table: Table, name: string, list: [number, number][]) => {
    const now = await ask<Table>(server, 'GET', `/api/v2/meta/tables/${table.id}`);
    const own = option(now, name, 'fk_mm_child_column_id');
    const other = option(now, name, 'fk_mm_parent_column_id');
    const junction = option(now, name, 'fk_mm_model_id');
    for (let from = 0; from < list.length; from += 100) {
      const rows = list.slice(from, from + 100).map(([a, b]) => ({ [own]: a, [other]: b }));
      // Written, and then answered with 500.
      await ask(server, 'POST', `/api/v1/db/data/bulk/noco/${base}/${junction}`, rows).catch(() => undefined);
    }
  };
  await pairs(
    orders,
    mm,
    Array.from({ length: records }, (_, at) => [at + 1, (at % parents) + 1]),
  );
  await pairs(
    customers,
    om,
    Array.from({ length: parents }, (_, at) => [Math.floor(at / 2) + 1, at + 1]),
  );
  await pairs(
    customers,
    oo,
    Array.from({ length: Math.floor(parents / 2) }, (_, at) => [at + 1, parents - at]),
  );
  await pairs(
    products,
    selfMany,
    Array.from({ length: Math.max(0, parents - 1) }, (_, at) => [at + 1, at + 2]),
  );

  const looked = await column(customers, {
    title: 'Prices',
    uidt: 'Lookup',
    fk_relation_column_id: hm,
    fk_lookup_column_id: idIn(orders, 'Price €'),
  });
  const sum = await column(customers, {
    title: 'Turnover',
    uidt: 'Rollup',
    fk_relation_column_id: hm,
    fk_rollup_column_id: idIn(orders, 'Price €'),
    rollup_function: 'sum',
  });
  await column(orders, { title: 'Doubled', uidt: 'Formula', formula_raw: '{Number} * 2' });
  const formula = await column(orders, {
    title: 'Text',
    uidt: 'Formula',
    formula_raw: 'CONCAT({Name}, "-", {Doubled})',
  });
  const back = ordersNow.columns.find(
    ({ uidt, colOptions }) => uidt === 'LinkToAnotherRecord' && colOptions?.['type'] === 'bt',
  );
  await column(orders, {
    title: 'Turnover of the customer',
    uidt: 'Lookup',
    fk_relation_column_id: back?.id,
    fk_lookup_column_id: sum,
  });
  await column(orders, { title: 'Code', uidt: 'QrCode', fk_qr_value_column_id: formula });
  await column(orders, {
    title: 'Bars',
    uidt: 'Barcode',
    fk_barcode_value_column_id: idIn(orders, 'Name'),
    meta: { barcodeFormat: 'CODE128' },
  });
  await column(orders, {
    title: 'Open it',
    uidt: 'Button',
    type: 'url',
    label: 'Open',
    theme: 'solid',
    color: 'brand',
    formula_raw: 'CONCAT("https://example.test/", {Name})',
  });
  // The title changes, the text of the formula does not: the trap of renamed fields.
  const renamed = ordersNow.columns.find(({ title }) => title === 'Phone');
  const usesPhone = await column(orders, { title: 'Call', uidt: 'Formula', formula_raw: 'CONCAT("tel:", {Phone})' });
  await ask(server, 'PATCH', `/api/v2/meta/columns/${renamed?.id ?? ''}`, { ...renamed, title: 'Telefon' });
  void [looked, usesPhone];
  await makeViews(server, orders);
  await ask(server, 'POST', `/api/v2/meta/tables/${orders.id}/hooks`, {
    title: 'on "insert"',
    event: 'after',
    operation: ['insert'],
    version: 'v3',
    active: true,
    type: 'URL',
    notification: {
      type: 'URL',
      payload: {
        method: 'POST',
        path: 'http://127.0.0.1:9/hook',
        body: '{{ json event }}',
        headers: [],
        parameters: [],
      },
    },
  });
  for (const id of [1, 1, 2].filter((each) => each <= records))
    await ask(server, 'POST', '/api/v2/meta/comments', {
      row_id: String(id),
      fk_model_id: orders.id,
      comment: `on ${id}`,
    });
}

async function makeViews(server: Server, orders: Table): Promise<void> {
  const view = (path: string, body: Json) =>
    ask<{ id: string; fk_view_id?: string }>(server, 'POST', `/api/v2/meta/tables/${orders.id}/${path}`, body);
  const id = (title: string) => idIn(orders, title);
  const grid = await view('grids', { title: 'Nach "Datum"', type: 3 });
  await ask(server, 'PATCH', `/api/v2/meta/grids/${grid.id}`, { row_height: 2 });
  await ask(server, 'POST', `/api/v2/meta/views/${grid.id}/sorts`, { fk_column_id: id('Day'), direction: 'desc' });
  await ask(server, 'POST', `/api/v2/meta/views/${grid.id}/sorts`, { fk_column_id: id('Name'), direction: 'asc' });
  await ask(server, 'POST', `/api/v2/meta/views/${grid.id}/filters`, {
    fk_column_id: id('Number'),
    comparison_op: 'gt',
    value: '10',
    logical_op: 'and',
  });
  await ask(server, 'POST', `/api/v2/meta/views/${grid.id}/filters`, {
    is_group: true,
    logical_op: 'or',
    children: [
      { fk_column_id: id('State'), comparison_op: 'eq', value: 'to do', logical_op: 'and' },
      { fk_column_id: id('Day'), comparison_op: 'isWithin', comparison_sub_op: 'pastWeek', logical_op: 'and' },
    ],
  });
  const { list } = await ask<{ list: (Json & { id: string; fk_column_id: string })[] }>(
    server,
    'GET',
    `/api/v2/meta/views/${grid.id}/columns`,
  );
  const place = (title: string) => list.find(({ fk_column_id }) => fk_column_id === id(title))?.id ?? '';
  await ask(server, 'PATCH', `/api/v2/meta/grid-columns/${place('Rich')}`, { show: false, order: 3 });
  await ask(server, 'PATCH', `/api/v2/meta/grid-columns/${place('State')}`, {
    show: true,
    order: 2,
    width: '300px',
    group_by: true,
    group_by_order: 1,
    group_by_sort: 'desc',
  });
  const filter = (on: string, body: Json) => ask(server, 'POST', `/api/v2/meta/views/${on}/filters`, body);
  await filter(grid.id, { fk_column_id: id('Done?'), comparison_op: 'checked', logical_op: 'and', enabled: false });
  await filter(grid.id, {
    fk_column_id: id('Number'),
    comparison_op: 'gt',
    fk_value_col_id: id('Decimal'),
    logical_op: 'and',
  });
  const form = await view('forms', {
    title: 'Formular',
    type: 1,
    heading: 'Bitte',
    subheading: 'ausfüllen',
    success_msg: 'Danke',
  });
  // The field is shown only where another one holds this.
  await filter(form.id, {
    fk_parent_column_id: id('Phone'),
    fk_column_id: id('State'),
    comparison_op: 'eq',
    value: 'to do',
    logical_op: 'and',
  });
  await view('galleries', { title: 'Bilder', type: 2, fk_cover_image_col_id: id('Files') });
  const kanban = await view('kanbans', { title: 'Tafel', type: 4, fk_grp_col_id: id('State') });
  await ask(server, 'PATCH', `/api/v2/meta/kanbans/${kanban.id}`, { fk_cover_image_col_id: null });
  await view('calendars', { title: 'Kalender', type: 6, calendar_range: [{ fk_from_column_id: id('Day') }] });
}

async function insert(
  server: Server,
  table: Table,
  count: number,
  row: (index: number, id: (title: string) => string) => Json,
): Promise<void> {
  for (let from = 1; from <= count; from += 100) {
    const rows = Array.from({ length: Math.min(100, count - from + 1) }, (_, at) =>
      row(from + at, (title) => idIn(table, title)),
    );
    await ask(server, 'POST', `/api/v2/tables/${table.id}/records`, rows);
  }
}

async function uploads(server: Server, base: string, count: number): Promise<Json[]> {
  const all: Json[] = [];
  for (let at = 0; at < count; at += 1) {
    const form = new FormData();
    const name = at % 3 === 0 ? 'same name.txt' : `Datei #${at} 100%.bin`;
    form.append('file', new Blob([Buffer.from(noise(at).repeat(at % 50))], { type: 'text/plain' }), name);
    const [entry] = await ask<Json[]>(server, 'POST', `/api/v2/storage/upload?path=noco/${base}/seed/files`, form);
    const { signedPath, ...rest } = entry ?? {};
    void signedPath;
    all.push(rest);
  }
  return all;
}

function idIn({ columns }: Table, title: string): string {
  const found = columns.find((column) => column.title === title);
  if (found === undefined) throw new Error(`no column ${title}`);
  return found.id;
}

function option({ columns }: Table, column: string, name: string): string {
  const value = columns.find(({ id }) => id === column)?.colOptions?.[name];
  if (typeof value !== 'string') throw new Error(`no ${name}`);
  return value;
}
