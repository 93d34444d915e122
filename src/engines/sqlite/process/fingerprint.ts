import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { quoteIdent } from '../names.ts';

/**
 * A digest of a table's rows whatever order they lie in: the sum of each row's md5, as four words. Null when the rows cannot be read
 * without something the application brings, such as a function in a generated column.
 */
export function fingerprintOf(
  db: DatabaseSync,
  table: string,
  { schema = 'main', columns = '*' }: { schema?: 'main' | 'stored'; columns?: string } = {},
): string | null {
  let rows: Iterable<unknown>;
  try {
    rows = db
      .prepare(`select ${columns} from ${schema}.${quoteIdent(table)}`, { readBigInts: true, returnArrays: true })
      .iterate() as Iterable<unknown>;
  } catch {
    return null;
  }
  const sums = [0, 0, 0, 0];
  for (const row of rows) {
    const digest = hash('md5', encode(row as unknown[]), 'buffer');
    for (let word = 0; word < 4; word += 1) sums[word] = ((sums[word] ?? 0) + digest.readUInt32LE(word * 4)) % 2 ** 32;
  }
  return `md5sum:${sums.map((sum) => sum.toString(16).padStart(8, '0')).join('')}`;
}

/** Each value with its type and length, so that no two rows look the same. */
function encode(row: readonly unknown[]): Buffer {
  const parts: Buffer[] = [];
  let text = '';
  const bytes = (sign: string, value: Uint8Array) => {
    parts.push(Buffer.from(`${text}${sign}${value.byteLength}:`), Buffer.from(value));
    text = '';
  };
  for (const value of row) {
    if (value === null) text += 'n;';
    else if (typeof value === 'bigint') text += `i${value};`;
    else if (typeof value === 'number') text += `r${realText(value)};`;
    else if (typeof value === 'string') text += `t${value.length}:${value}`;
    else if (value instanceof Uint8Array) bytes('b', value);
  }
  parts.push(Buffer.from(text));
  return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
}

/** JavaScript writes as many digits as tell a number from its neighbours, but not the sign of zero. */
function realText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
