import { quotedIdent, unquoteIdent } from '../connect/names.ts';

/** Between two words of a statement that is kept as it was written; comments stand there too. */
const gap = String.raw`(?:\s|/\*[\s\S]*?\*/|--\s[^\n]*\n|#[^\n]*\n)*`;
const ident = String.raw`(?:${quotedIdent}|[\w$\u0080-\uffff]+)`;
const qualifier = String.raw`(?:(${ident})${gap}\.${gap})?`;
const beginning = new RegExp(
  String.raw`^([\s\S]*?\bTRIGGER${gap}(?:IF${gap}NOT${gap}EXISTS${gap})?)${qualifier}` +
    String.raw`(${ident})(${gap}(?:BEFORE|AFTER)${gap}(?:INSERT|UPDATE|DELETE)${gap}ON${gap})${qualifier}(${ident})`,
  'i',
);

/**
 * The server keeps a trigger's statement as it was written. Where that names the database, the trigger could only be made in one of
 * that name: its own name and its table's lose it, the body stays as it is.
 */
export function withoutDatabase(statement: string, database: string): string {
  const isOther = (name: string | undefined) =>
    name !== undefined && unquoteIdent(name).toLowerCase() !== database.toLowerCase();
  type Part = string | undefined;
  return statement.replace(
    beginning,
    (whole, create: string, first: Part, name: string, moment: string, second: Part, table: string) =>
      isOther(first) || isOther(second) ? whole : create + name + moment + table,
  );
}

/** The table it is on; null of a statement that is none we know. */
export function tableOf(statement: string): string | null {
  const name = beginning.exec(statement)?.[6];
  return name === undefined ? null : unquoteIdent(name);
}

/** The same trigger under another name and on another table, both as they are to stand there. */
export function triggerElsewhere(statement: string, name: string, table: string): string {
  return statement.replace(
    beginning,
    (_whole, create: string, _first, _name, moment: string) => create + name + moment + table,
  );
}
