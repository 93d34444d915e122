import type { TableName } from '../../engine.ts';

/**
 * A pattern for tables as pg_dump and psql take them: letters outside double quotes are folded to lower case, `*` and `?` match,
 * a dot parts the schema from the name, everything inside double quotes is meant literally.
 */
export interface TablePattern {
  /** Null: the schemas of the database's search path. */
  schema: RegExp | null;
  name: RegExp;
}

export function parseTablePattern(pattern: string): TablePattern {
  const parts = [''];
  let quoted = false;
  for (let index = 0; index < pattern.length; index += 1) {
    const char = pattern.charAt(index);
    if (char === '"' && quoted && pattern[index + 1] === '"') index += 1;
    else if (char === '"') {
      quoted = !quoted;
      continue;
    } else if (!quoted && char === '.' && parts.length === 1) {
      parts.push('');
      continue;
    }
    parts.push((parts.pop() ?? '') + (quoted ? literal(char) : unquoted(char)));
  }
  const [first = '', second] = parts.map((part) => new RegExp(`^(?:${part})$`, 'su'));
  return second === undefined ? { schema: null, name: first as RegExp } : { schema: first as RegExp, name: second };
}

export interface Matcher {
  matches(table: TableName): boolean;
  /** Patterns that nothing was matched by, in the words of the configuration. */
  unused(): string[];
}

/** `searchPath` are the schemas a plain name is looked for in; of two tables of the same name only the first is meant, as in SQL. */
export function matchTables(
  patterns: readonly string[],
  searchPath: readonly string[],
  all: readonly TableName[],
): Matcher {
  const visible = new Map<string, number>();
  for (const { schema, name } of all) {
    const place = searchPath.indexOf(schema);
    if (place >= 0 && place < (visible.get(name) ?? Number.POSITIVE_INFINITY)) visible.set(name, place);
  }
  const parsed = patterns.map((text) => ({ text, pattern: parseTablePattern(text), used: false }));
  return {
    matches: (table) => {
      const fitting = parsed.filter(({ pattern }) => {
        if (!pattern.name.test(table.name)) return false;
        return pattern.schema
          ? pattern.schema.test(table.schema)
          : visible.get(table.name) === searchPath.indexOf(table.schema);
      });
      for (const each of fitting) each.used = true;
      return fitting.length > 0;
    },
    unused: () => parsed.filter(({ used }) => !used).map(({ text }) => text),
  };
}

function unquoted(char: string): string {
  if (char === '*') return '.*';
  if (char === '?') return '.';
  // As the server folds names: only the letters of ASCII.
  return literal(/[A-Z]/.test(char) ? char.toLowerCase() : char);
}

function literal(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}
