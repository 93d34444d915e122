import type { Connection } from './connection.ts';

/**
 * Reads in an open transaction, and lets go at once of what the reading has locked: tables and each of their indexes, for which the server has
 * room for some thousands, shared by all its sessions.
 */
export async function lettingGo<T>(connection: Connection, read: () => Promise<T>): Promise<T> {
  await connection.rows('savepoint reading');
  const letGo = () => connection.rows('rollback to savepoint reading; release savepoint reading');
  try {
    const result = await read();
    await letGo();
    return result;
  } catch (error) {
    await letGo().catch(() => undefined);
    throw error;
  }
}
