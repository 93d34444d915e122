import type { ResponseOf, Routes } from '../../../../src/api/contract.ts';
import type { findingsEn } from '../../words/findings.ts';

type Code = keyof typeof findingsEn;
type Finding = ResponseOf<Routes['check']>['findings'][number];

/** What a finding's value and threshold are; those that are not here have none, or are told as they are. */
const kinds: Readonly<Partial<Record<Code, 'ms' | 'bytes'>>> = {
  BACKUP_OVERDUE: 'ms',
  BACKUP_TOO_OLD: 'ms',
  COPY_PENDING: 'ms',
  COPY_MISSING: 'ms',
  VERIFY_STALE: 'ms',
  DRILL_STALE: 'ms',
  CLOCK_SKEW: 'ms',
  BACKUP_TOO_BIG: 'bytes',
  SIZE_DROP: 'bytes',
  SIZE_JUMP: 'bytes',
  SPACE_SHORT: 'bytes',
};

/** Of these, the server's own words name the error, the backups or the tables: they are shown as well. */
const detailed: ReadonlySet<string> = new Set<Code>([
  'BACKUP_FAILED',
  'RETENTION_FAILED',
  'COPY_PENDING',
  'BACKUP_DAMAGED',
  'INSTALLATIONS_MIXED',
  'BACKUP_UNREADABLE',
  'VERIFY_FAILED',
  'KEY_NOT_OPENED',
  'BACKUPS_VANISHED',
  'DRILL_FAILED',
  'DATABASE_UNREACHABLE',
  'STORAGE_UNREACHABLE',
  'STORAGE_MISSING',
  'STORAGE_NOT_WRITABLE',
  'STATE_NOT_WRITABLE',
  'BACKUPS_IN_GIT',
  'SIZE_DROP',
  'SIZE_JUMP',
  'ALERT_UNDELIVERED',
]);

interface Format {
  bytes(value: number): string;
  number(value: number): string;
  seconds(value: number): string;
}

/** What stands in the words of a finding where they have a place for it. */
export function valuesOf(
  { code, value, threshold }: Pick<Finding, 'code' | 'value' | 'threshold'>,
  format: Format,
): { value: string; threshold: string } {
  const kind = (kinds as Readonly<Record<string, 'ms' | 'bytes'>>)[code];
  const tell = (given: string | number | null) => {
    if (typeof given !== 'number') return given ?? '';
    // A clock may be behind.
    if (kind === 'ms') return format.seconds(Math.abs(given) / 1000);
    return kind === 'bytes' ? format.bytes(given) : format.number(given);
  };
  return { value: tell(value), threshold: tell(threshold) };
}

export function hasDetails(code: string): boolean {
  return detailed.has(code);
}
