import { constants } from 'node:sqlite';
import { opened, type State } from './connection.ts';

export type Value = string | number | null | { base64: string };

/** One `select`; no other file can be reached by it. */
export function select(state: State, { query }: { query: string }): Record<string, Value>[] {
  const db = opened(state);
  db.setAuthorizer((action) => (action === constants.SQLITE_ATTACH ? constants.SQLITE_DENY : constants.SQLITE_OK));
  try {
    return db
      .prepare(query, { readBigInts: true })
      .all()
      .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])));
  } finally {
    db.setAuthorizer(null);
  }
}

function plain(value: unknown): Value {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  return value as string | number | null;
}
