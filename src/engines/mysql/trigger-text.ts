/**
 * The server keeps a trigger's statement as it was written. Where that names the database, the trigger could only be made in one of
 * that name: its own name and its table's lose it, the body stays as it is.
 */
export function withoutDatabase(statement: string, database: string): string {
  const plain = RegExp.escape(database);
  const quoted = RegExp.escape(`\`${database.replaceAll('`', '``')}\``);
  const qualifier = `(?:${quoted}|${plain})\\s*\\.\\s*`;
  const name = '(?:`(?:[^`]|``)*`|[^\\s`.]+)';
  const pattern = new RegExp(
    `^([\\s\\S]*?\\bTRIGGER\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?)(?:${qualifier})?(${name}\\s+(?:BEFORE|AFTER)\\s+(?:INSERT|UPDATE|DELETE)\\s+ON\\s+)(?:${qualifier})?(?=${name})`,
    'i',
  );
  return statement.replace(pattern, '$1$2');
}
