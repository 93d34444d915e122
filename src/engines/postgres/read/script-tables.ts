import type { TableName } from '../../engine.ts';
import { decoderFor } from '../connect/encodings.ts';
import { statementsOf } from './foreign-script.ts';

export interface ScriptContents {
  tables: TableName[];
  /** The tables that it has rows for. */
  rows: TableName[];
  /** Those that must not be there yet. */
  schemas: string[];
  extensions: string[];
  /** It begins or ends a transaction by itself, as pg_dump's do around large objects. */
  commits: boolean;
}

/** What a script makes, as far as its statements say so; nothing is run. */
export async function contentsOfScript(script: AsyncIterable<Buffer>): Promise<ScriptContents> {
  const found = { tables: new Map<string, TableName>(), rows: new Map<string, TableName>() };
  const schemas = new Set<string>();
  const extensions = new Set<string>();
  let commits = false;
  let decode = decoderFor('UTF8');
  let schema = usualSchema;
  for await (const statement of statementsOf(script)) {
    const encoding = namedEncoding.exec(statement)?.[1];
    if (encoding !== undefined) decode = decoderFor(encoding.toUpperCase());
    const path = searchPath.exec(statement);
    if (path) schema = nameIn(path[1] ?? path[2] ?? '', decode) || usualSchema;
    const newSchema = createSchema.exec(statement)?.[1];
    if (newSchema !== undefined) schemas.add(nameIn(newSchema, decode));
    const extension = createExtension.exec(statement)?.[1];
    if (extension !== undefined) extensions.add(nameIn(extension, decode));
    commits ||= ownTransaction.test(statement);
    for (const [into, pattern] of patterns) {
      const [, first, second] = pattern.exec(statement) ?? [];
      if (first === undefined) continue;
      const table = second === undefined ? { schema, name: first } : { schema: nameIn(first, decode), name: second };
      const named = { schema: table.schema, name: nameIn(table.name, decode) };
      found[into].set(JSON.stringify(named), named);
    }
  }
  return {
    tables: [...found.tables.values()],
    rows: [...found.rows.values()],
    schemas: [...schemas],
    extensions: [...extensions],
    commits,
  };
}

/** Where what names no schema arises, until a script says otherwise. */
const usualSchema = 'public';
const name = String.raw`("(?:[^"]|"")+"|[A-Za-z_\x80-\xff][\w$\x80-\xff]*)`;
const table = String.raw`${name}(?:\s*\.\s*${name})?`;
const create = String.raw`create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?${table}`;
const patterns = [
  ['tables', new RegExp(`^${create}`, 'i')],
  ['rows', new RegExp(String.raw`^${create}[\s\S]*?\bas\s+(?:select|table|values|with)\b`, 'i')],
  ['rows', new RegExp(String.raw`^copy\s+${table}(?![\s\S]*\bto\s+(?:stdout|program|'))`, 'i')],
  ['rows', new RegExp(String.raw`^insert\s+into\s+${table}`, 'i')],
] as const;
const createSchema = new RegExp(String.raw`^create\s+schema\s+(?!if\s+not\s+exists\b|authorization\b)${name}`, 'i');
const createExtension = new RegExp(String.raw`^create\s+extension\s+(?:if\s+not\s+exists\s+)?${name}`, 'i');
/** Not `END` alone, with which the body of a function ends as well. */
const ownTransaction =
  /^(?:(?:begin|start)(?:\s+(?:work|transaction))?(?:\s+(?:isolation|read|not|deferrable)\b[^;]*)?|(?:commit|rollback|abort)(?:\s+(?:work|transaction))?(?:\s+and\s+(?:no\s+)?chain)?|end\s+(?:work|transaction|and)\b[^;]*)\s*;?$/i;
const namedEncoding = /^set\s+client_encoding\s*(?:=|to)\s*'?(\w+)/i;
const searchPath = new RegExp(
  String.raw`^set\s+search_path\s*(?:=|to)\s*${name}|^select\s+pg_catalog\.set_config\('search_path',\s*'([^',]*)`,
  'i',
);

function nameIn(text: string, decode: (bytes: Buffer) => string): string {
  const quoted = text.startsWith('"');
  const plain = quoted ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
  return decode(Buffer.from(plain, 'latin1'));
}
