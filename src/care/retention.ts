import { compareBackupIds } from '../base/ids.ts';
import { covers, type Part } from './backup-facts.ts';
import { pausesBetween, type Pause } from './pauses.ts';

/** What a source keeps. A backup goes only when no rule keeps it; without any rule besides `minimum` everything is kept. */
export interface RetentionRules {
  /** The newest so many. */
  last?: number | undefined;
  /** Everything younger than this. */
  maxAgeMs?: number | undefined;
  /** The newest of each of the last so many days, weeks (ISO), months, years that have a backup. */
  daily?: number | undefined;
  weekly?: number | undefined;
  monthly?: number | undefined;
  yearly?: number | undefined;
  /** So many of the newest good backups stay whatever the rules say; 1 at least. */
  minimum: number;
}

/** A backup taken right before a restore stays this long at least. */
export const safetyAgeMs = 7 * 86_400_000;

export interface RetentionBackup {
  id: string;
  /** The manifest's own time; names and file times are never used for order. */
  at: Date;
  /** Complete, and nothing that was checked since says otherwise. */
  ok: boolean;
  /** Of one that is not ok: nothing says that it is damaged. */
  unreadable?: boolean;
  held: boolean;
  drilledOk: boolean;
  /** All of it was read since it was sealed, as far as is known here; true when not said. */
  proven?: boolean;
  /** Taken by a restore of what it was about to replace. */
  safety: boolean;
  /** What it holds of the source. */
  parts: readonly Part[];
}

export interface RetentionDecision {
  id: string;
  keep: boolean;
  /** In the words the preview prints: why it stays, or every rule that would have to keep it and does not. */
  reasons: string[];
}

export interface RetentionQuestion {
  backups: readonly RetentionBackup[];
  rules: RetentionRules;
  now: Date;
  /** IANA name; a day is a local calendar day there. */
  timezone: string;
  /**
   * Somebody has asked for it and can see what goes; true when not said. Otherwise a pause that looks as if the clock had jumped makes
   * nothing older: where all clocks are that of one machine, nothing else would tell.
   */
  attended?: boolean;
}

/**
 * Newest first. Damaged backups stay: they hold no slot and protect nothing, but what is left of them may be somebody's only
 * chance, so a person deletes them. Safety backups show the database as it was before a restore, often broken: they hold no
 * slot, are not counted by `last`, and are the "newest good" only when there is nothing else. A backup counts only against those
 * it could stand in for: one of the folders alone never pushes out one that holds the database.
 */
export function decideRetention({
  backups,
  rules,
  now,
  timezone,
  attended = true,
}: RetentionQuestion): RetentionDecision[] {
  const { newestFirst, good, regular, guarded, drilled } = ranked(backups);
  const times = newestFirst.map(({ at }) => at);
  const isYounger = youngerThan(now, attended ? [] : pausesBetween(times, now));
  const kept = new Map<string, string[]>(newestFirst.map(({ id }) => [id, []]));
  const keep = (backup: RetentionBackup, reason: string) => kept.get(backup.id)?.push(reason);

  for (const backup of newestFirst) {
    if (backup.held) keep(backup, 'held');
    if (!backup.ok) keep(backup, `${backup.unreadable ? 'cannot be read here' : 'damaged'}, left for you to look at`);
    if (!hasRules(rules)) keep(backup, 'no retention rules');
  }
  for (const backup of good) {
    const young = rules.maxAgeMs === undefined ? null : isYounger(backup, rules.maxAgeMs);
    if (young !== null) keep(backup, `newer than ${spell(rules.maxAgeMs ?? 0)}${young}`);
    const recent = backup.safety ? isYounger(backup, safetyAgeMs) : null;
    if (recent !== null) keep(backup, `safety backup, newer than ${spell(safetyAgeMs)}${recent}`);
  }
  firstAmongEquals(regular, rules.last ?? 0, (backup, at) => keep(backup, `last ${at + 1} of ${rules.last}`));
  for (const [rule, count, slotOf] of slotRules(rules, timezone)) {
    const first = (from: RetentionBackup[]) => newestPerSlot(from, slotOf, count);
    amongEquals(regular, first, (backup, at) => keep(backup, `${rule} ${at + 1} of ${count}`));
  }

  firstAmongEquals(guarded, Math.max(1, rules.minimum), (backup, at) => {
    keep(backup, at === 0 ? newestGood : `minimum ${at + 1} of ${rules.minimum}`);
  });
  // Whoever has just sealed one still reads it back, and takes it away where that fails.
  firstAmongEquals(guarded.filter(isProven), 1, (backup) => {
    if (!kept.get(backup.id)?.includes(newestGood)) keep(backup, 'newest backup that was read back');
  });
  firstAmongEquals(drilled, 1, (backup) => keep(backup, 'newest drilled backup'));

  return newestFirst.map((backup) => {
    const reasons = kept.get(backup.id) ?? [];
    return reasons.length > 0
      ? { id: backup.id, keep: true, reasons }
      : { id: backup.id, keep: false, reasons: whyNot(backup, rules) };
  });
}

/**
 * Of each backup: because of which others it may go. They have to be there still when it does: whoever else removes something at the same
 * time may count on others.
 */
export function standIns(backups: readonly RetentionBackup[]): Map<string, string[]> {
  const { guarded, drilled } = ranked(backups);
  const ranks = [guarded, guarded.filter(isProven)];
  return new Map(
    backups.map(({ id, parts, drilledOk }) => {
      const first = (drilledOk ? [...ranks, drilled] : ranks).flatMap(
        (from) => from.find((other) => covers(other.parts, parts)) ?? [],
      );
      return [id, [...new Set(first.map((other) => other.id))]];
    }),
  );
}

