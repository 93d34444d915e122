import type { Finding } from '../../alerts/finding.ts';
import type { Facts } from '../facts.ts';
import { backupRules } from './backups.ts';
import { copyRules } from './copies.ts';
import { installationRules } from './installation.ts';
import { proofRules } from './proofs.ts';
import { runRules } from './runs.ts';
import { sizeRules } from './sizes.ts';
import { storageRules } from './storage.ts';

/** Everything all rules find; critical first, otherwise in the order of storages, sources and rules. */
export function applyRules(facts: Facts): Finding[] {
  const sourceRules = [...backupRules, ...runRules, ...copyRules, ...proofRules, ...sizeRules];
  const findings = [
    ...installationRules.flatMap((rule) => rule(facts)),
    ...facts.sources.flatMap((source) => sourceRules.flatMap((rule) => rule(source, facts.now))),
    ...facts.storages.flatMap((storage) => storageRules.flatMap((rule) => rule(storage, facts))),
  ];
  return worstFirst(findings);
}

export function worstFirst(findings: readonly Finding[]): Finding[] {
  return [
    ...findings.filter(({ severity }) => severity === 'critical'),
    ...findings.filter(({ severity }) => severity === 'warning'),
  ];
}
