import type { Clock } from '../../base/clock.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { patiently } from '../../catalog/patiently.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Alerts } from '../alerts/alerts.ts';
import type { Source } from '../source.ts';
import type { Finding } from '../alerts/finding.ts';
import { carryOver } from './carry-over.ts';
import { monitor, type MonitorResult } from './monitor.ts';
import type { MonitorRules, SourceSchedule } from './settings.ts';

/** The parts of the house a check needs. */
export interface CheckedHouse {
  readonly catalog: Catalog;
  readonly storages: readonly Storage[];
  readonly alerts: Pick<Alerts, 'report' | 'problems'>;
  readonly clock: Clock;
  readonly monitor: MonitorRules;
  readonly schedules: readonly SourceSchedule[];
  readonly loaded: { readonly config: { readonly state: string } };
  findSources(signal: AbortSignal): Promise<readonly Source[]>;
}

/**
 * A complete check of everything that is configured: looks, remembers that it did, and hands what it found to the alerts,
 * which tell what is new and what is over. For the daemon's plan; `check` of all sources does the same.
 */
export async function runCheck(house: CheckedHouse, signal: AbortSignal): Promise<MonitorResult> {
  const result = await lookAround(house, await house.findSources(signal), house.storages, signal);
  const kept = carryOver(lastFindings(house.catalog), result);
  const told = [...result.findings, ...kept];
  // That alerts do not arrive cannot be told by an alert.
  const news = told.filter(({ code }) => !code.startsWith('ALERT_'));
  await patiently(house.catalog, () => house.alerts.report(news), { signal });
  const at = house.clock.now().toISOString();
  try {
    const { status, findings } = result;
    const mark = { name: checkMark, lastAttempt: at, lastGood: at, detail: { status, findings, kept } };
    await patiently(house.catalog, () => house.catalog.marks.put(mark), { signal });
  } catch {
    // A state that cannot be written is among the findings.
  }
  return result;
}

/** Where the last look and what it found are kept. */
export const checkMark = 'check';

function lastFindings({ marks }: Catalog): Finding[] {
  const detail = marks.get(checkMark)?.detail as { findings?: Finding[]; kept?: Finding[] } | null | undefined;
  return [...(detail?.findings ?? []), ...(detail?.kept ?? [])];
}

/** Looks at some of it and tells nobody. */
export function lookAround(
  { catalog, alerts, clock, monitor: rules, schedules, loaded }: CheckedHouse,
  sources: readonly Source[],
  storages: readonly Storage[],
  signal: AbortSignal,
): Promise<MonitorResult> {
  const state = loaded.config.state;
  const alertsProblems = alerts.problems();
  return monitor({ sources, storages, catalog, clock, rules, schedules, state, signal, alertsProblems });
}
