/** An identifier for SQL text. Names cannot hold NUL, and the server refuses trailing spaces. */
export function quoteIdent(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

export function quoteIn(database: string, name: string): string {
  return `${quoteIdent(database)}.${quoteIdent(name)}`;
}

/** Of regular expressions: an identifier in quotes, which are double ones where the mode is `ANSI_QUOTES`. */
export const quotedIdent = '(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")';

/** Of a role of MariaDB there is no host. */
export const definerPattern = new RegExp(`DEFINER=(${quotedIdent})(?:@(${quotedIdent}))?`);

/** The name that stands there; without quotes it is that already. */
export function unquoteIdent(text: string): string {
  const [quote = ''] = text;
  return quote === '`' || quote === '"' ? text.slice(1, -1).replaceAll(quote + quote, quote) : text;
}

const shownText = String.raw`'(?:[^'\\]|\\.|'')*'`;
const shownName = '`(?:[^`]|``)*`';
/** A text; a `from` of a function, behind which no table stands; and a name of one part or more, with what tells of which kind it is. */
const partsOfStatement = new RegExp(
  String.raw`${shownText}|\b(?:extract\(\w+|trim\((?:\w+ )?(?:_\w+ ?)?${shownText}) from |` +
    String.raw`(\b(?:view|from|(?:straight_)?join|(?:next|last|set)val|value for)\b[\s(]*)?(${shownName})((?:\.${shownName})*)(\(?)`,
  'gi',
);

/**
 * A statement as the server shows it, or part of one, that names a database, for another one. A table, or an alias, may be called like
 * it: of two parts, the first is a database where a table, a sequence or a function is meant.
 */
export function otherDatabase(statement: string, from: string, to: string): string {
  if (from === to) return statement;
  const before = quoteIdent(from);
  type Part = string | undefined;
  return statement.replace(partsOfStatement, (whole, place: Part, first: Part, rest: string, call: string) => {
    if (first !== before || rest === '') return whole;
    const ofColumn = place === undefined && call === '' && new RegExp(`^\\.${shownName}$`).test(rest);
    return ofColumn ? whole : `${place ?? ''}${quoteIdent(to)}${rest}${call}`;
  });
}

/** A string for SQL text in sessions without NO_BACKSLASH_ESCAPES, which ours are. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0').replaceAll('\n', '\\n')}'`;
}

/** `shop@%` as statements want it. */
export function accountSql(account: string): string {
  const at = account.lastIndexOf('@');
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  return `${quoted(account.slice(0, at))}@${quoted(account.slice(at + 1))}`;
}

/** For people and messages: quoted only where the plain form would mislead, and always on one line. */
export function displayName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_$]*$/.test(name)) return name;
  return quoteIdent(name).replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}

export function listed(names: readonly string[]): string {
  return shortened(names.map(displayName));
}

/** The first of them, and how many more there are. */
export function shortened(texts: readonly string[]): string {
  const most = 20;
  const rest = texts.length - most;
  const first = texts.slice(0, most).join(', ');
  return rest > 0 ? `${first} and ${rest} more` : first;
}
