import { formatCount, formatDuration, formatSetting } from '../../../base/units.ts';
import type { Finding } from '../../alerts/finding.ts';
import { goodBackups, isTakenInFuture, type GoodBackup, type SourceFacts } from '../facts.ts';
import { finding, type SourceRule } from './rule.ts';

export const backupRules: readonly SourceRule[] = [some, enough, fresh, notFromFuture, fromOne];

/** Without a schedule, nobody has said how old the newest may be. */
const usualAgeMs = 48 * 3_600_000;
const shortestGraceMs = 15 * 60_000;
const longestGraceMs = 6 * 3_600_000;

function some(source: SourceFacts, now: Date): Finding[] {
  const { name, copies, storages, running } = source;
  // Where nobody answers and nothing was ever seen, nothing is known.
  if (goodBackups(source, now).length > 0 || (copies.length === 0 && !storages.some(({ asked }) => asked))) return [];
  const future = copies.some(({ row, ok }) => ok && isTakenInFuture(row, now));
  if (future) return [];
  const bad = copies.filter(({ ok }) => !ok).length;
  const found =
    copies.length === 0
      ? `there is no backup of ${name}`
      : bad === copies.length
        ? `there is no good backup of ${name}: of ${formatCount(bad)} stored, none is whole`
        : `there is no good backup of ${name} but those a restore took for safety`;
  return [
    finding('NO_BACKUP', {
      severity: running && copies.length === 0 ? 'warning' : 'critical',
      source: name,
      value: 0,
      threshold: 1,
      message: running ? `${found}; one is being taken now` : found,
      meaning: 'Nothing could be restored if the database were lost now.',
      hint: running
        ? 'Wait for it to end; `holdfast status` tells.'
        : 'Take one with `holdfast backup`, and see `holdfast runs` for why there is none.',
    }),
  ];
}

function enough(source: SourceFacts, now: Date): Finding[] {
  const { name, settings } = source;
  const count = goodBackups(source, now).length;
  if (count === 0 || count >= settings.minBackups) return [];
  return [
    finding('TOO_FEW_BACKUPS', {
      severity: 'warning',
      source: name,
      value: count,
      threshold: settings.minBackups,
      message: `there ${count === 1 ? 'is' : 'are'} ${formatCount(count, 'good backup')} of ${name}, and should be ${settings.minBackups}`,
      meaning: 'There is less to go back to than was asked for.',
      hint: 'Look at `holdfast list` for damaged ones and at the retention rules, or set `monitor.minBackups`.',
    }),
  ];
}

/** The newest good one counts, never the oldest: those are old by design (J-d5). */
function fresh(source: SourceFacts, now: Date): Finding[] {
  const backups = goodBackups(source, now);
  const newest = backups.at(-1);
  if (!newest) return [];
  return [...overdue(source, backups, newest, now), ...tooOld(source, newest, now)].slice(0, 1);
}

function overdue(source: SourceFacts, backups: readonly GoodBackup[], newest: GoodBackup, now: Date): Finding[] {
  const { name, schedule, settings } = source;
  const due = schedule?.nextAfter(newest.at) ?? null;
  if (settings.overdueMs === null || due === null || schedule === null) return [];
  // Never into the next time; what it may be put off by is not late. Worked out only where something has passed: it takes its time.
  if (due >= now) return [];
  const jitterMs = schedule.jitterMs === 0 ? 0 : Math.min(schedule.jitterMs, (schedule.backupEveryMs ?? 0) / 2);
  const lateMs = now.getTime() - due.getTime() - jitterMs;
  if (lateMs <= 0) return [];
  const graceMs = settings.overdueMs === 'auto' ? graceOf(schedule.backupEveryMs, backups) : settings.overdueMs;
  if (lateMs <= graceMs) return [];
  return [
    finding('BACKUP_OVERDUE', {
      severity: 'critical',
      source: name,
      value: lateMs,
      threshold: graceMs,
      message: `the backup of ${name} is ${formatDuration(lateMs)} overdue; the newest good one is ${formatDuration(now.getTime() - newest.at.getTime())} old (${newest.id})`,
      meaning: `What was written since ${newest.at.toISOString().slice(0, 16).replace('T', ' ')} UTC would be lost with the database.`,
      hint: 'See `holdfast runs` for what went wrong, and whether `holdfast serve` runs; `holdfast backup` takes one now.',
    }),
  ];
}

