import type { LoadOptions, StoredDump } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { propertiesOf } from '../look/facts.ts';
import { openMaintenance } from '../look/maintenance.ts';
import { tocOf } from '../read/read-through.ts';
import { planReplacement, planScript } from './plan.ts';
import { planSwitchedKeys } from '../look/switched-keys.ts';
import { planTablespaces } from '../load/tablespaces.ts';

/** The plan of a replacement is made of questions alone: what it warns of and refuses is known before anything is touched. */
export async function consequences(
  access: Access,
  dump: StoredDump,
  options: Pick<LoadOptions, 'scope' | 'owners' | 'facts'> & { inside: boolean },
  signal: AbortSignal,
): Promise<string[]> {
  const entries = dump.format === 'plain' ? null : (await tocOf(dump, signal)).entries;
  await using session = options.inside ? await access.connect(signal) : await openMaintenance(access, [], signal);
  const plan = options.inside
    ? await (entries === null ? planScript(session, dump, options, signal) : planReplacement(session, entries, options))
    : null;
  const made = plan === null ? entries : entries && plan.entries;
  const places = await planTablespaces(session, made ?? []);
  const { facts } = options;
  const keys = plan ?? (await planSwitchedKeys(session, facts ? propertiesOf(facts).switchedKeys : [], null));
  return [...keys.warnings, ...places.warnings];
}
