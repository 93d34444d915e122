import { randomNumbers } from './random.ts';

/** So many different rows there are. Each comes many times, with other numbers, and far apart from its copies. */
const seedRows = 40_000;
const rowsAtOnce = 500;

const phrases = [
  'the order was sent',
  'to the customer',
  'without an invoice',
  'and returned',
  'because of the weather',
  'next morning',
  'the machine stopped',
  'Öffnung um neun',
  'agreed by phone',
  'paid in advance',
  'blue garden chair',
  'delivery in two parts',
  'street and number',
  'never again',
  'the light was on',
  'quickly',
  'please',
  'not before noon',
  'second floor',
  'thank you',
];

interface FilledTable {
  name: string;
  columns: string;
  /** From a row `s` of the seed. */
  select: (id: string, copy: number) => string;
  /** Of the whole. */
  share: number;
  /** Of a row in a dump, about. */
  rowBytes: number;
}

const tables: readonly FilledTable[] = [
  {
    name: 'events',
    columns: 'id bigint primary key, at bigint, customer int, amount decimal(12,2), text varchar(200)',
    select: (id, copy) => `${id}, 1767225600 + ${id}, round(s.lot * 1000000) + ${copy}, round(s.lot * 500, 2), s.short`,
    share: 0.4,
    rowBytes: 205,
  },
  {
    name: 'documents',
    columns: 'id bigint primary key, body text, data text',
    select: (id, copy) =>
      `${id}, s.body, '{"hash": "' || s.hash || '", "tags": ["a", ${copy}], "text": "' || s.short || '", "ok": true}'`,
    share: 0.3,
    rowBytes: 760,
  },
  {
    name: 'notes',
    columns: 'id bigint primary key, token varchar(60), text text',
    select: (id, copy) => `${id}, s.hash || '${copy}', s.body`,
    share: 0.2,
    rowBytes: 535,
  },
  {
    name: 'readings',
    columns: 'id bigint primary key, sensor int, value decimal(5,1), batch int',
    select: (id, copy) => `${id}, s.n, round(20 + s.lot * 10, 1), ${copy}`,
    share: 0.1,
    rowBytes: 26,
  },
];

/** Tables of wide rows with text and JSON, of text, and of many narrow rows, in words that MariaDB (with `PIPES_AS_CONCAT`) and SQLite share. */
export function* fillStatements(bytes: number): Generator<string> {
  const random = randomNumbers();
  yield 'create table seed (n int primary key, body text, short varchar(200), hash varchar(40), lot double)';
  for (let from = 0; from < seedRows; from += rowsAtOnce)
    yield `insert into seed values ${seedValues(from, random).join(', ')}`;
  for (const { name, columns, select, share, rowBytes } of tables) {
    yield `create table ${name} (${columns})`;
    const rows = Math.max(1000, Math.round((bytes * share) / rowBytes));
    for (let copy = 0; copy * seedRows < rows; copy += 1) {
      const some = Math.min(seedRows, rows - copy * seedRows);
      yield `insert into ${name} select ${select(`${copy * seedRows} + s.n`, copy)} from seed s where s.n < ${some} order by s.n`;
    }
  }
  yield 'create index events_customer on events (customer)';
  yield 'drop table seed';
}

function seedValues(from: number, random: () => number): string[] {
  return Array.from({ length: rowsAtOnce }, (_, at) => {
    const body = sentence(480, random);
    const hash = Array.from({ length: 4 }, () => Math.floor(random() * 2 ** 31).toString(16)).join('');
    return `(${from + at}, '${body}', '${body.slice(0, 150)}', '${hash}', ${random()})`;
  });
}

function sentence(length: number, random: () => number): string {
  let text = '';
  while (text.length < length) {
    const number = random() < 0.15 ? ` ${Math.floor(random() * 1000)}` : '';
    text += `${phrases[Math.floor(random() * phrases.length)] ?? ''}${number}, `;
  }
  return text.slice(0, length);
}
