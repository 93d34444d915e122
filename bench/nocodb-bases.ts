import { inParallel } from '../src/base/parallel.ts';
import { ask, type Server } from '../test/nocodb/restore-rich-base.ts';

type Row = Record<string, unknown>;

interface Column {
  id: string;
  title: string;
  uidt: string;
  colOptions?: Record<string, unknown> | null;
}

export interface Table {
  id: string;
  title: string;
  columns: Column[];
}

/** Orders, each of a customer (the older kind of link, a key) and with a product (the newer kind, a pair). */
export interface Shop {
  base: string;
  customers: Table;
  products: Table;
  orders: Table;
}

const batch = 100;
const states = ['new', 'paid', 'sent', 'back'];

export async function newBase(server: Server, title: string): Promise<string> {
  return (await ask<{ id: string }>(server, 'POST', '/api/v2/meta/bases', { title })).id;
}

export async function dropBases(server: Server, mark: string): Promise<void> {
  const { list } = await ask<{ list: { id: string; title: string }[] }>(server, 'GET', '/api/v2/meta/bases');
  for (const { id } of list.filter(({ title }) => title.startsWith(mark))) {
    // NocoDB keeps the tables of a base that is removed.
    const tables = await ask<{ list: { id: string }[] }>(server, 'GET', `/api/v2/meta/bases/${id}/tables`);
    for (const table of tables.list) await ask(server, 'DELETE', `/api/v2/meta/tables/${table.id}`);
    await ask(server, 'DELETE', `/api/v2/meta/bases/${id}`);
  }
}

export function newTable(server: Server, base: string, title: string): Promise<Table> {
  return ask<Table>(server, 'POST', `/api/v2/meta/bases/${base}/tables`, {
    title,
    columns: [
      { title: 'Name', uidt: 'SingleLineText', pv: true },
      { title: 'Notes', uidt: 'LongText' },
      { title: 'Mail', uidt: 'Email' },
      { title: 'Amount', uidt: 'Decimal' },
      { title: 'Pieces', uidt: 'Number' },
      { title: 'Day', uidt: 'Date' },
      { title: 'Done', uidt: 'Checkbox' },
      { title: 'State', uidt: 'SingleSelect', colOptions: { options: states.map((state) => ({ title: state })) } },
    ],
  });
}

/** A record of a table, the same one each time; by id of the column. */
export function rowOf(table: Table, at: number): Row {
  return {
    [columnId(table, 'Name')]: `${table.title} ${at}`,
    [columnId(table, 'Notes')]: `${'words that people write '.repeat(at % 7)}${at}`,
    [columnId(table, 'Mail')]: `someone${at}@example.test`,
    [columnId(table, 'Amount')]: (at % 10_000) / 4,
    [columnId(table, 'Pieces')]: at % 97,
    [columnId(table, 'Day')]:
      `2024-${String((at % 12) + 1).padStart(2, '0')}-${String((at % 28) + 1).padStart(2, '0')}`,
    [columnId(table, 'Done')]: at % 3 === 0,
    [columnId(table, 'State')]: states[at % states.length],
  };
}

/** Fills a table without links the quickest way there is; not what is measured. */
export async function fill(
  server: Server,
  base: string,
  table: Table,
  records: number,
  signal: AbortSignal,
): Promise<void> {
  const batches = Array.from({ length: Math.ceil(records / batch) }, (_, at) => at * batch);
  await inParallel(batches, 4, async (from) => {
    signal.throwIfAborted();
    const rows = Array.from({ length: Math.min(batch, records - from) }, (_, at) => ({
      [columnId(table, 'Id')]: from + at + 1,
      [columnId(table, 'nc_order')]: String(from + at + 1),
      ...rowOf(table, from + at),
    }));
    await ask(server, 'POST', `/api/v1/db/data/bulk/noco/${base}/${table.id}/upsert?undo=true`, rows);
  });
}

/** The three tables with their link fields, empty. */
export async function emptyShop(server: Server, title: string): Promise<Shop> {
  const base = await newBase(server, title);
  const customers = await newTable(server, base, 'Customers');
  const products = await newTable(server, base, 'Products');
  const orders = await newTable(server, base, 'Orders');
  return { base, customers, products, orders };
}

export async function addLinks(server: Server, { base, customers, products, orders }: Shop): Promise<Shop> {
  const link = (from: Table, to: Table, title: string, type: string) =>
    ask(server, 'POST', `/api/v2/meta/tables/${from.id}/columns`, {
      title,
      uidt: 'Links',
      type,
      parentId: from.id,
      childId: to.id,
    });
  await link(customers, orders, 'Their orders', 'hm');
  await link(orders, products, 'Their products', 'mm');
  const now = ({ id }: Table) => ask<Table>(server, 'GET', `/api/v2/meta/tables/${id}`);
  return { base, customers: await now(customers), products: await now(products), orders: await now(orders) };
}

/** Of order `at`, from 0. */
export function customerOf(at: number, customers: number): number {
  return (at % customers) + 1;
}

/** Pairs by a hundred, straight into the table that holds them. NocoDB writes them and answers 500. */
export async function pair(server: Server, { base, orders }: Shop, count: number, others: number): Promise<void> {
  const { colOptions } = column(orders, 'Their products');
  const [junction, own, other] = ['fk_mm_model_id', 'fk_mm_child_column_id', 'fk_mm_parent_column_id'].map((name) =>
    String(colOptions?.[name]),
  );
  for (let from = 0; from < count; from += batch) {
    const rows = Array.from({ length: Math.min(batch, count - from) }, (_, at) => ({
      [own ?? '']: from + at + 1,
      [other ?? '']: ((from + at) % others) + 1,
    }));
    await ask(server, 'POST', `/api/v1/db/data/bulk/noco/${base}/${junction ?? ''}`, rows).catch((error: unknown) => {
      if (!String(error).includes(': 500 ')) throw error;
    });
  }
}

export async function linkOrders(server: Server, { customers }: Shop, records: number, parents: number): Promise<void> {
  const field = columnId(customers, 'Their orders');
  for (let parent = 1; parent <= parents; parent += 1) {
    const own = Array.from({ length: records }, (_, at) => at)
      .filter((at) => customerOf(at, parents) === parent)
      .map((at) => ({ Id: at + 1 }));
    await ask(server, 'POST', `/api/v2/tables/${customers.id}/links/${field}/records/${parent}`, own);
  }
}

export function columnId(table: Table, title: string): string {
  return column(table, title).id;
}

/** Where an order keeps the key of its customer. */
export function customerKey({ orders }: Shop): string {
  const key = orders.columns.find(({ uidt }) => uidt === 'ForeignKey');
  if (key === undefined) throw new Error('the orders have no key of a customer');
  return key.id;
}

function column({ columns, title: table }: Table, title: string): Column {
  const found = columns.find((each) => each.title === title);
  if (found === undefined) throw new Error(`${table} has no ${title}`);
  return found;
}
