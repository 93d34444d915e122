/** The part of NocoDB's `where` and `sort` that is used: `(id,gt,5)`, `~and`, `~or`, groups. */

type Records = Record<string, unknown>[] | { length: number; at(index: number): Record<string, unknown> };
interface Queried {
  columns: readonly { id: string; title: string }[];
  records: Records;
}
type Test = (record: Record<string, unknown>) => boolean;

export function recordsWhere(table: Queried, where: string | null): Records {
  if (where === null || where === '') return table.records;
  const test = parse(where, table);
  const found: Record<string, unknown>[] = [];
  for (let at = 0; at < table.records.length; at += 1) {
    const record = table.records.at(at);
    if (record && test(record)) found.push(record);
  }
  return found;
}

export function sorted(records: Records, sort: string | null, table: Queried): Records {
  if (sort === null || sort === '') return records;
  // Records that are made when they are asked for are made in the order of their ids.
  if (!Array.isArray(records)) return sort.startsWith('-') ? reversed(records) : records;
  const keys = sort
    .split(',')
    .map((key) => ({ title: titleOf(key.replace(/^-/, ''), table), down: key.startsWith('-') }));
  return records.toSorted((left, right) => {
    for (const { title, down } of keys) {
      const order = compare(left[title], right[title]);
      if (order !== 0) return down ? -order : order;
    }
    return 0;
  });
}

function reversed(records: Exclude<Records, unknown[]>): Records {
  return { length: records.length, at: (index) => records.at(records.length - 1 - index) };
}

function parse(where: string, table: Queried): Test {
  const parts: { test: Test; by: 'and' | 'or' }[] = [];
  let by: 'and' | 'or' = 'and';
  for (let at = 0; at < where.length;) {
    const joined = /^~(and|or)/.exec(where.slice(at));
    if (joined) {
      by = joined[1] as 'and' | 'or';
      at += joined[0].length;
    }
    const end = closing(where, at);
    const inner = where.slice(at + 1, end);
    parts.push({ test: inner.startsWith('(') ? parse(inner, table) : condition(inner, table), by });
    at = end + 1;
  }
  return (record) =>
    parts.reduce((held, { test, by: join }) => (join === 'or' ? held || test(record) : held && test(record)), true);
}

function condition(text: string, table: Queried): Test {
  const [column = '', operation = '', ...values] = text.split(',');
  const title = titleOf(column, table);
  const [value = ''] = values;
  return (record) => {
    const own = record[title];
    switch (operation) {
      case 'notblank':
        return own !== null && own !== undefined && own !== '';
      case 'is':
        return value === 'null' && (own === null || own === undefined);
      case 'eq':
        return String(own) === value;
      case 'in':
        return values.includes(String(own));
      case 'gte':
        return compare(own, Number(value)) >= 0;
      case 'lte':
        return compare(own, Number(value)) <= 0;
      case 'gt':
        return compare(own, Number(value)) > 0;
      default:
        throw new Error(`the contract server does not know ${operation}`);
    }
  };
}

function closing(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  throw new Error(`no end of a group in ${text}`);
}

function titleOf(name: string, table: Queried): string {
  const column = table.columns.find(({ id, title }) => id === name || title === name);
  if (!column) throw new Error(`no column ${name}`);
  return column.title;
}

function compare(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return String(left) < String(right) ? -1 : Number(String(left) > String(right));
}
