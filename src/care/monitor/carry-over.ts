import { findingKey, type Finding } from '../alerts/finding.ts';
import type { Facts } from './facts.ts';

/** Judged without asking the storage: that they are gone means that they are over. */
const judgedHere = new Set(['STORAGE_UNREACHABLE', 'COPY_PENDING']);

/**
 * What was found in storages that do not answer now. Nobody can tell whether it is over, so nobody may be told that it is.
 */
export function carryOver(
  before: readonly Finding[],
  { findings, facts }: { findings: readonly Finding[]; facts: Pick<Facts, 'storages'> },
): Finding[] {
  const silent = new Set(facts.storages.flatMap(({ name, unreachable }) => (unreachable === null ? [] : [name])));
  const seen = new Set(findings.map(findingKey));
  return before.filter(
    (finding) =>
      finding.storage !== null &&
      silent.has(finding.storage) &&
      !judgedHere.has(finding.code) &&
      !seen.has(findingKey(finding)),
  );
}
