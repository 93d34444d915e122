import { HoldfastError } from '../../../base/errors.ts';
import type { Access } from './access.ts';

/** Asks the operator's questions as the database's applications would; each must answer true. */
export async function ask(
  access: Access,
  queries: readonly string[],
  signal: AbortSignal,
): Promise<{ query: string; ok: boolean; detail: string }[]> {
  await using session = await access.connect(signal, { searchPath: 'database', application: 'holdfast checks' });
  const answers: { query: string; ok: boolean; detail: string }[] = [];
  for (const query of queries) {
    await session.rows('begin read only');
    try {
      const rows = await session.rows<Record<string, unknown>>(query);
      const value = rows.length === 1 ? Object.values(rows[0] ?? {})[0] : undefined;
      answers.push({ query, ok: value === true, detail: describe(rows.length, value) });
    } catch (error) {
      if (!(error instanceof HoldfastError) || signal.aborted) throw error;
      answers.push({ query, ok: false, detail: error.message });
    }
    await session.rows('rollback');
  }
  return answers;
}

export async function select(access: Access, query: string, signal: AbortSignal): Promise<Record<string, unknown>[]> {
  await using session = await access.connect(signal, { searchPath: 'database', application: 'holdfast' });
  await session.rows('begin read only');
  return await session.rows<Record<string, unknown>>(query);
}

/** All of them or none: a session that ends in the middle takes everything back. */
export async function adjust(access: Access, statements: readonly string[], signal: AbortSignal): Promise<void> {
  await using session = await access.connect(signal, { application: 'holdfast restore' });
  await session.rows('begin');
  for (const statement of statements) await session.rows(statement);
  await session.rows('commit');
}

function describe(rows: number, value: unknown): string {
  if (rows !== 1) return `answered with ${rows} rows instead of one`;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return `answered ${JSON.stringify(value)}, which is neither true nor false`;
}
