import { z } from 'zod';
import { statusOf } from '../errors.ts';
import { hookSchema } from '../tree-format.ts';
import { read, type LiveTable } from './live.ts';
import type { Work } from './work.ts';

const answer = z.object({ list: z.array(hookSchema) });

/**
 * The webhooks of a living table that a restore into it would ring: to NocoDB a record that comes back is one that somebody adds, and
 * nothing in its API keeps it from telling the world. Null: the token may not see them.
 */
export async function ringing(
  live: LiveTable,
  what: 'records' | 'files',
  { client, task }: Work,
): Promise<string[] | null> {
  try {
    const found = await client.get(`/api/v2/meta/tables/${live.id}/hooks`, {}, task.signal);
    return (
      read(client, answer, found, 'the webhooks of a table')
        .list.filter(({ active, event }) => active && event === 'after')
        // A file that comes back into its cell changes a record; records are added, and where a counter has to be moved, removed.
        .filter(({ operation }) => what === 'records' || /update/i.test(JSON.stringify(operation)))
        .map(({ title }) => title)
    );
  } catch (error) {
    if (statusOf(error) === 403) return null;
    throw error;
  }
}
