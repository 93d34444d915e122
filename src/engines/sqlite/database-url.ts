import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../../base/errors.ts';

/** `sqlite:///srv/data/app.sqlite`, as an absolute path. */
export function parseDatabaseUrl(address: string): string {
  const path = readDatabaseUrl(address);
  if (path !== null) return path;
  throw new HoldfastError('DATABASE_URL_WRONG', `${address} is not the address of an SQLite file`, {
    kind: 'usage',
    hint: 'Write it as sqlite:///absolute/path/of/the/file, special characters percent-encoded.',
  });
}

/** Null: it is not such an address. */
export function readDatabaseUrl(address: string): string | null {
  const match = /^sqlite:\/\/(\/[^?#]+)$/.exec(address);
  if (match?.[1] === undefined || match[1].endsWith('/')) return null;
  try {
    return fileURLToPath(`file://${match[1]}`);
  } catch {
    return null;
  }
}
