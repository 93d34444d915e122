import type { Finding } from '../alerts/finding.ts';
import type { Facts } from './facts.ts';
import { gatherFacts, type GatherTask } from './gather.ts';
import { applyRules, worstFirst } from './rules/index.ts';

export interface MonitorTask extends GatherTask {
  /** Alerts that could not be delivered. */
  readonly alertsProblems?: readonly Finding[];
}

export type MonitorStatus = 'ok' | 'warning' | 'critical';

export interface MonitorResult {
  readonly status: MonitorStatus;
  /** Critical ones first. */
  readonly findings: readonly Finding[];
  /** What they were found in. */
  readonly facts: Facts;
}

/** Gathers the facts, then asks the rules. */
export async function monitor({ alertsProblems = [], ...task }: MonitorTask): Promise<MonitorResult> {
  const facts = await gatherFacts(task);
  const findings = worstFirst([...applyRules(facts), ...alertsProblems]);
  return { status: statusOf(findings), findings, facts };
}

export function statusOf(findings: readonly Finding[]): MonitorStatus {
  if (findings.some(({ severity }) => severity === 'critical')) return 'critical';
  return findings.length > 0 ? 'warning' : 'ok';
}
