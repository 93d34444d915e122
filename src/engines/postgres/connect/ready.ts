import { toHoldfastError } from '../../../base/errors.ts';
import type { Access } from './access.ts';

/** A server tells that a database is missing only to those it has let in. */
export async function ready(access: Access, what: 'server' | 'database', signal: AbortSignal): Promise<void> {
  try {
    await using session = await access.connect(signal, { application: 'holdfast wait' });
    await session.value('select 1');
  } catch (error) {
    if (what === 'database' || toHoldfastError(error).code !== 'DATABASE_MISSING') throw error;
  }
}
