import type { Column } from '../tree-format.ts';
import { kindOf } from './column-kinds.ts';
import type { LiveTable } from './live.ts';
import type { SavedTable } from './saved-tree.ts';
import { savedForeignKeys, type Target } from './target.ts';
import type { Scope } from './scope.ts';
import type { Work } from './work.ts';

const rules: readonly { what: string; has: (column: Column) => boolean }[] = [
  { what: 'required', has: ({ rqd }) => isSet(rqd) },
  { what: 'read-only', has: ({ readonly }) => isSet(readonly) },
  { what: 'unique', has: ({ unique }) => unique },
];

/** What fields asked of their values in the original, and do not ask here: when it makes a field NocoDB drops it without a word. */
export function tellRules(
  { base, title }: Scope,
  { schema }: SavedTable,
  live: LiveTable,
  { ids }: Target,
  { found }: Work,
): void {
  const foreignKeys = savedForeignKeys(base);
  const where = `${title}/${schema.table.title}`;
  const pairs = schema.columns.flatMap((column) => {
    const here = live.columns.find(({ id }) => id === ids.get(column.id));
    return here === undefined || kindOf(column, foreignKeys) !== 'plain' ? [] : [{ column, here }];
  });
  const tell = (what: string, isGone: (pair: { column: Column; here: Column }) => boolean) => {
    const titles = pairs.filter(isGone).map(({ column }) => column.title);
    for (const each of titles) found.warn(`${where}/${each} ${what} in the original: set that again in NocoDB`);
  };
  for (const { what, has } of rules) tell(`was ${what}`, ({ column, here }) => has(column) && !has(here));
  tell(
    'had other validations',
    ({ column, here }) => validations(column) !== '' && validations(column) !== validations(here),
  );
}

function isSet(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 'true';
}

/** Which functions; their messages differ between versions. */
function validations({ validate }: Column): string {
  const parsed: unknown = typeof validate === 'string' ? parsedOrNull(validate) : validate;
  const { func } = (parsed ?? {}) as { func?: unknown };
  return Array.isArray(func) && func.length > 0 ? JSON.stringify(func) : '';
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
