import { formatBytes, formatCount, formatDuration } from '../../base/units.ts';
import type { CopyRecord, RunRecord } from '../../catalog/catalog.ts';
import { describeMismatches } from '../proof/compare.ts';
import type { Texts } from './incident-policy.ts';
import { durationOf, listFacts, resultOf, runFacts, type PlaceOf, type RunResult } from './run-facts.ts';

/** What is known beside the run itself. */
export interface Around {
  now: Date;
  instance: string;
  timezone: string;
  placeOf: PlaceOf;
  /** The newest run that left a backup of the same source. */
  lastGood: RunRecord | null;
  /** How often it has failed in a row, this time included. */
  failures: number;
}

// One file, so that they sound alike. Somebody reads them at three in the morning: what happened, what it means for the data,
// what to do.

export function backupFailed(run: RunRecord, around: Around): Texts {
  const { source } = run;
  return {
    ...frame(run, around),
    title: `backup of ${source} failed`,
    what: `The backup that began at ${moment(run.startedAt, around)} failed${after(run)}: ${errorOf(run)}.${tries(around)}`,
    meaning: protection(run, around),
    todo: [
      ...hintOf(run),
      `See what happened: holdfast logs ${run.id}`,
      `When it is mended, take a backup: holdfast backup ${source}`,
    ],
  };
}

export function backupIncomplete(run: RunRecord, around: Around): Texts {
  return {
    ...frame(run, around),
    title: `backup of ${run.source} is incomplete`,
    what: `Backup ${run.backup} was stored, but a part of it failed${failedParts(run)}.`,
    meaning: 'What was stored is whole and can be restored; the part that failed is not in it.',
    todo: [`See which part: holdfast logs ${run.id}`],
  };
}

function failedParts(run: RunRecord): string {
  const { failed = [] } = resultOf(run);
  return failed.length === 0 ? '' : `: ${failed.map(({ part, message }) => `${part} (${message})`).join(', ')}`;
}

export function backupGood(run: RunRecord, around: Around): Texts {
  const { tables, records, bytes } = runFacts(run, around.placeOf);
  const stored = [
    tables === null ? null : formatCount(tables, 'table'),
    records === null ? null : formatCount(records, 'record'),
    bytes === null ? null : formatBytes(bytes),
  ].filter((part) => part !== null);
  const { warnings = [] } = resultOf(run);
  return {
    ...frame(run, around),
    title: `backup of ${run.source} succeeded`,
    what: `Backup ${run.backup} was taken at ${moment(run.startedAt, around)} and read back: ${stored.join(', ')}${run.finishedAt ? ` in ${formatDuration(durationOf(run) ?? 0)}` : ''}.`,
    meaning: null,
    todo: [],
    errors: warnings,
  };
}

export function copyFailed(run: RunRecord, storage: string, owed: readonly CopyRecord[], around: Around): Texts {
  const mine = owed.filter((copy) => copy.storage === storage);
  const last = mine.findLast(({ lastError }) => lastError !== null) ?? mine.at(-1);
  const error = last?.lastError ?? null;
  const because = error ? `: ${error.message} (${error.code})` : '';
  const several = mine.length > 1 ? ` ${formatCount(mine.length, 'backup')} are waiting to be copied there.` : '';
  return {
    ...frame(run, around),
    title: `backups of ${run.source} are not copied to ${storage}`,
    what: `Backup ${last?.backup ?? run.backup} could not be copied to ${storage}${because}.${several}`,
    meaning: `The backup itself is good. As long as the copy is missing, losing the other storages of ${run.source} would lose it.`,
    todo: [
      ...(error?.hint ? [error.hint] : []),
      `Make ${storage} reachable again; the copy is then tried again by itself${last ? `, next at ${moment(last.nextAt, around)} or with the next backup` : ''}.`,
      `To copy at once: holdfast copy --pending --now --source ${run.source}`,
    ],
    errors: error ? [`${error.message} (${error.code})`] : [],
  };
}

/** `run` may be any later one; what counts is that nothing is owed to the storage. */
export function copiesGood(source: string, storage: string): Texts {
  return {
    title: `backups of ${source} are copied to ${storage} again`,
    what: `Nothing is owed to ${storage} any more.`,
    meaning: null,
    todo: [],
    facts: [],
    errors: [],
    run: null,
  };
}

