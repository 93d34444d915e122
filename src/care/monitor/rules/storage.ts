import { clockToleranceMs } from '../../../base/clock.ts';
import { formatBytes, formatDuration } from '../../../base/units.ts';
import type { Finding } from '../../alerts/finding.ts';
import { goodBackups, type Facts, type StorageFacts } from '../facts.ts';
import { finding, wordsOf, type StorageRule } from './rule.ts';

export const storageRules: readonly StorageRule[] = [reachable, present, writable, roomy, onTime, outsideOfGit];

function reachable({ name, title, unreachable }: StorageFacts): Finding[] {
  if (unreachable === null) return [];
  return [
    finding('STORAGE_UNREACHABLE', {
      severity: 'critical',
      storage: name,
      message: `storage ${name} (${title}) does not answer: ${wordsOf(unreachable, 'STORAGE_UNREACHABLE')}`,
      meaning:
        'Backups cannot be stored there, nor restored from there. What is said of them here is what was last seen.',
      hint: unreachable.hint ?? 'Run `holdfast doctor` to see which step fails.',
    }),
  ];
}

function present({ name, title, missing }: StorageFacts, { sources }: Facts): Finding[] {
  if (!missing) return [];
  // What was in it is remembered by its verifications: the backups themselves are not listed any more.
  const known = sources.some(({ proofs }) => proofs.some(({ storage }) => storage === name));
  return [
    finding('STORAGE_MISSING', {
      severity: 'critical',
      storage: name,
      message: `the folder of storage ${name} is not there: ${title}`,
      meaning: known
        ? 'The backups that were in it are gone, or their disk is not mounted.'
        : 'There is no backup in it yet; the first one creates it.',
      hint: known ? 'Mount the disk, or set the path right.' : 'Take a backup with `holdfast backup`.',
    }),
  ];
}

function writable({ name, title, notWritable }: StorageFacts): Finding[] {
  if (notWritable === null) return [];
  return [
    finding('STORAGE_NOT_WRITABLE', {
      severity: 'critical',
      storage: name,
      message: `nothing can be written into storage ${name} (${title}): ${notWritable.message} (${notWritable.code})`,
      meaning: 'The next backup will fail, or will not get its copy there.',
      hint: notWritable.hint ?? 'Run `holdfast doctor` to see which step fails.',
    }),
  ];
}

function roomy({ name, title, free, minFree }: StorageFacts, facts: Facts): Finding[] {
  if (free === null) return [];
  const need = biggestNext(name, facts);
  const room = `storage ${name} (${title}) has ${formatBytes(free.bytes)} of ${formatBytes(free.total)} free`;
  const hint = 'Make room there, or keep fewer backups (`retention`); `holdfast prune --dry-run` shows what would go.';
  if (need !== null && free.bytes < need.bytes) {
    return [
      finding('SPACE_SHORT', {
        severity: 'critical',
        storage: name,
        value: free.bytes,
        threshold: need.bytes,
        message: `${room}, and a backup of ${need.source} took ${formatBytes(need.bytes)}`,
        meaning: `The next backup of ${need.source} does not fit.`,
        tellsOf: need.source,
        hint,
      }),
    ];
  }
  const least = minFree === null ? 0 : 'bytes' in minFree ? minFree.bytes : Math.round(free.total * minFree.part);
  if (free.bytes >= least) return [];
  return [
    finding('SPACE_SHORT', {
      severity: 'warning',
      storage: name,
      value: free.bytes,
      threshold: least,
      message: `${room}, less than ${formatBytes(least)}`,
      meaning: 'Backups still fit, but not for much longer.',
      hint,
    }),
  ];
}

/** Of what is shared, a few may have added next to nothing. */
const compared = 5;

/** As much as its last one took: retention makes room only afterwards. */
function biggestNext(storage: string, { sources, now }: Facts): { source: string; bytes: number } | null {
  let biggest: { source: string; bytes: number } | null = null;
  for (const source of sources) {
    if (!source.storages.some(({ name }) => name === storage)) continue;
    const good = goodBackups(source, now);
    const newest = good.at(-1);
    const added = good.slice(-compared).map(({ addedBytes }) => addedBytes ?? 0);
    const bytes = newest?.addedBytes === null ? newest.bytes : Math.max(0, ...added);
    if (bytes > (biggest?.bytes ?? 0)) biggest = { source: source.name, bytes };
  }
  return biggest;
}

function onTime({ name, title, clockAheadMs }: StorageFacts): Finding[] {
  if (clockAheadMs === null || Math.abs(clockAheadMs) <= clockToleranceMs) return [];
  return [
    finding('CLOCK_SKEW', {
      severity: 'warning',
      storage: name,
      value: clockAheadMs,
      threshold: clockToleranceMs,
      message: `the clock of storage ${name} (${title}) is ${formatDuration(Math.abs(clockAheadMs))} ${clockAheadMs < 0 ? 'behind' : 'ahead of'} this machine's`,
      meaning: 'Ages of backups cannot be trusted, so retention removes nothing there.',
      hint: 'Set both clocks right, best by time synchronisation (NTP).',
    }),
  ];
}

function outsideOfGit({ name, git }: StorageFacts): Finding[] {
  if (git === null) return [];
  return [
    finding('BACKUPS_IN_GIT', {
      severity: 'warning',
      storage: name,
      message: `the backups of storage ${name} in ${git.folder} lie in the git work tree ${git.tree} and are not ignored`,
      meaning: 'One `git add .` and a push, and the whole database is published.',
      hint: 'Add the folder to .gitignore, or keep backups outside of the work tree.',
    }),
  ];
}
