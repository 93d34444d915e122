import type { CopyRecord, IncidentRecord, RunRecord } from '../../catalog/catalog.ts';
import type { Problem, Texts } from './incident-policy.ts';
import { incidentKey } from './incident-kinds.ts';
import { resultOf } from './run-facts.ts';
import * as texts from './run-texts.ts';
import { wasTurnedAway } from '../../catalog/turned-away.ts';

/** What the end of a run means for incidents. */
export interface RunNews {
  problems: Problem[];
  /** Incidents that it ends, by key, with what is said then. */
  good: { key: string; texts: Texts }[];
  /** For those who want to hear of every success. */
  success: Texts | null;
}

export interface RunContext extends texts.Around {
  /** What the source still owes to its storages. */
  owed: readonly CopyRecord[];
  /** A retry of it comes so soon; null when none does. */
  retryInMs: number | null;
}

const hour = 3_600_000;
/** After the delay of the scheduler, until the retry has begun and its end was seen. */
const retryGraceMs = 10 * 60_000;

/** Pure: a run that has ended, and what is known around it. */
export function newsOfRun(run: RunRecord, context: RunContext): RunNews {
  const nothing: RunNews = { problems: [], good: [], success: null };
  // Stopped by a person or with the program: they know, and what was due is caught up with.
  if (run.state === 'cancelled' || run.finishedAt === null) return nothing;
  const { source } = run;
  if (source === null) return { ...nothing, ...otherNews(run, context) };
  switch (run.operation) {
    case 'backup':
      return backupNews(run, source, context);
    case 'verify':
      return verifyNews(run, source, context);
    case 'drill':
      return plainNews(run, context, {
        key: incidentKey('drill-failed', source),
        failed: texts.drillFailed,
        good: texts.drillGood,
        says: 'drill passes again',
      });
    case 'restore': {
      const news = plainNews(run, context, {
        key: incidentKey('restore-failed', source),
        failed: texts.restoreFailed,
        good: texts.otherGood,
        says: 'restore worked now',
      });
      return { ...news, problems: news.problems.map((problem) => ({ ...problem, lasting: false })) };
    }
    case 'copy':
      return copyNews(run, source, context);
    case 'prune':
      return wasTurnedAway(run) ? nothing : pruneNews(run, source, context);
    default:
      return { ...nothing, ...otherNews(run, context) };
  }
}

/** Incidents that are over because of how things are, whatever run brought it about. */
export function overByState(
  { key }: IncidentRecord,
  { owed, removed }: { owed: () => readonly CopyRecord[]; removed: () => readonly string[] },
): Texts | null {
  const [kind, source = '', storage = '', id] = key.split('/');
  if (kind === 'copy-failed' && storage !== '')
    return owed().some((copy) => copy.storage === storage) ? null : texts.copiesGood(source, storage);
  if (kind === 'damaged' && id !== undefined && removed().includes(id)) return texts.damagedGone(source, storage, id);
  return null;
}

function backupNews(run: RunRecord, source: string, context: RunContext): RunNews {
  if (run.state === 'failed') {
    const problem = problemOf(run, source, {
      key: incidentKey('backup-failed', source),
      texts: texts.backupFailed(run, context),
    });
    return { problems: [soften(problem, run, context)], good: [], success: null };
  }
  const again = texts.backupGood(run, context);
  const copies = failedCopies(run);
  const { failed = [] } = resultOf(run);
  const incomplete = run.state === 'partial' && (copies.length === 0 || failed.length > 0);
  const partial = {
    ...problemOf(run, source, {
      key: incidentKey('backup-partial', source),
      texts: texts.backupIncomplete(run, context),
    }),
    severity: 'warning' as const,
  };
  return {
    problems: [...copies.map((storage) => owedCopy(run, storage, source, context)), ...(incomplete ? [partial] : [])],
    good: [
      { key: incidentKey('backup-failed', source), texts: { ...again, title: `backup of ${source} works again` } },
      ...(incomplete ? [] : [{ key: incidentKey('backup-partial', source), texts: again }]),
    ],
    success: run.state === 'succeeded' ? again : null,
  };
}

