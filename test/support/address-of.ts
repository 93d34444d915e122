import type { Config } from '../../src/config/schema.ts';

/** The address of a source's PostgreSQL. */
export function addressOf(config: Config, source: string) {
  const database = config.sources[source]?.database;
  if (database?.engine !== 'postgres') throw new Error(`${source} has no PostgreSQL`);
  return database.address;
}
