import type { EngineSettings } from '../engine.ts';
import type { DatabaseSettings } from './connect/database-options.ts';

export { databaseSchema } from './connect/database-options.ts';

export type PostgresSettings = EngineSettings<DatabaseSettings>;
