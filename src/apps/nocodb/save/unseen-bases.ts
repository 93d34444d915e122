import type { AppDatabase } from '../../app.ts';

/** Titles of bases that NocoDB's own database knows and its API did not show; empty where that cannot be asked. */
export async function unseenBases(
  database: AppDatabase | null,
  shown: readonly { id: string }[],
  signal: AbortSignal,
): Promise<string[]> {
  if (database === null) return [];
  try {
    const rows = await database.select('select id, title, deleted from nc_bases_v2', signal);
    return rows.flatMap(({ id, title, deleted }) => {
      const removed = deleted === true || deleted === 1 || deleted === '1' || deleted === 't';
      return removed || shown.some((base) => base.id === id) ? [] : [String(title)];
    });
  } catch {
    // Another schema, or a later version that keeps them elsewhere.
    return [];
  }
}