export function copyBroken(run: RunRecord, around: Around): Texts {
  return {
    ...frame(run, around),
    title: `copying ${run.backup ? `backup ${run.backup}` : 'backups'} of ${run.source} failed`,
    what: `The copy that began at ${moment(run.startedAt, around)} failed${after(run)}: ${errorOf(run)}.`,
    meaning: 'Trying the same again would not help. The backup has fewer copies than it should have.',
    todo: [...hintOf(run), `See what happened: holdfast logs ${run.id}`],
  };
}

export function damaged(run: RunRecord, around: Around): Texts {
  const { storage, checks = [] } = resultOf(run);
  const bad = checks.filter(({ ok }) => ok === false).map(({ artifact, detail }) => `${artifact}: ${detail}`);
  return {
    ...frame(run, around),
    title: `backup ${run.backup} of ${run.source} is damaged in ${storage}`,
    what: `A verification read back what is stored, and it is not what was written: ${bad[0] ?? 'the check failed'}.`,
    meaning: `This copy must not be relied on. Other copies and backups were not looked at by this run.`,
    todo: [
      `See whether others are affected: holdfast verify --all --source ${run.source}`,
      `If another storage has it whole, replace this copy: holdfast copy ${run.backup} --to ${storage} --replace --source ${run.source}`,
      `Otherwise take a new backup now: holdfast backup ${run.source}`,
      `Look at the disks behind ${storage}: bytes that change are mostly failing hardware.`,
    ],
    errors: bad,
  };
}

export function damagedGone(source: string, storage: string, id: string): Texts {
  return {
    title: `the damaged copy of backup ${id} of ${source} is gone from ${storage}`,
    what: `It was removed from ${storage}.`,
    meaning: null,
    todo: [],
    facts: [],
    errors: [],
    run: null,
  };
}

export function whole(run: RunRecord, around: Around): Texts {
  const { storage } = resultOf(run);
  return {
    ...frame(run, around),
    title: `backup ${run.backup} of ${run.source} is whole in ${storage}`,
    what: `A verification read every byte of it at ${moment(run.startedAt, around)}.`,
    meaning: null,
    todo: [],
  };
}

export function verifyImpossible(run: RunRecord, around: Around): Texts {
  return {
    ...frame(run, around),
    title: `backups of ${run.source} could not be verified`,
    what: `The verification of ${run.backup} that began at ${moment(run.startedAt, around)} failed${after(run)}: ${errorOf(run)}.`,
    meaning: 'It says nothing about the backup: it is as good as before, but this was not proven again.',
    todo: [...hintOf(run), `Then verify again: holdfast verify ${run.backup} --source ${run.source}`],
  };
}

export function drillFailed(run: RunRecord, around: Around): Texts {
  const bad = differences(resultOf(run));
  const general = { ...frame(run, around), title: `drill of ${run.source} failed` };
  if (run.error !== null) {
    return {
      ...general,
      what: `The drill of backup ${run.backup} that began at ${moment(run.startedAt, around)} failed${after(run)}: ${errorOf(run)}.`,
      meaning: 'It is not proven that this backup can be restored. The live database was not touched.',
      todo: [...hintOf(run), `See what happened: holdfast logs ${run.id}`, `Then drill again: ${drillLine(run)}`],
    };
  }
  return {
    ...general,
    what: `Backup ${run.backup} was restored into a scratch database, and what came out is not what was backed up: ${bad[0] ?? 'the comparison failed'}.`,
    meaning: 'Restoring this backup would not bring everything back. The live database was not touched.',
    todo: [
      `See all differences: holdfast logs ${run.id}`,
      `Take a new backup and drill it: holdfast backup ${run.source}, then holdfast drill --source ${run.source}`,
      `Find the newest backup that passes, in case you need one now: holdfast drill <id> --source ${run.source}`,
    ],
    errors: bad,
  };
}

export function drillGood(run: RunRecord, around: Around): Texts {
  const { seconds } = resultOf(run);
  return {
    ...frame(run, around),
    title: `drill of ${run.source} passed`,
    what: `Backup ${run.backup} was restored into a scratch database${seconds === undefined ? '' : ` in ${formatDuration(seconds * 1000)}`} and compared: everything is there.`,
    meaning: null,
    todo: [],
  };
}

