import type { Catalog, IncidentRecord, Operation, RunRecord } from '../../catalog/catalog.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { cleaned, findingGone, problemOfFinding, type Item } from './messages.ts';
import { findingKey, type Finding } from './finding.ts';
import { causeOf, isCalm, note, noteGood, wasSeenBy, type Problem, type Texts } from './incident-policy.ts';
import { resultOf, type PlaceOf } from './run-facts.ts';
import { newsOfRun, overByState, type RunContext, type RunNews } from './run-news.ts';
import { busyCodes } from '../../catalog/turned-away.ts';

export interface IncidentParts {
  catalog: Catalog;
  clock: Clock;
  instance: string;
  timezone: string;
  placeOf: PlaceOf;
  logger: Logger;
  /** When the scheduler repeats work of this kind that has failed; null when it does not. */
  retryAt(operation: Operation, source: string): Date | null;
}

const day = 24 * 3_600_000;
const scheduled = new Set(['schedule', 'missed', 'retry', 'start']);

/** Notes in the catalog what ended runs mean. Returns the successes, for those who want to hear of each. To be called in a transaction. */
export function noteRuns(runs: readonly RunRecord[], parts: IncidentParts): Item[] {
  const successes = runs.flatMap((run) => {
    try {
      return noteRun(run, parts);
    } catch (error) {
      // One that cannot be understood must not keep all later ones from being told.
      parts.logger.log('error', `nobody was told of the run ${run.id}: ${(error as Error).message}`);
      return [];
    }
  });
  noteOverByState(runs, parts);
  return successes;
}

/** Findings of a complete check: what is not among them any more is good again. To be called in a transaction. */
export function noteFindings(findings: readonly Finding[], parts: IncidentParts): void {
  const { catalog, clock } = parts;
  const now = clock.now();
  const told = problemsOfRuns(parts);
  const isNews = (finding: Finding) => catalog.incidents.get(findingKey(finding)) !== null || !isToldBy(told, finding);
  const problems = findings.filter(isNews).map(problemOfFinding);
  for (const problem of problems) putProblem(problem, parts);
  const seen = new Set(problems.map(({ key }) => key));
  for (const incident of catalog.incidents.open()) {
    if (wasSeenBy(incident) === 'check' && !seen.has(incident.key))
      catalog.incidents.put(noteGood(incident, findingGone(incident), now));
  }
}

function noteRun(run: RunRecord, parts: IncidentParts): Item[] {
  const { clock } = parts;
  const news = newsOfRun(run, contextOf(run, parts));
  for (const problem of news.problems) putProblem(problem, parts);
  for (const { key, texts } of news.good) putGood(key, texts, parts);
  // What was not looked at for a day is history, not news.
  const isOld = clock.now().getTime() - new Date(run.finishedAt ?? run.startedAt).getTime() > day;
  if (news.success === null || isOld) return [];
  return [{ kind: 'success', severity: 'info', weight: 'info', source: run.source, texts: news.success }];
}

const looksBack = 20;

/** One of some parts says nothing about the rest. */
function isWholeRun(result: unknown): boolean {
  return ((result as { only?: unknown } | null)?.only ?? null) === null;
}

function contextOf(run: RunRecord, parts: IncidentParts): RunContext {
  const { catalog, clock, instance, timezone, placeOf } = parts;
  const source = run.source ?? '';
  const lastGood = (['succeeded', 'partial'] as const)
    .flatMap((state) => catalog.runs.list({ source, operation: 'backup', state, limit: looksBack }))
    .filter(({ id, result }) => id !== run.id && isWholeRun(result))
    .toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  return {
    now: clock.now(),
    instance,
    timezone,
    placeOf,
    lastGood: lastGood[0] ?? null,
    failures: (catalog.incidents.get(`${run.operation}-failed/${source}`)?.times ?? 0) + 1,
    owed: catalog.copies.list({ source }),
    retryInMs: retryInMs(run, parts),
  };
}

/** How soon it is tried again; null when it is not. The scheduler repeats only what it has started itself. */
export function retryInMs(
  { source, operation, trigger }: RunRecord,
  { clock, retryAt }: Pick<IncidentParts, 'clock' | 'retryAt'>,
): number | null {
  if (source === null || !scheduled.has(trigger)) return null;
  const at = retryAt(operation, source);
  return at === null ? null : Math.max(0, at.getTime() - clock.now().getTime());
}

