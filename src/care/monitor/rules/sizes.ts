import { formatBytes, formatCount } from '../../../base/units.ts';
import type { Finding } from '../../alerts/finding.ts';
import { goodBackups, type GoodBackup, type SourceFacts } from '../facts.ts';
import { median } from '../median.ts';
import { finding, type SourceRule } from './rule.ts';

export const sizeRules: readonly SourceRule[] = [notTooBig, asUsual];

const compared = 10;
/** Of fewer, nobody can say what is usual. */
const neededToCompare = 3;
/** A small database may grow to several times its size in a day. */
const smallestJump = 1024 * 1024;

/** Every size is looked at, whatever the format or the name (J-d6). */
function notTooBig(source: SourceFacts, now: Date): Finding[] {
  const { maxSize } = source.settings;
  if (maxSize === null) return [];
  const big = goodBackups(source, now).filter(({ bytes }) => bytes > maxSize);
  const biggest = big.toSorted((a, b) => b.bytes - a.bytes)[0];
  if (!biggest) return [];
  return [
    finding('BACKUP_TOO_BIG', {
      severity: 'warning',
      source: source.name,
      value: biggest.bytes,
      threshold: maxSize,
      message: `${formatCount(big.length, 'backup')} of ${source.name} ${big.length === 1 ? 'is' : 'are'} bigger than ${formatBytes(maxSize)}; the biggest has ${formatBytes(biggest.bytes)} (${biggest.id})`,
      meaning: 'Backups take longer and more room than was planned for.',
      hint: 'Leave out data that need not be kept (`dump.exclude`), or raise `monitor.maxSize`.',
    }),
  ];
}

function asUsual(source: SourceFacts, now: Date): Finding[] {
  const { sizeDrop, sizeJump } = source.settings;
  const all = goodBackups(source, now).filter(({ trigger }) => trigger !== 'import');
  const newest = all.at(-1);
  // Another format has another size.
  const before = all
    .slice(0, -1)
    .filter(({ format }) => format === newest?.format)
    .slice(-compared);
  const usual = median(before.map(({ bytes }) => bytes));
  if (!newest || usual === null || before.length < neededToCompare) return [];
  const off = { newest, usual, before, source: source.name };
  if (sizeDrop !== null && newest.bytes < usual * (1 - sizeDrop)) return [dropped(off, sizeDrop)];
  const jumped = newest.bytes > usual * (1 + (sizeJump ?? 0)) && newest.bytes - usual >= smallestJump;
  return sizeJump !== null && jumped ? [grown(off, sizeJump)] : [];
}

interface Off {
  newest: GoodBackup;
  usual: number;
  before: readonly GoodBackup[];
  source: string;
}

function dropped({ newest, usual, before, source }: Off, part: number): Finding {
  return finding('SIZE_DROP', {
    severity: 'warning',
    source,
    value: newest.bytes,
    threshold: Math.round(usual * (1 - part)),
    message: `the newest backup of ${source} is ${percent(1 - newest.bytes / usual)} smaller than usual: ${formatBytes(newest.bytes)} instead of ${formatBytes(usual)}${rowsSaid(newest, before)} (${newest.id})`,
    meaning: 'Data may have been deleted, or the database is not the one it was.',
    hint: 'Compare with an older backup: `holdfast inspect` shows tables and rows. If this is right, it is told no more once some backups have the new size; hold an older one until you are sure.',
  });
}

function grown({ newest, usual, before, source }: Off, part: number): Finding {
  return finding('SIZE_JUMP', {
    severity: 'warning',
    source,
    value: newest.bytes,
    threshold: Math.round(usual * (1 + part)),
    message: `the newest backup of ${source} is ${percent(newest.bytes / usual - 1)} bigger than usual: ${formatBytes(newest.bytes)} instead of ${formatBytes(usual)}${rowsSaid(newest, before)} (${newest.id})`,
    meaning: 'Something writes much more than it did; backups take longer and more room.',
    hint: 'See which tables grew with `holdfast inspect`. If this is right, it is told no more once some backups have the new size.',
  });
}

function rowsSaid(newest: GoodBackup, before: readonly GoodBackup[]): string {
  const usual = median(before.flatMap(({ rows }) => (rows === null ? [] : [rows])));
  if (newest.rows === null || usual === null || newest.rows === usual) return '';
  return `, ${formatCount(newest.rows, 'row')} instead of ${formatCount(Math.round(usual))}`;
}

function percent(part: number): string {
  return `${Math.round(part * 100)}%`;
}
