import { statusOf } from '../errors.ts';

/**
 * Null: somebody has removed it before its turn. NocoDB does not list it any more then; what only answers as if it did not know it, like
 * a proxy before a NocoDB that restarts, is an error.
 */
export async function unlessRemoved<T>(read: () => Promise<T>, isListed: () => Promise<boolean>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (statusOf(error) !== 404 || (await isListed())) throw error;
    return null;
  }
}
