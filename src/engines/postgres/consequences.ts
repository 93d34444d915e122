import type { LoadOptions, StoredDump } from '../engine.ts';
import type { Access } from './access.ts';
import { tocOf } from './read-through.ts';
import { planReplacement, planScript } from './replace-plan.ts';

/** The plan of a replacement is made of questions alone: what it warns of and refuses is known before anything is touched. */
export async function consequences(
  access: Access,
  dump: StoredDump,
  options: Pick<LoadOptions, 'scope' | 'owners'>,
  signal: AbortSignal,
): Promise<string[]> {
  // What cannot be done with a script is refused for the dump's sake, whatever the database holds.
  if (dump.format === 'plain' && options.scope) return [];
  const entries = dump.format === 'plain' ? null : (await tocOf(dump, signal)).entries;
  await using session = await access.connect(signal);
  const plan = entries === null ? await planScript(session) : await planReplacement(session, entries, options);
  return plan.warnings;
}
