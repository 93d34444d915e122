import type { EngineSettings } from '../engine.ts';
import type { DatabaseSettings } from './database-options.ts';

export { databaseSchema } from './database-options.ts';

export type MysqlSettings = EngineSettings<DatabaseSettings>;
