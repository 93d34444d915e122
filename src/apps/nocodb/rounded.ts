import { formatCount } from '../../base/units.ts';

/** Numbers that the API has given, and that may be others in the database. */
export interface Rounded {
  look(column: { title: string; uidt: string }, value: unknown, record: unknown): void;
  /** One for each field. */
  lines(place: string): string[];
}

const numbers = new Set(['Number', 'Decimal', 'Currency', 'Percent', 'AutoNumber']);

/** Whether a field may hold such a number at all. */
export function holdsNumbers({ uidt }: { uidt: string }): boolean {
  return numbers.has(uidt) || uidt === 'JSON';
}

/** NocoDB makes a JSON number of whatever a database holds, so that beyond 2^53 its last digits are lost before anybody sees them. */
export function roundedNumbers(): Rounded {
  const found = new Map<string, { count: number; first: unknown }>();
  return {
    look: (column, value, record) => {
      if (!holdsNumbers(column) || !holdsLarge(value)) return;
      const { title } = column;
      const known = found.get(title);
      if (known === undefined) found.set(title, { count: 1, first: record });
      else known.count += 1;
    },
    lines: (place) =>
      [...found].map(
        ([title, { count, first }]) =>
          `${place}: ${formatCount(count, 'value')} of ${title} (record ${String(first)}${count > 1 ? ' first' : ''}) may be rounded: NocoDB's API gives no number beyond 9,007,199,254,740,991 exactly`,
      ),
  };
}

function holdsLarge(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  // A text of PostgreSQL's `numeric` is exact.
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsLarge);
}
