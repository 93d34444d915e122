import { z } from 'zod';
import type { DatabaseSettings } from './database-options.ts';
import type { DumpSettings } from './dump-options.ts';

export { databaseSchema } from './database-options.ts';
export { dumpSchema } from './dump-options.ts';

/** Everything this engine is told; `config` validates it with the three schemas and hands it over. */
export interface PostgresSettings {
  database: DatabaseSettings;
  via: ViaSettings;
  dump: DumpSettings;
}

/** Null: the client tools of this machine. `auto`: those of the container the database runs in, where there is one. */
export type ViaSettings = { container: string } | null;

/** Container names and ids, as the engines accept them; never something that could be read as an option. */
const containerName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, { error: 'must be the name of a container, or auto' })
  .meta({ description: 'The container whose client tools are used: a name, or auto to look for it.' });

export const viaSchema = z.strictObject({ container: containerName });