function verifyNews(run: RunRecord, source: string, context: RunContext): RunNews {
  const { storage = '' } = resultOf(run);
  const key = incidentKey('damaged', source, storage, String(run.backup));
  const undone = incidentKey('verify-failed', source);
  if (run.error !== null) {
    if (wasTurnedAway(run)) return none();
    const problem = problemOf(run, source, { key: undone, texts: texts.verifyImpossible(run, context) });
    return { problems: [soften({ ...problem, severity: 'warning' }, run, context)], good: [], success: null };
  }
  const good = [{ key: undone, texts: texts.whole(run, context) }];
  if (run.state === 'failed') {
    return { problems: [problemOf(run, source, { key, texts: texts.damaged(run, context) })], good, success: null };
  }
  return {
    problems: [],
    good: [...good, { key, texts: texts.whole(run, context) }],
    success: texts.whole(run, context),
  };
}

function copyNews(run: RunRecord, source: string, context: RunContext): RunNews {
  const key = incidentKey('copy-broken', source);
  if (run.state === 'failed') {
    const problem = problemOf(run, source, { key, texts: texts.copyBroken(run, context) });
    return wasTurnedAway(run) ? none() : { problems: [{ ...problem, severity: 'warning' }], good: [], success: null };
  }
  const pending = [...new Set(context.owed.filter(({ attempts }) => attempts > 0).map(({ storage }) => storage))];
  return {
    problems: run.state === 'partial' ? pending.map((storage) => owedCopy(run, storage, source, context)) : [],
    good: [{ key, texts: texts.otherGood(run, context) }],
    success: run.state === 'succeeded' ? texts.otherGood(run, context) : null,
  };
}

function pruneNews(run: RunRecord, source: string, context: RunContext): RunNews {
  const news = plainNews(run, context, {
    key: incidentKey('prune-failed', source),
    failed: texts.pruneFailed,
    good: texts.otherGood,
    says: 'pruning works again',
  });
  return { ...news, problems: news.problems.map((problem) => ({ ...problem, severity: 'warning' })), success: null };
}

/** Work that a person has just asked for at a terminal and watched fail is no news to anybody. */
function otherNews(run: RunRecord, context: RunContext): Partial<RunNews> {
  const byHand = ['manual', 'console', 'undo', 'import'].includes(run.trigger);
  if (run.state !== 'failed' || byHand || wasTurnedAway(run)) return {};
  const key = incidentKey(`${run.operation}-failed`, run.source);
  const problem = problemOf(run, run.source, { key, texts: texts.otherFailed(run, context) });
  return { problems: [{ ...problem, severity: 'warning', lasting: false }] };
}

interface Plain {
  key: string;
  failed: (run: RunRecord, around: texts.Around) => Texts;
  good: (run: RunRecord, around: texts.Around) => Texts;
  says: string;
}

function plainNews(run: RunRecord, context: RunContext, { key, failed, good, says }: Plain): RunNews {
  const { source } = run;
  if (run.state === 'failed') {
    if (wasTurnedAway(run)) return none();
    const problem = problemOf(run, source, { key, texts: failed(run, context) });
    return { problems: [soften(problem, run, context)], good: [], success: null };
  }
  const success = good(run, context);
  return { problems: [], good: [{ key, texts: { ...success, title: `${source}: ${says}` } }], success };
}

function problemOf(
  run: RunRecord,
  source: string | null,
  { key, texts: said }: { key: string; texts: Texts },
): Problem {
  const cause = run.error?.code ?? run.state;
  return { key, severity: 'critical', source, cause, seenBy: 'run', holdMs: 0, lasting: true, texts: said };
}

function owedCopy(run: RunRecord, storage: string, source: string, context: RunContext): Problem {
  const last = context.owed.findLast((copy) => copy.storage === storage)?.lastError;
  return {
    ...problemOf(run, source, {
      key: incidentKey('copy-failed', source, storage),
      texts: texts.copyFailed(run, storage, context.owed, context),
    }),
    severity: 'warning',
    cause: last?.code ?? 'pending',
  };
}

/** Who is woken for what a retry mends in five minutes will not get up the next time. */
function soften(problem: Problem, run: RunRecord, { retryInMs }: RunContext): Problem {
  if (wasTurnedAway(run)) return { ...problem, severity: 'warning', holdMs: 6 * hour };
  return retryInMs === null ? problem : { ...problem, holdMs: retryInMs + retryGraceMs };
}

function failedCopies(run: RunRecord): string[] {
  const { copies = {} } = resultOf(run);
  return Object.keys(copies).filter((storage) => copies[storage] === 'pending');
}

function none(): RunNews {
  return { problems: [], good: [], success: null };
}
