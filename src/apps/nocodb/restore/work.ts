import type { Saved } from '../../app.ts';
import type { AppTask } from '../../app.ts';
import type { Client } from '../client.ts';
import type { Findings } from './findings.ts';

/** What every stage of a restore works with. */
export interface Work {
  client: Client;
  saved: Saved;
  task: AppTask;
  found: Findings;
  /** How many requests are under way at once. */
  atOnce: number;
}

/** What an error says, for the list of what was lost. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Ours begin with whom they are from; in a list of a thousand, what was said is enough.
  return error.message.replace(/^NocoDB at \S+ /, '');
}
