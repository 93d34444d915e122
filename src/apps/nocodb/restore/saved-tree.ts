import type { z } from 'zod';
import type { Saved } from '../../app.ts';
import { broken, readJson, readLines } from '../lines.ts';
import {
  baseFileSchema,
  basePath,
  names,
  schemaFileSchema,
  tablePath,
  type BaseFile,
  type Column,
  type SchemaFile,
} from '../tree-format.ts';

/** A base as it lies in a backup. */
export interface SavedBase {
  folder: string;
  file: BaseFile;
  /** By id, in the order of the base. */
  tables: ReadonlyMap<string, SavedTable>;
}

export interface SavedTable {
  saved: BaseFile['tables'][number];
  schema: SchemaFile;
}

/** All bases of a backup with the schemas of their tables; records stay where they are. */
export async function savedBases(saved: Saved, signal: AbortSignal): Promise<SavedBase[]> {
  const folders = saved.parts.flatMap(({ name }) => {
    const match = /^bases\/([^/]+)\/metadata\.json$/.exec(name);
    return match?.[1] === undefined ? [] : [match[1]];
  });
  const bases: SavedBase[] = [];
  for (const folder of folders) {
    const file = await parsed(saved, basePath(folder, names.metadata), baseFileSchema, signal);
    const tables = new Map<string, SavedTable>();
    for (const table of file.tables) {
      const schema = await parsed(saved, tablePath(folder, table.folder, names.schema), schemaFileSchema, signal);
      tables.set(table.id, { saved: table, schema });
    }
    bases.push({ folder, file, tables });
  }
  return bases.toSorted((left, right) => (left.file.base.order ?? 0) - (right.file.base.order ?? 0));
}

/** A small JSON file of the backup. */
export async function parsed<Schema extends z.ZodType>(
  saved: Saved,
  name: string,
  schema: Schema,
  signal: AbortSignal,
): Promise<z.output<Schema>> {
  return checked(schema, await readJson(await saved.open(name, signal), name), name);
}

/** The entries of a long file of the backup; none when it was not written. */
export async function* savedLines<Schema extends z.ZodType>(
  saved: Saved,
  name: string,
  schema: Schema,
  signal: AbortSignal,
): AsyncGenerator<z.output<Schema>> {
  if (!hasPart(saved, name)) return;
  for await (const entry of readLines(await saved.open(name, signal), name)) yield checked(schema, entry, name);
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, name: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) throw broken(name, 'it is not what the tree demands', result.error);
  return result.data;
}

export function hasPart(saved: Saved, name: string): boolean {
  return saved.parts.some((part) => part.name === name);
}

/** The one column whose value tells a record and which NocoDB numbers itself; null when the table is told apart some other way. */
export function numberedKey({ schema }: SavedTable): Column | null {
  const [only, ...more] = schema.records.key;
  const column = more.length === 0 ? schema.columns.find(({ id }) => id === only) : undefined;
  return column?.uidt === 'ID' ? column : null;
}
