import { basename } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { AppDatabase } from '../app.ts';
import type { AppEnvironment } from './env-file.ts';
import type { NocobaseSettings } from './options.ts';
import { dialectOf, textOf } from './sql.ts';

/** How an application lies in its database. */
export interface Shape {
  /** '': the default one of PostgreSQL, or an engine without schemas. */
  schema: string;
  tablePrefix: string;
  underscored: boolean;
}

export interface FoundApp extends Shape {
  version: string;
  /** The settings say something else than the database. */
  contradictions: string[];
  /** Which of NocoBase's own tables there are: not every plugin is there in every one. */
  has(table: string): boolean;
  /** Where in this database a NocoBase lies; '': the default one. */
  schemas: ReadonlySet<string>;
}

/**
 * Schema, prefix and the way of writing names all follow from the one table every NocoBase has. Where several share a database, the
 * settings choose; they never overrule what is there.
 */
export async function findApp(
  database: AppDatabase,
  settings: NocobaseSettings,
  environment: AppEnvironment,
  signal: AbortSignal,
): Promise<FoundApp> {
  const tables = await readTables(database, signal);
  const shapes = shapesIn(tables);
  const shape = chooseShape(shapes, settings, environment, database);
  return {
    ...shape,
    has: (table) => has(tables, shape, table),
    schemas: new Set(shapes.map(({ schema }) => schema)),
    version: await readVersion(database, shape, signal),
    contradictions: contradictionsOf(database, shape, environment),
  };
}

interface Table {
  schema: string;
  name: string;
}

async function readTables(database: AppDatabase, signal: AbortSignal): Promise<Table[]> {
  const rows = await database.select(dialectOf(database).tables, signal);
  return rows.map((row) => {
    const schema = textOf(row['schema_of']) ?? '';
    return { schema: schema === 'public' ? '' : schema, name: textOf(row['table_of']) ?? '' };
  });
}

/** Every NocoBase among the tables. A table that only has the name of its version is not yet one. */
export function shapesIn(tables: readonly Table[]): Shape[] {
  return tables.flatMap(({ schema, name }): Shape[] => {
    const found = /^(.*?)(applicationVersion|applicationversion|application_version)$/.exec(name);
    if (!found) return [];
    const [, tablePrefix = '', ending = ''] = found;
    const shape = { schema, tablePrefix, underscored: ending === 'application_version' };
    return has(tables, shape, 'applicationPlugins') ? [shape] : [];
  });
}

function has(tables: readonly Table[], shape: Shape, table: string): boolean {
  return tables.some((each) => isTable(shape, table, each));
}

/** MySQL on some systems writes all names of tables in small letters. */
export function isTable(shape: Shape, table: string, { schema, name }: Table): boolean {
  const wanted = nameOf(shape, table);
  return (schema === 'public' ? '' : schema) === shape.schema && (name === wanted || name === wanted.toLowerCase());
}

/** Pure. */
export function chooseShape(
  candidates: readonly Shape[],
  settings: Pick<NocobaseSettings, 'schema' | 'tablePrefix' | 'underscored'>,
  environment: Pick<AppEnvironment, 'values'>,
  database: Pick<AppDatabase, 'name'>,
): Shape {
  if (candidates.length === 0) {
    throw new HoldfastError('NOCOBASE_NOT_FOUND', `there is no NocoBase in the database ${database.name}`, {
      kind: 'usage',
      hint: 'Name the database that DB_DATABASE of the application names; it must have been started once.',
    });
  }
  const chosen = candidates.filter((each) => fits(each, asked(settings)));
  if (chosen.length === 0) {
    throw new HoldfastError(
      'NOCOBASE_CONTRADICTION',
      `the database ${database.name} has no NocoBase as the configuration describes it, but ${describeAll(candidates)}`,
      { kind: 'usage', hint: 'Correct schema, tablePrefix and underscored under app, or leave them out.' },
    );
  }
  const [first] = chosen;
  if (chosen.length === 1 && first) return first;
  const own = !knowsDatabase(environment) ? [] : chosen.filter((each) => fits(each, shapeOfEnvironment(environment)));
  const [only] = own;
  if (own.length === 1 && only) return only;
  throw new HoldfastError(
    'NOCOBASE_AMBIGUOUS',
    `the database ${database.name} has ${chosen.length} NocoBase: ${describeAll(chosen)}`,
    { kind: 'usage', hint: 'Say which one is meant: schema, tablePrefix or underscored under app.' },
  );
}

