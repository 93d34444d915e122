/** An identifier for SQL text; any name the server can hold survives the round trip. */
export function quoteIdent(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The name that an identifier stands for, as the server's own tools write it: quoted where it needs it. */
export function readIdent(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
}

export function quoteTable(table: { schema: string; name: string }): string {
  return `${quoteIdent(table.schema)}.${quoteIdent(table.name)}`;
}

/** A string for SQL text. The `E` form is used for backslashes, so that `standard_conforming_strings` does not matter. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? `E${quoted}` : quoted;
}

/**
 * A connection string for the client tools. They expand a database name that looks like a connection string, so the name
 * must never be an argument of its own: a database called `host=elsewhere` would send the tool elsewhere.
 */
export function quoteConninfo(parts: Readonly<Record<string, string | number>>): string {
  return Object.entries(parts)
    .map(([key, value]) => `${key}='${String(value).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`)
    .join(' ');
}

/** For people and messages: `public.users`, quoted only where the plain form would mislead, and always on one line. */
export function displayTable(table: { schema: string; name: string }): string {
  return `${displayName(table.schema)}.${displayName(table.name)}`;
}

export function displayName(name: string): string {
  if (/^[a-z_][a-z0-9_$]*$/.test(name)) return name;
  return quoteIdent(name).replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}
