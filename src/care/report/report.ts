import type { Clock } from '../../base/clock.ts';
import type { Catalog, RunRecord } from '../../catalog/catalog.ts';
import type { Finding } from '../alerts/finding.ts';
import { goodBackups, type Facts, type GoodBackup, type SourceFacts } from '../monitor/facts.ts';
import { median } from '../monitor/median.ts';
import { lookAround, type CheckedHouse } from '../monitor/run-check.ts';
import type { MonitorStatus } from '../monitor/monitor.ts';
import type { Source } from '../source.ts';
import type { Storage } from '../../storage/storage.ts';
import { settingsOf, type ReportedPlan, type Setting } from './report-settings.ts';
import { wasTurnedAway } from '../../catalog/turned-away.ts';

/** How things stand, for people: everything a report says, before it is a text or a page. */
export interface Report {
  readonly at: string;
  readonly instance: string;
  readonly timezone: string;
  readonly version: string;
  readonly status: MonitorStatus;
  readonly findings: readonly Finding[];
  readonly sources: readonly SourceReport[];
  readonly storages: readonly StorageReport[];
  /** Backups counted once each; bytes of all their copies. */
  readonly total: { readonly backups: number; readonly bytes: number };
  /** The last that ended, newest first. */
  readonly runs: readonly RunReport[];
}

export interface SourceReport {
  readonly source: string;
  readonly database: string;
  readonly newest: {
    readonly id: string;
    readonly at: string;
    readonly bytes: number;
    readonly durationMs: number;
  } | null;
  /** In the past when it is overdue; null without a schedule. */
  readonly nextDue: string | null;
  readonly backups: number;
  /** Stored copies that cannot be relied on. */
  readonly damaged: number;
  /** Of all copies in all storages, damaged ones included. */
  readonly bytes: number;
  readonly copies: readonly {
    readonly storage: string;
    readonly backups: number;
    readonly bytes: number;
    readonly newest: string | null;
  }[];
  /** Runs of backups that ended within the last 30 days, cancelled ones left out; each day oldest first. */
  readonly last30Days: {
    readonly runs: number;
    readonly good: number;
    readonly days: readonly { readonly day: string; readonly good: number; readonly failed: number }[];
  };
  readonly durations: { readonly medianMs: number; readonly longestMs: number } | null;
  /** Oldest first. */
  readonly sizes: readonly { readonly id: string; readonly at: string; readonly bytes: number }[];
  readonly verified: ProofReport | null;
  readonly drilled: ProofReport | null;
  readonly settings: readonly Setting[];
}

export interface ProofReport {
  readonly id: string;
  readonly storage: string;
  readonly at: string;
  readonly ok: boolean;
  readonly depth: string | null;
  readonly seconds: number;
}

export interface StorageReport {
  readonly storage: string;
  readonly title: string;
  readonly answers: boolean;
  readonly backups: number;
  readonly bytes: number;
  readonly free: number | null;
  readonly total: number | null;
}

export type RunReport = Pick<
  RunRecord,
  'id' | 'operation' | 'source' | 'state' | 'trigger' | 'startedAt' | 'finishedAt' | 'error'
>;

/** The parts of the house a report needs. */
export interface ReportedHouse extends CheckedHouse {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly instance: string;
  readonly timezone: string;
  readonly version: string;
  readonly plans: { readonly all: readonly ReportedPlan[] };
}

const dayMs = 86_400_000;
const days = 30;
const mostSizes = 90;
/** More ended within 30 days is possible, but says nothing new. */
const mostRuns = 5000;
const listedRuns = 20;

/** Looks at everything, or at one source, and puts together what there is to say about it. */
export async function makeReport(house: ReportedHouse, signal: AbortSignal, only?: Source): Promise<Report> {
  const sources = only ? [only] : await house.findSources(signal);
  const storages: readonly Storage[] = only?.storages ?? house.storages;
  const { status, findings, facts } = await lookAround(house, sources, storages, signal);
  const { instance, timezone, version } = house;
  const reports = facts.sources.map((known) => {
    const source = sources.find(({ name }) => name === known.name);
    return sourceReport(known, facts.now, house, source);
  });
  return {
    at: facts.now.toISOString(),
    instance,
    timezone,
    version,
    status,
    findings,
    sources: reports,
    storages: storageReports(facts),
    total: { backups: sum(reports.map(({ backups }) => backups)), bytes: sum(reports.map(({ bytes }) => bytes)) },
    runs: lastRuns(house.catalog, only?.name),
  };
}