export function restoreFailed(run: RunRecord, around: Around): Texts {
  return {
    ...frame(run, around),
    title: `restore of ${run.source} failed`,
    what: `The restore of backup ${run.backup} that began at ${moment(run.startedAt, around)} failed${after(run)}: ${errorOf(run)}.`,
    meaning:
      'A restore changes the live database only in its last step, all at once or not at all: it should be as it was before. Look at it before you go on.',
    todo: [
      ...hintOf(run),
      `See how far it came: holdfast logs ${run.id}`,
      `Then restore again: holdfast restore ${run.backup} --source ${run.source}`,
    ],
  };
}

export function pruneFailed(run: RunRecord, around: Around): Texts {
  return {
    ...frame(run, around),
    title: `old backups of ${run.source} were not removed`,
    what: `Pruning that began at ${moment(run.startedAt, around)} failed${after(run)}: ${errorOf(run)}.`,
    meaning: 'Nothing is lost, but the storage fills up until it works again.',
    todo: [...hintOf(run), `See what would be removed: holdfast prune --dry-run --source ${run.source}`],
  };
}

export function otherFailed(run: RunRecord, around: Around): Texts {
  const of = run.source === null ? '' : ` of ${run.source}`;
  return {
    ...frame(run, around),
    title: `${run.operation}${of} failed`,
    what: `The ${run.operation} that began at ${moment(run.startedAt, around)} failed${after(run)}: ${errorOf(run)}.`,
    meaning: null,
    todo: [...hintOf(run), `See what happened: holdfast logs ${run.id}`],
  };
}

export function otherGood(run: RunRecord, around: Around): Texts {
  const of = run.source === null ? '' : ` of ${run.source}`;
  return {
    ...frame(run, around),
    title: `${run.operation}${of} succeeded`,
    what: `The ${run.operation} that began at ${moment(run.startedAt, around)} ended well${after(run)}.`,
    meaning: null,
    todo: [],
  };
}

/** `2026-11-20 06:15 Europe/Berlin` */
export function moment(at: string | Date, { timezone }: Pick<Around, 'timezone'>): string {
  return `${formatterOf(timezone).format(new Date(at))} ${timezone}`;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Making one costs far more than using it. */
function formatterOf(timezone: string): Intl.DateTimeFormat {
  // This language writes times as ISO 8601 does.
  const options = { timeZone: timezone, dateStyle: 'short', timeStyle: 'short' } as const;
  const formatter = formatters.get(timezone) ?? new Intl.DateTimeFormat('sv-SE', options);
  formatters.set(timezone, formatter);
  return formatter;
}

function frame(run: RunRecord, { placeOf, instance }: Around): Pick<Texts, 'facts' | 'errors' | 'run'> {
  const facts = runFacts(run, placeOf);
  return { facts: listFacts(facts, instance), errors: run.error ? [errorOf(run)] : [], run: facts };
}

function protection({ source }: RunRecord, { lastGood, now, ...around }: Around): string {
  if (!lastGood) return `There is no good backup of ${source} from this installation: its data is not protected.`;
  const age = formatDuration(Math.max(0, now.getTime() - new Date(lastGood.startedAt).getTime()));
  return `The newest good backup is ${lastGood.backup}, ${age} old, from ${moment(lastGood.startedAt, around)}. What changed since then would be lost with the database.`;
}

function tries({ failures }: Around): string {
  return failures > 1 ? ` It has failed ${failures} times in a row.` : '';
}

function after(run: RunRecord): string {
  const ms = durationOf(run);
  return ms === null ? '' : ` after ${formatDuration(ms)}`;
}

function errorOf({ error }: RunRecord): string {
  return error ? `${error.message} (${error.code})` : 'no error was recorded';
}

function hintOf({ error }: RunRecord): string[] {
  return error?.hint ? [error.hint] : [];
}

function drillLine({ backup, source }: RunRecord): string {
  return `holdfast drill ${backup} --source ${source}`;
}

function differences({ tables, sequences, checks = [] }: RunResult): string[] {
  const compared =
    typeof tables === 'object' && sequences !== undefined ? describeMismatches({ ok: false, tables, sequences }) : '';
  const failed = checks.filter(({ ok }) => ok === false).map(({ query, detail }) => `${query}: ${detail}`);
  return [...(compared === '' ? [] : [compared]), ...failed];
}
