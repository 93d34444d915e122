import type { LoadOptions, StoredDump } from '../../engine.ts';
import { tocOf } from './read-through.ts';
import { entriesInScope } from './select-entries.ts';
import { tocFile, type TocEntry } from './toc.ts';

/** What else is needed of a selection has definitions only, and those are in the table of contents. */
export async function filesFor(
  dump: StoredDump,
  scope: LoadOptions['scope'],
  signal: AbortSignal,
): Promise<string[] | null> {
  if (dump.format !== 'directory' || scope === null) return null;
  const { entries } = await tocOf(dump, signal);
  return filesOf(entriesInScope(entries, scope));
}

/** Null where they cannot be told one by one: large objects lie in files that no table of contents names. */
export function filesOf(entries: readonly TocEntry[]): string[] | null {
  const files = entries.map(({ file }) => file).filter((file) => file !== null);
  return files.some((file) => file.startsWith('blob')) ? null : [tocFile, ...files];
}
