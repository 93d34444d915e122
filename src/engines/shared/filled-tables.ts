import { throwIfAborted } from '../../base/abort.ts';

/** Those of the tables that have rows; what may not be read may have some. */
export async function filledOf<Table>(
  tables: readonly Table[],
  hasSome: (table: Table) => Promise<boolean>,
  signal: AbortSignal,
): Promise<Table[]> {
  const filled: Table[] = [];
  for (const table of tables) {
    const some = await hasSome(table).catch(() => {
      throwIfAborted(signal);
      return true;
    });
    if (some) filled.push(table);
  }
  return filled;
}
