import { HoldfastError } from '../../../base/errors.ts';
import type { Access } from './access.ts';

/** Asks the operator's questions as the database's applications would; each must answer true, which here is the number 1. */
export async function ask(
  access: Access,
  queries: readonly string[],
  signal: AbortSignal,
): Promise<{ query: string; ok: boolean; detail: string }[]> {
  await using session = await access.connect(signal);
  const answers: { query: string; ok: boolean; detail: string }[] = [];
  for (const query of queries) {
    await session.rows('START TRANSACTION READ ONLY');
    try {
      const rows = await session.rows<Record<string, unknown>>(query);
      const value = rows.length === 1 ? Object.values(rows[0] ?? {})[0] : undefined;
      answers.push({ query, ok: value === 1 || value === '1', detail: describe(rows.length, value) });
    } catch (error) {
      if (!(error instanceof HoldfastError) || signal.aborted) throw error;
      answers.push({ query, ok: false, detail: error.message });
    }
    await session.rows('ROLLBACK');
  }
  return answers;
}

export async function select(access: Access, query: string, signal: AbortSignal): Promise<Record<string, unknown>[]> {
  await using session = await access.connect(signal);
  await session.rows('START TRANSACTION READ ONLY');
  return await session.rows<Record<string, unknown>>(query);
}

function describe(rows: number, value: unknown): string {
  if (rows !== 1) return `answered with ${rows} rows instead of one`;
  if (value === 1 || value === '1') return 'true';
  if (value === 0 || value === '0') return 'false';
  return `answered ${JSON.stringify(value)}, which is neither true nor false`;
}
