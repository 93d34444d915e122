import { HoldfastError } from '../../base/errors.ts';
import type { Access } from './access.ts';
import type { Value } from './process/questions.ts';

/** Asks the operator's questions; each must answer true, which in SQLite is 1. */
export async function ask(
  access: Access,
  queries: readonly string[],
  signal: AbortSignal,
): Promise<{ query: string; ok: boolean; detail: string }[]> {
  if (queries.length === 0) return [];
  await using session = await access.open('read', signal);
  const answers: { query: string; ok: boolean; detail: string }[] = [];
  for (const query of queries) {
    try {
      const rows = await session.ask('select', { query }, signal);
      const value = rows.length === 1 ? Object.values(rows[0] ?? {})[0] : undefined;
      answers.push({ query, ok: value === 1, detail: describe(rows.length, value) });
    } catch (error) {
      if (!(error instanceof HoldfastError) || signal.aborted) throw error;
      answers.push({ query, ok: false, detail: error.message });
    }
  }
  return answers;
}

export async function select(access: Access, query: string, signal: AbortSignal): Promise<Record<string, unknown>[]> {
  await using session = await access.open('read', signal);
  const rows = await session.ask('select', { query }, signal);
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, restored(value)])));
}

function restored(value: Value): unknown {
  return typeof value === 'object' && value !== null ? Buffer.from(value.base64, 'base64') : value;
}

function describe(rows: number, value: Value | undefined): string {
  if (rows !== 1) return `answered with ${rows} rows instead of one`;
  if (value === 1) return 'true';
  return value === 0 ? 'false' : `answered ${JSON.stringify(value)}, which is neither 1 nor 0`;
}
