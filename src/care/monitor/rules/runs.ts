import { clockToleranceMs } from '../../../base/clock.ts';
import { formatDuration } from '../../../base/units.ts';
import type { Finding } from '../../alerts/finding.ts';
import { goodBackups, type SourceFacts } from '../facts.ts';
import { finding, wordsOf, type SourceRule } from './rule.ts';

export const runRules: readonly SourceRule[] = [lastBackup, lastPrune, database];

function lastBackup(source: SourceFacts, now: Date): Finding[] {
  const { name, lastRun } = source;
  const run = lastRun.backup;
  if (run?.state !== 'failed' || run.error === null) return [];
  // Taken since, by another machine.
  const newest = goodBackups(source, now).at(-1);
  if (newest && newest.at.getTime() > new Date(run.startedAt).getTime()) return [];
  return [
    finding('BACKUP_FAILED', {
      severity: 'warning',
      source: name,
      message: `the last backup of ${name} failed ${formatDuration(now.getTime() - new Date(run.startedAt).getTime())} ago: ${run.error.message} (${run.error.code})`,
      meaning: newest
        ? `The newest good backup is still the one of ${formatDuration(now.getTime() - newest.at.getTime())} ago.`
        : 'There is no good backup.',
      hint: run.error.hint ?? `\`holdfast logs ${run.id}\` tells more.`,
    }),
  ];
}

function lastPrune({ name, lastRun }: SourceFacts): Finding[] {
  const run = lastRun.prune;
  if (run?.state !== 'failed') return [];
  const why = run.error === null ? '' : `: ${run.error.message} (${run.error.code})`;
  return [
    finding('RETENTION_FAILED', {
      severity: 'warning',
      source: name,
      message: `not everything that retention lets go of ${name} could be removed${why}`,
      meaning: 'The backups are safe, but they take more and more room.',
      hint: run.error?.hint ?? `\`holdfast logs ${run.id}\` tells which and why.`,
    }),
  ];
}

function database({ name, database: { title, unreachable, clockAheadMs } }: SourceFacts): Finding[] {
  if (unreachable !== null) {
    return [
      finding('DATABASE_UNREACHABLE', {
        severity: 'warning',
        source: name,
        message: `the database of ${name} (${title}) does not answer: ${wordsOf(unreachable, 'DATABASE_UNREACHABLE')}`,
        meaning: 'The next backup will fail; the stored ones are as they were.',
        hint: unreachable.hint ?? 'Run `holdfast doctor` to see why.',
      }),
    ];
  }
  if (clockAheadMs === null || Math.abs(clockAheadMs) <= clockToleranceMs) return [];
  return [
    finding('CLOCK_SKEW', {
      severity: 'warning',
      source: name,
      value: clockAheadMs,
      threshold: clockToleranceMs,
      message: `the clock of the database server of ${name} is ${formatDuration(Math.abs(clockAheadMs))} ${clockAheadMs < 0 ? 'behind' : 'ahead of'} this machine's`,
      meaning: 'Times in the data and times of the backups do not go together.',
      hint: 'Set both clocks right, best by time synchronisation (NTP).',
    }),
  ];
}
