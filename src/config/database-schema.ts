import { z } from 'zod';
import { databaseSchema as mysql } from '../engines/mysql/options.ts';
import { databaseSchema as postgres } from '../engines/postgres/options.ts';
import { databaseSchema as sqlite } from '../engines/sqlite/options.ts';

/** Told apart by `engine`, which `completeSettings` fills in from the address or the path where nobody said it. */
export const databaseSchema = z.discriminatedUnion('engine', [postgres, mysql, sqlite]);

/** The engine that an address names, or a path stands for; null: the usual one. */
export function engineOf(database: { url?: unknown; path?: unknown }): string | null {
  const scheme = /^([a-z]+):\/\//.exec(typeof database.url === 'string' ? database.url : '')?.[1];
  if (scheme === 'mysql' || scheme === 'mariadb' || scheme === 'sqlite') return scheme;
  return typeof database.path === 'string' ? 'sqlite' : null;
}