function sourceReport(known: SourceFacts, now: Date, house: ReportedHouse, source: Source | undefined): SourceReport {
  const good = goodBackups(known, now);
  const newest = good.at(-1);
  const runs = house.catalog.runs.list({ source: known.name, operation: 'backup', limit: mostRuns });
  const durations = good.slice(-days).map(({ durationMs }) => durationMs);
  return {
    source: known.name,
    database: known.database.title,
    newest: newest
      ? { id: newest.id, at: newest.at.toISOString(), bytes: newest.bytes, durationMs: newest.durationMs }
      : null,
    nextDue: known.schedule?.nextAfter(newest?.at ?? now)?.toISOString() ?? null,
    backups: good.length,
    damaged: known.copies.filter(({ ok, row }) => !ok && row.state !== 'unreadable').length,
    bytes: sum(known.copies.map(({ row }) => row.facts?.bytes ?? 0)),
    copies: known.storages.map(({ name }) => placeReport(name, known, good)),
    last30Days: lastDays(runs, now),
    durations: durations.length === 0 ? null : { medianMs: median(durations) ?? 0, longestMs: Math.max(...durations) },
    sizes: good.slice(-mostSizes).map(({ id, at, bytes }) => ({ id, at: at.toISOString(), bytes })),
    verified: newestProof(known, 'verify'),
    drilled: newestProof(known, 'drill'),
    settings: source ? settingsOf(source, known, house.plans.all) : [],
  };
}

function placeReport(storage: string, { copies }: SourceFacts, good: readonly GoodBackup[]) {
  const here = copies.filter(({ row }) => row.storage === storage);
  const whole = new Set(here.filter(({ ok }) => ok).map(({ row }) => row.id));
  return {
    storage,
    backups: here.length,
    bytes: sum(here.map(({ row }) => row.facts?.bytes ?? 0)),
    newest: good.findLast(({ id }) => whole.has(id))?.id ?? null,
  };
}

/** Exact: sums of bytes, rounded only where they are shown (J-d7). */
function storageReports({ storages, sources }: Facts): StorageReport[] {
  return storages.map(({ name, title, unreachable, free }) => {
    const here = sources.flatMap(({ copies }) => copies.filter(({ row }) => row.storage === name));
    return {
      storage: name,
      title,
      answers: unreachable === null,
      backups: here.length,
      bytes: sum(here.map(({ row }) => row.facts?.bytes ?? 0)),
      free: free?.bytes ?? null,
      total: free?.total ?? null,
    };
  });
}

function lastDays(runs: readonly RunRecord[], now: Date): SourceReport['last30Days'] {
  const midnight = Math.floor(now.getTime() / dayMs) * dayMs;
  const byDay = Array.from({ length: days }, (_, at) => ({
    day: new Date(midnight - (days - 1 - at) * dayMs).toISOString().slice(0, 10),
    good: 0,
    failed: 0,
  }));
  const known = new Map(byDay.map((day) => [day.day, day]));
  for (const run of runs) {
    const { state, startedAt } = run;
    const day = wasTurnedAway(run) ? undefined : known.get(startedAt.slice(0, 10));
    if (day && (state === 'succeeded' || state === 'partial')) day.good += 1;
    if (day && state === 'failed') day.failed += 1;
  }
  const good = sum(byDay.map((day) => day.good));
  return { runs: good + sum(byDay.map(({ failed }) => failed)), good, days: byDay };
}

/** Of verifications that passed the deepest counts, which a later shallow one does not undo. */
function newestProof({ proofs }: SourceFacts, kind: 'verify' | 'drill'): ProofReport | null {
  const byAge = proofs.filter((proof) => proof.kind === kind).toSorted((a, b) => (a.at < b.at ? 1 : -1));
  const deepest = byAge[0]?.ok ? byAge.find(({ ok, depth }) => ok && depth === 'structure') : undefined;
  const newest = deepest ?? byAge[0];
  if (!newest) return null;
  const { backup: id, storage, at, ok, depth, seconds } = newest;
  return { id, storage, at, ok, depth, seconds };
}

function lastRuns(catalog: Catalog, source: string | undefined): RunReport[] {
  return catalog.runs
    .list({ ...(source === undefined ? {} : { source }), limit: 2 * listedRuns })
    .filter(({ finishedAt }) => finishedAt !== null)
    .slice(0, listedRuns)
    .map(({ id, operation, source: of, state, trigger, startedAt, finishedAt, error }) => {
      return { id, operation, source: of, state, trigger, startedAt, finishedAt, error };
    });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
