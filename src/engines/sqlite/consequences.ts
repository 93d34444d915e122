import type { LoadOptions } from '../engine.ts';
import type { Access } from './access.ts';
import { quoteIdent } from './names.ts';
import type { Session } from './session.ts';

/** Everything comes back together, and single tables alone; what is filled anew has nothing around it. */
export async function consequences(
  access: Access,
  { scope, inside }: Pick<LoadOptions, 'scope'> & { inside: boolean },
  signal: AbortSignal,
): Promise<string[]> {
  if (scope === null || !inside) return [];
  await using session = await access.open('read', signal);
  return await consequencesIn(session, scope, signal);
}

export async function consequencesIn(
  session: Session,
  scope: NonNullable<LoadOptions['scope']>,
  signal: AbortSignal,
): Promise<string[]> {
  const found = await session.ask('dependents', { tables: scope.tables.map(({ name }) => name) }, signal);
  const triggers = found.flatMap(({ table, triggers: names }) =>
    names.length === 0
      ? []
      : [`triggers of ${table} have not fired (${names.join(', ')}): what they keep elsewhere is as it was`],
  );
  const indexes = new Set(found.flatMap(({ indexes: names }) => names));
  const stale = [...indexes].map((name) => {
    const rebuild = `insert into ${quoteIdent(name)} (${quoteIdent(name)}) values ('rebuild')`;
    return `the full-text index ${name} is still that of the rows before; to build it anew: ${rebuild}`;
  });
  return [...triggers, ...stale];
}
