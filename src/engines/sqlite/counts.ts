import type { Counts, TableName } from '../engine.ts';
import type { Access } from './access.ts';
import type { CountWish } from './process/counts.ts';
import type { Session } from './session.ts';

export async function countDatabase(
  access: Access,
  what: { tables: TableName[] | null; sequences: boolean; fingerprints: boolean },
  signal: AbortSignal,
): Promise<Counts> {
  await using session = await access.open('read', signal);
  return await countIn(
    session,
    { ...what, rows: true, tables: what.tables && what.tables.map(({ name }) => name) },
    signal,
  );
}

export async function filledTables(
  access: Access,
  wanted: (table: TableName) => boolean,
  signal: AbortSignal,
): Promise<TableName[]> {
  await using session = await access.open('read', signal);
  const filled = await session.ask('filledTables', {}, signal);
  return filled.map((name) => ({ schema: '', name })).filter(wanted);
}

export async function countIn(session: Session, wish: CountWish, signal: AbortSignal): Promise<Counts> {
  const { tables, sequences } = await session.ask('count', wish, signal);
  return {
    tables: tables.map((table) => ({ schema: '', ...table })),
    sequences: sequences.map((sequence) => ({ schema: '', ...sequence, called: true })),
  };
}