const newestGood = 'newest good backup';

function isProven({ proven = true }: RetentionBackup): boolean {
  return proven;
}

interface Ranked {
  newestFirst: RetentionBackup[];
  good: RetentionBackup[];
  regular: RetentionBackup[];
  /** In the order in which they are kept whatever the rules say. */
  guarded: RetentionBackup[];
  drilled: RetentionBackup[];
}

function ranked(backups: readonly RetentionBackup[]): Ranked {
  const newestFirst = [...backups].sort((a, b) => b.at.getTime() - a.at.getTime() || compareBackupIds(b.id, a.id));
  const good = newestFirst.filter((backup) => backup.ok);
  const regular = good.filter((backup) => !backup.safety);
  const guarded = [...regular, ...good.filter((backup) => backup.safety)];
  return { newestFirst, good, regular, guarded, drilled: good.filter((backup) => backup.drilledOk) };
}

type Keep = (backup: RetentionBackup, at: number) => void;

function firstAmongEquals(backups: RetentionBackup[], count: number, keep: Keep): void {
  amongEquals(backups, (equals) => equals.slice(0, count), keep);
}

/** For each set of parts that some backup has: what is chosen of those with at least these, as far as they have no more. */
function amongEquals(
  backups: RetentionBackup[],
  choose: (from: RetentionBackup[]) => RetentionBackup[],
  keep: Keep,
): void {
  for (const parts of new Map(backups.map((backup) => [backup.parts.join(' '), backup.parts])).values()) {
    const chosen = choose(backups.filter((backup) => covers(backup.parts, parts)));
    for (const [at, backup] of chosen.entries()) if (covers(parts, backup.parts)) keep(backup, at);
  }
}

function hasRules({ last, maxAgeMs, daily, weekly, monthly, yearly }: RetentionRules): boolean {
  return [last, maxAgeMs, daily, weekly, monthly, yearly].some((rule) => rule !== undefined);
}

/** Says of a backup that is younger than that, what has to be added to it; null: it is older. */
function youngerThan(now: Date, pauses: readonly Pause[]) {
  return ({ at }: RetentionBackup, limitMs: number): string | null => {
    const ageMs = now.getTime() - at.getTime();
    if (ageMs < limitMs) return '';
    const since = pauses.filter(({ after }) => at <= after);
    if (ageMs - since.reduce((sum, { deductMs }) => sum + deductMs, 0) >= limitMs) return null;
    const days = Math.floor(since.reduce((sum, { ms }) => sum + ms, 0) / 86_400_000);
    return `, but for a pause of ${days}d in which no backup was made`;
  };
}

type SlotRule = [rule: string, count: number, slotOf: (at: Date) => string];

function slotRules(rules: RetentionRules, timezone: string): SlotRule[] {
  const localDate = dateIn(timezone);
  const all: [string, number | undefined, (at: Date) => string][] = [
    ['daily', rules.daily, (at) => localDate(at).join('-')],
    ['weekly', rules.weekly, (at) => isoWeek(localDate(at))],
    ['monthly', rules.monthly, (at) => localDate(at).slice(0, 2).join('-')],
    ['yearly', rules.yearly, (at) => String(localDate(at)[0])],
  ];
  return all.flatMap(([rule, count, slotOf]): SlotRule[] => (count === undefined ? [] : [[rule, count, slotOf]]));
}

/** Slots without a backup are not counted: a pause of a month does not cost the backups from before it. */
function newestPerSlot(newestFirst: RetentionBackup[], slotOf: (at: Date) => string, count: number): RetentionBackup[] {
  const taken = new Map<string, RetentionBackup>();
  for (const backup of newestFirst) {
    const slot = slotOf(backup.at);
    if (!taken.has(slot)) taken.set(slot, backup);
  }
  return [...taken.values()].slice(0, count);
}

type LocalDate = [year: number, month: number, day: number];

function dateIn(timezone: string): (at: Date) => LocalDate {
  // Building a formatter costs far more than using it.
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    calendar: 'gregory',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  });
  return (at) => {
    const parts = format.formatToParts(at);
    const read = (type: string) => Number(parts.find((part) => part.type === type)?.value);
    return [read('year'), read('month'), read('day')];
  };
}

/** A week belongs to the year its Thursday lies in. */
function isoWeek([year, month, day]: LocalDate): string {
  const date = new Date(Date.UTC(year, month - 1, day));
  date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  const thursdaysYear = date.getUTCFullYear();
  const dayOfYear = (date.getTime() - Date.UTC(thursdaysYear, 0, 1)) / 86_400_000;
  return `${thursdaysYear}-W${1 + Math.floor(dayOfYear / 7)}`;
}

function whyNot(backup: RetentionBackup, rules: RetentionRules): string[] {
  const older = rules.maxAgeMs === undefined ? [] : [`older than ${spell(rules.maxAgeMs)}`];
  if (backup.safety) return [`safety backup, older than ${spell(safetyAgeMs)}`, ...older];
  const slots = (['daily', 'weekly', 'monthly', 'yearly'] as const).filter((rule) => rules[rule] !== undefined);
  return [
    ...(rules.last === undefined ? [] : [`beyond last ${rules.last}`]),
    ...older,
    ...slots.map((rule) => `in no ${rule} slot of ${rules[rule]}`),
  ];
}

/** As it is written in the configuration: `30d`, `36h`, `90m`. */
function spell(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const) {
    if (ms % size === 0 && ms > 0) return `${ms / size}${unit}`;
  }
  return `${ms / 1000}s`;
}
