import { HoldfastError } from '../../../base/errors.ts';
import { quotedIdent, unquoteIdent } from '../connect/names.ts';

const gap = String.raw`(?:\s|/\*(?![!M])[\s\S]*?\*/)`;
/** What may stand before a statement: nothing, comments, or that only some servers run it. */
const before = String.raw`^\uFEFF?(?:ï»¿)?(?:${gap}|/\*M?!\d*)*`;
const name = String.raw`(?:${quotedIdent}|[\w$\u0080-\u00FF]+)`;
const table = [
  String.raw`(?:INSERT|REPLACE)(?:${gap}+(?:LOW_PRIORITY|HIGH_PRIORITY|DELAYED|IGNORE))*(?:${gap}+INTO)?`,
  String.raw`(?:CREATE|DROP|ALTER|TRUNCATE|RENAME)(?:${gap}+(?:OR${gap}+REPLACE|TEMPORARY|ONLINE|IGNORE))*${gap}+(?:TABLES?|SEQUENCE)(?:${gap}+IF(?:${gap}+NOT)?${gap}+EXISTS)?`,
  'TRUNCATE',
  String.raw`DROP${gap}+VIEW(?:${gap}+IF${gap}+EXISTS)?`,
  String.raw`DELETE(?:${gap}+(?:LOW_PRIORITY|QUICK|IGNORE))*${gap}+FROM`,
  String.raw`UPDATE(?:${gap}+(?:LOW_PRIORITY|IGNORE))*`,
  String.raw`LOCK${gap}+TABLES?`,
].join('|');

const database = new RegExp(
  String.raw`${before}(?:USE\b|(?:CREATE|DROP)(?:${gap}+OR${gap}+REPLACE)?${gap}+(?:DATABASE|SCHEMA)\b)`,
  'i',
);
const tableElsewhere = new RegExp(String.raw`${before}(?:${table})${gap}+(${name})\s*\.\s*(?:${name})`, 'i');
const quotedOrEnd = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`|\/\*[\s\S]*?\*\/|;/g;

/** The beginning of a statement, with the longest names that a table and its database can have, each byte a character. */
export const longestName = 1024;

/** Rows in many statements on one line; of longer ones only the beginning is looked at. */
const longestLine = 65_536;

/**
 * The text, unless it leaves the database that the script is fed into, beside the live one. What names a database itself would enter, drop
 * or fill whichever has that name, first of all the live one. Each byte is a character.
 */
export function stayingIn(into: string, text: string): string {
  for (const statement of text.length > longestLine ? [text.slice(0, longestName)] : statementsOf(text)) {
    if (database.test(statement)) throw namesDatabase();
    const found = tableElsewhere.exec(statement)?.[1];
    if (found !== undefined && unquoteIdent(found) !== into) throw namesDatabase();
  }
  return text;
}

/** Usually one, or a part of one. */
function* statementsOf(text: string): Iterable<string> {
  let from = 0;
  for (const { 0: part, index } of text.matchAll(quotedOrEnd)) {
    if (part !== ';') continue;
    yield text.slice(from, index);
    from = index + 1;
  }
  yield text.slice(from);
}

export function namesDatabase(): HoldfastError {
  return new HoldfastError('SCRIPT_NAMES_DATABASE', 'the script says itself into which database it goes', {
    kind: 'refused',
    hint: 'It was made with --databases or --all-databases, or names the database before its tables, and would change those. Dump the one database without these options, or take its name out of the script.',
  });
}
