import { dumpSchema } from './dump-options.ts';
import type { Database, EngineContext, EngineName, EngineSettings } from './engine.ts';
import type { DatabaseSettings as MysqlDatabase } from './mysql/connect/database-options.ts';
import { mariadb, mysql } from './mysql/mysql.ts';
import { databaseSchema as mysqlSchema } from './mysql/options.ts';
import type { DatabaseSettings as PostgresDatabase } from './postgres/connect/database-options.ts';
import { databaseSchema as postgresSchema } from './postgres/options.ts';
import { postgres } from './postgres/postgres.ts';
import { databaseSchema as sqliteSchema, type DatabaseSettings as SqliteDatabase } from './sqlite/options.ts';
import { sqlite } from './sqlite/sqlite.ts';

/** Every engine there is, under the name that `database.engine` says. A new one is a folder and a line here. */
export const engines = { postgres, mysql, mariadb, sqlite };

type DatabaseSettings = PostgresDatabase | MysqlDatabase | SqliteDatabase;

export function connectDatabase(
  { database, ...rest }: EngineSettings<DatabaseSettings>,
  context: EngineContext,
): Database {
  switch (database.engine) {
    case 'postgres':
      return postgres.connect({ database, ...rest }, context);
    case 'mysql':
    case 'mariadb':
      return engines[database.engine].connect({ database, ...rest }, context);
    case 'sqlite':
      return sqlite.connect({ database, ...rest }, context);
  }
}

/** Connects nowhere: for what reads dumps, and for addresses given later. */
export function blankDatabase(engine: EngineName, name: string, context: EngineContext): Database {
  return connectDatabase({ database: blankSettings(engine, name), via: null, dump: dumpSchema.parse({}) }, context);
}

function blankSettings(engine: EngineName, name: string): DatabaseSettings {
  switch (engine) {
    case 'postgres':
      return postgresSchema.parse({ name });
    case 'mysql':
    case 'mariadb':
      return mysqlSchema.parse({ engine, name });
    case 'sqlite':
      return sqliteSchema.parse({ engine, path: `/nowhere/${name}` });
  }
}