function putProblem(problem: Problem, { catalog, clock }: IncidentParts): void {
  const { key, source } = problem;
  const open = catalog.incidents.get(key);
  // That somebody else is at work on it is neither better nor worse than what is known already.
  if (open && busyCodes.has(problem.cause)) return;
  const last = open ? null : lastWith(key, source, catalog);
  const texts = cleaned(problem.texts);
  catalog.incidents.put(note({ ...problem, texts }, { open, last, now: clock.now() }));
}

function putGood(key: string, texts: Texts, { catalog, clock }: IncidentParts): void {
  const open = catalog.incidents.get(key);
  if (open) catalog.incidents.put(noteGood(open, cleaned(texts), clock.now()));
}

function lastWith(key: string, source: string | null, { incidents }: Catalog): IncidentRecord | null {
  const recent = incidents.list({ ...(source === null ? {} : { source }), limit: 100 });
  return recent.find((incident) => incident.key === key) ?? null;
}

function noteOverByState(runs: readonly RunRecord[], { catalog, clock }: IncidentParts): void {
  const ended = Map.groupBy(runs, ({ source }) => source);
  if (ended.size === 0) return;
  for (const incident of catalog.incidents.open()) {
    const { source } = incident;
    if (wasSeenBy(incident) !== 'run' || isCalm(incident) || source === null) continue;
    const texts = overByState(incident, {
      owed: () => catalog.copies.list({ source }),
      removed: () => (ended.get(source) ?? []).flatMap((run) => removedBy(run, incident, catalog)),
    });
    if (texts) catalog.incidents.put(noteGood(incident, cleaned(texts), clock.now()));
  }
}

/** Backups that a run has taken away; one that still lies in the storage of the incident is not gone. */
function removedBy(run: RunRecord, { key, source }: IncidentRecord, catalog: Catalog): string[] {
  const storage = key.split('/')[2] ?? '';
  const { removed = [] } = resultOf(run);
  const ids = run.operation === 'delete' && run.state === 'succeeded' && run.backup !== null ? [run.backup] : removed;
  if (!Array.isArray(ids) || ids.length === 0) return [];
  const there = new Set(catalog.backups.list(storage, source ?? '').map(({ id }) => id));
  return ids.filter((id) => !there.has(id));
}

type Told = Pick<Problem, 'severity' | 'cause'>;

/** What is the matter by what runs say, also those that ended and that nobody has looked at yet. By key. */
function problemsOfRuns(parts: IncidentParts): ReadonlyMap<string, Told> {
  const { incidents, runs } = parts.catalog;
  const open = incidents.open().filter((incident) => !isCalm(incident));
  const told = new Map<string, Told>(open.map((incident) => [incident.key, { ...incident, cause: causeOf(incident) }]));
  for (const run of runs.unnoticed()) {
    const { problems, good } = newsOfUnnoticed(run, parts);
    for (const problem of problems)
      if (!told.has(problem.key) || !busyCodes.has(problem.cause)) told.set(problem.key, problem);
    for (const { key } of good) told.delete(key);
  }
  return told;
}

function newsOfUnnoticed(run: RunRecord, parts: IncidentParts): Pick<RunNews, 'problems' | 'good'> {
  try {
    return newsOfRun(run, contextOf(run, parts));
  } catch {
    // Told once it is looked at.
    return { problems: [], good: [] };
  }
}

/** A failure that is told when it happens is not told again because a check sees it, too; that it got worse is. */
function isToldBy(told: ReadonlyMap<string, Told>, { code, source, storage, severity }: Finding): boolean {
  const keys: Partial<Record<string, string>> = {
    BACKUP_FAILED: `backup-failed/${source}`,
    NO_BACKUP: `backup-failed/${source}`,
    COPY_PENDING: `copy-failed/${source}/${storage}`,
    COPY_MISSING: `copy-failed/${source}/${storage}`,
    DRILL_FAILED: `drill-failed/${source}`,
    VERIFY_FAILED: `verify-failed/${source}`,
    RETENTION_FAILED: `prune-failed/${source}`,
    BACKUP_DAMAGED: `damaged/${source}/${storage}/`,
  };
  const failed = `backup-failed/${source}`;
  const key = keys[code] ?? (told.get(failed)?.cause === code ? failed : undefined);
  if (key === undefined) return false;
  const isIt = (known: string) => (key.endsWith('/') ? known.startsWith(key) : known === key);
  return [...told].some(([known, by]) => isIt(known) && (severity === 'warning' || by.severity === severity));
}
