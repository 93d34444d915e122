import type { MarkRecord } from '../../catalog/catalog.ts';
import type { MetricFacts } from './facts.ts';
import type { MetricName } from './names.ts';

export interface Sample {
  name: MetricName;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/**
 * What is told, number by number. Labels have names of the configuration as values, so their number is bounded; what is left
 * over from sources and storages that are no longer configured is not told. What never happened has no sample.
 */
export function measure(facts: MetricFacts): Sample[] {
  return [...ofDaemon(facts), ...ofRuns(facts), ...ofBackups(facts), ...ofProofs(facts), ...ofAlerts(facts)];
}

function* ofDaemon({ ok, version, instance, now, tickAt, nextRuns, process }: MetricFacts): Iterable<Sample> {
  yield sample('holdfast_up', {}, ok ? 1 : 0);
  yield sample('holdfast_info', { version, instance }, 1);
  yield sample('holdfast_scheduler_tick_timestamp_seconds', {}, seconds(tickAt));
  yield sample('holdfast_runs_waiting', {}, nextRuns.filter(({ at }) => at <= now).length);
  for (const { plan, at } of nextRuns) yield sample('holdfast_next_run_timestamp_seconds', { plan }, seconds(at));
  yield sample('process_cpu_seconds_total', {}, process.cpuSeconds);
  yield sample('process_resident_memory_bytes', {}, process.residentBytes);
  yield sample('process_start_time_seconds', {}, seconds(process.startedAt));
  yield sample('nodejs_heap_used_bytes', {}, process.heapBytes);
}

function* ofRuns({ figures, sources }: MetricFacts): Iterable<Sample> {
  for (const { operation, count } of figures.running) yield sample('holdfast_runs_running', { operation }, count);
  for (const { operation, state, count } of figures.runTotals)
    yield sample('holdfast_runs_total', { operation, state }, count);
  const known = knownNames(sources);
  for (const { source, operation, startedAt, ended, succeeded } of figures.latestRuns) {
    if (source !== null && !known.has(source)) continue;
    const labels = { source: source ?? '', operation };
    yield sample('holdfast_last_attempt_timestamp_seconds', labels, seconds(startedAt));
    if (ended) {
      yield sample('holdfast_last_run_timestamp_seconds', { ...labels, state: ended.state }, seconds(ended.at));
      yield sample('holdfast_last_run_ok', labels, ended.state === 'succeeded' ? 1 : 0);
    }
    if (succeeded) {
      yield sample('holdfast_last_success_timestamp_seconds', labels, seconds(succeeded.at));
      yield sample('holdfast_last_success_duration_seconds', labels, succeeded.seconds);
    }
  }
}

function* ofBackups({ figures, sources }: MetricFacts): Iterable<Sample> {
  const known = knownNames(sources);
  for (const { source, startedAt, bytes, rawBytes } of figures.newestBackups) {
    if (!known.has(source)) continue;
    yield sample('holdfast_newest_backup_timestamp_seconds', { source }, seconds(startedAt));
    yield sample('holdfast_newest_backup_stored_bytes', { source }, bytes);
    if (rawBytes !== null) yield sample('holdfast_newest_backup_raw_bytes', { source }, rawBytes);
  }
  const stored = new Map(figures.stored.map((each) => [place(each.source, each.storage), each]));
  const pending = new Map(figures.pendingCopies.map((each) => [place(each.source, each.storage), each.count]));
  // From the configuration, not from what there is: a source without any backup must show as zero.
  for (const { name: source, storages } of sources) {
    for (const storage of storages) {
      const labels = { source, storage };
      const found = stored.get(place(source, storage));
      yield sample('holdfast_backups', labels, found?.backups ?? 0);
      yield sample('holdfast_backups_damaged', labels, found?.damaged ?? 0);
      yield sample('holdfast_stored_bytes', labels, found?.bytes ?? 0);
      yield sample('holdfast_copies_pending', labels, pending.get(place(source, storage)) ?? 0);
    }
  }
}

function* ofProofs({ figures, sources }: MetricFacts): Iterable<Sample> {
  const known = new Map(sources.map(({ name, storages }) => [name, storages]));
  const failed = figures.failedVerifications.filter(({ source, storage }) => known.get(source)?.includes(storage));
  const withFailed = new Set(failed.map(({ source }) => source));
  for (const { kind, source, at, ok, seconds: took } of figures.latestProofs) {
    if (!known.has(source)) continue;
    yield sample(`holdfast_last_${kind}_timestamp_seconds`, { source }, seconds(at));
    // A drill proves the source, as it is now; a verification one copy, which another one does not make whole.
    const allWell = kind === 'drill' ? ok : !withFailed.has(source);
    yield sample(`holdfast_last_${kind}_ok`, { source }, allWell ? 1 : 0);
    if (kind === 'drill') yield sample('holdfast_last_drill_duration_seconds', { source }, took);
  }
}

function* ofAlerts({ figures, check, sources }: MetricFacts): Iterable<Sample> {
  if (check?.lastGood) {
    yield sample('holdfast_last_check_timestamp_seconds', {}, seconds(check.lastGood));
    yield* findingsOf(check, sources);
  }
  for (const severity of ['critical', 'warning']) {
    const count = figures.openIncidents.find((each) => each.severity === severity)?.count ?? 0;
    yield sample('holdfast_incidents_open', { severity }, count);
  }
  for (const { channel, state, count } of figures.deliveries)
    yield sample('holdfast_deliveries', { channel, state }, count);
}

/** Zeros too, so that a rule sees a finding go; the source is empty for what concerns all of them. */
function* findingsOf({ detail }: MarkRecord, sources: MetricFacts['sources']): Iterable<Sample> {
  const counts = new Map<string, number>();
  for (const { source, severity } of readFindings(detail)) {
    const key = place(source ?? '', severity);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const source of ['', ...sources.map(({ name }) => name)])
    for (const severity of ['critical', 'warning'])
      yield sample('holdfast_findings', { source, severity }, counts.get(place(source, severity)) ?? 0);
}

function readFindings(detail: unknown): { source: string | null; severity: string }[] {
  const found = (detail ?? {}) as { findings?: unknown };
  return Array.isArray(found.findings) ? (found.findings as { source: string | null; severity: string }[]) : [];
}

function knownNames(sources: MetricFacts['sources']): ReadonlySet<string> {
  return new Set(sources.map(({ name }) => name));
}

function place(source: string, storage: string): string {
  return `${source}/${storage}`;
}

function sample(name: MetricName, labels: Sample['labels'], value: number): Sample {
  return { name, labels, value };
}

function seconds(at: Date | string): number {
  return (typeof at === 'string' ? Date.parse(at) : at.getTime()) / 1000;
}