function asked(settings: Pick<NocobaseSettings, 'schema' | 'tablePrefix' | 'underscored'>): Partial<Shape> {
  return {
    ...(settings.schema === null ? {} : { schema: settings.schema === 'public' ? '' : settings.schema }),
    ...(settings.tablePrefix === null ? {} : { tablePrefix: settings.tablePrefix }),
    ...(settings.underscored === null ? {} : { underscored: settings.underscored }),
  };
}

/** What the application's settings mean; what is missing means what NocoBase means by it. */
export function shapeOfEnvironment({ values }: Pick<AppEnvironment, 'values'>): Shape {
  const schema = values.get('DB_SCHEMA') ?? '';
  return {
    schema: schema === 'public' ? '' : schema,
    tablePrefix: values.get('DB_TABLE_PREFIX') ?? '',
    underscored: values.get('DB_UNDERSCORED') === 'true',
  };
}

/** A file that says nothing of the database belongs to an application that is told so from outside. */
export function knowsDatabase({ values }: Pick<AppEnvironment, 'values'>): boolean {
  return ['DB_DIALECT', 'DB_HOST', 'DB_DATABASE', 'DB_STORAGE'].some((name) => values.has(name));
}

function fits(shape: Shape, wanted: Partial<Shape>): boolean {
  return (
    (wanted.schema === undefined || wanted.schema === shape.schema) &&
    (wanted.tablePrefix === undefined || wanted.tablePrefix === shape.tablePrefix) &&
    (wanted.underscored === undefined || wanted.underscored === shape.underscored)
  );
}

function describeAll(shapes: readonly Shape[]): string {
  return shapes.map(describeShape).join('; ');
}

export function describeShape({ schema, tablePrefix, underscored }: Shape): string {
  return `schema ${schema || 'public or none'}, prefix ${tablePrefix || 'none'}, ${underscored ? '' : 'not '}underscored`;
}

async function readVersion(database: AppDatabase, shape: Shape, signal: AbortSignal): Promise<string> {
  const query = `select value from ${tableOf(database, shape, 'applicationVersion')}`;
  const rows = await database.select(query, signal);
  // Its id changes with every upgrade, and there is one row.
  const version = textOf(rows.at(-1)?.['value']);
  if (version !== null) return version;
  throw new HoldfastError(
    'NOCOBASE_NOT_FOUND',
    `the NocoBase in ${database.name} has no version: it was never installed`,
    {
      hint: 'Let the application finish its installation first.',
    },
  );
}

/** Pure. */
export function contradictionsOf(
  database: Pick<AppDatabase, 'name' | 'engine'>,
  shape: Shape,
  environment: Pick<AppEnvironment, 'file' | 'values'>,
): string[] {
  const { file, values } = environment;
  if (!knowsDatabase(environment)) return [];
  const said = shapeOfEnvironment(environment);
  const dialect = values.get('DB_DIALECT');
  // Of a file, its folder is called otherwise inside of a container.
  const sqlite = database.engine === 'sqlite';
  const setting = sqlite ? 'DB_STORAGE' : 'DB_DATABASE';
  const written = values.get(setting);
  const name = sqlite && written !== undefined ? basename(written) : written;
  const found: string[] = [];
  const tell = (variable: string, says: string, is: string) =>
    found.push(`${variable} in ${file ?? 'its settings'} says ${says}, and the database ${database.name} has ${is}`);
  if (dialect !== undefined && !dialectOf(database).names.includes(dialect)) {
    tell('DB_DIALECT', dialect, database.engine);
  }
  if (said.underscored !== shape.underscored) {
    tell('DB_UNDERSCORED', String(said.underscored), String(shape.underscored));
  }
  if (said.tablePrefix !== shape.tablePrefix) {
    tell('DB_TABLE_PREFIX', said.tablePrefix || 'none', shape.tablePrefix || 'none');
  }
  if (said.schema !== shape.schema) tell('DB_SCHEMA', said.schema || 'none', shape.schema || 'none');
  if (name !== undefined && name !== database.name) {
    found.push(
      `${setting} in ${file ?? 'its settings'} says ${name}, and the database of this source is ${database.name}`,
    );
  }
  return found;
}

/** The name of a table of NocoBase's own, quoted and with its schema. */
export function tableOf(database: Pick<AppDatabase, 'engine'>, shape: Shape, table: string): string {
  const dialect = dialectOf(database);
  const name = dialect.quote(nameOf(shape, table));
  if (database.engine !== 'postgres') return name;
  return `${dialect.quote(shape.schema || 'public')}.${name}`;
}

export function columnOf(shape: Pick<Shape, 'underscored'>, column: string): string {
  return shape.underscored ? snake(column) : column;
}

function nameOf({ tablePrefix, underscored }: Pick<Shape, 'tablePrefix' | 'underscored'>, table: string): string {
  return `${tablePrefix}${underscored ? snake(table) : table}`;
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