/** A tenth of the distance between two; longer where backups take long. */
function graceOf(everyMs: number | null, backups: readonly GoodBackup[]): number {
  const part = Math.min(Math.max((everyMs ?? 0) / 10, shortestGraceMs), longestGraceMs);
  const longest = Math.max(0, ...backups.slice(-5).map(({ durationMs }) => durationMs));
  return Math.round(Math.max(part, 2 * longest));
}

function tooOld(source: SourceFacts, newest: GoodBackup, now: Date): Finding[] {
  const { name, schedule, settings } = source;
  const planned = schedule?.planned ?? false;
  const limit = settings.maxAgeMs === 'auto' ? (planned ? null : usualAgeMs) : settings.maxAgeMs;
  const ageMs = now.getTime() - newest.at.getTime();
  if (limit === null || ageMs <= limit) return [];
  return [
    finding('BACKUP_TOO_OLD', {
      severity: 'critical',
      source: name,
      value: ageMs,
      threshold: limit,
      message: `the newest good backup of ${name} is ${formatDuration(ageMs)} old (${newest.id}); ${formatSetting(limit)} is the limit`,
      meaning: `What was written since ${newest.at.toISOString().slice(0, 16).replace('T', ' ')} UTC would be lost with the database.`,
      hint: planned
        ? 'See `holdfast runs` for what went wrong; `holdfast backup` takes one now.'
        : 'Give the source a `schedule`, or set `monitor.maxAge` to how often backups are taken; `holdfast backup` takes one now.',
    }),
  ];
}

function notFromFuture({ name, copies }: SourceFacts, now: Date): Finding[] {
  const future = copies.filter(({ row }) => isTakenInFuture(row, now));
  const ids = [...new Set(future.map(({ row }) => row.id))];
  if (ids.length === 0) return [];
  return [
    finding('BACKUP_FROM_FUTURE', {
      severity: 'warning',
      source: name,
      value: ids.length,
      threshold: 0,
      message: `${formatCount(ids.length, 'backup')} of ${name} ${ids.length === 1 ? 'is' : 'are'} from the future by this machine's clock, such as ${ids[0]}`,
      meaning: 'They are not counted here, and retention removes nothing as long as they are.',
      hint: 'Set the clock of this machine right, or of the one that took them; what was taken under a wrong clock can be deleted.',
    }),
  ];
}

const turnsMs = 7 * 24 * 3_600_000;
const fewestLookedAt = 10;
/** Of one that a restore or an import made, nobody expects another. */
const made: ReadonlySet<string> = new Set(['schedule', 'manual', 'api']);

/** After a move to another machine, or with a single backup from elsewhere, nobody comes back: two that go by turns are both at work. */
function fromOne({ name, copies }: SourceFacts): Finding[] {
  const byId = new Map(copies.map(({ row }) => [row.id, row.facts]));
  const all = [...byId].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, facts]) => facts ?? []);
  const regular = all.filter(({ trigger }) => made.has(trigger));
  const newest = regular.at(-1);
  if (!newest) return [];
  const since = new Date(newest.startedAt).getTime() - turnsMs;
  const recent = regular.filter(
    ({ startedAt }, at) => at >= regular.length - fewestLookedAt || new Date(startedAt).getTime() >= since,
  );
  const makers = recent.map(({ instance }) => instance);
  const mixed = [...new Set(makers)].filter((one) => makers.some((other) => goByTurns(makers, one, other)));
  if (mixed.length === 0) return [];
  return [
    finding('INSTALLATIONS_MIXED', {
      severity: 'warning',
      source: name,
      value: mixed.length,
      threshold: 1,
      message: `backups of ${name} come from ${mixed.join(' and ')} by turns, the newest from ${newest.instance}`,
      meaning:
        'If these protect different databases, such as a copy for tests, each thins out the backups of the other, and the newest backup may be of the wrong one.',
      hint: 'Give one of them another source name, or a storage of its own, and move its backups. Where both protect the same database, give both the same `instance`.',
    }),
  ];
}

function goByTurns(makers: readonly string[], one: string, other: string): boolean {
  if (one === other) return false;
  const order = makers.filter((each) => each === one || each === other);
  const changes = order.filter((each, at) => at > 0 && each !== order[at - 1]).length;
  const twice = [one, other].every((name) => order.filter((each) => each === name).length > 1);
  return changes > 1 && twice;
}
