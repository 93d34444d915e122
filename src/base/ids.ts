import { randomBytes } from 'node:crypto';

const backupIdPattern = /^(\d{4})-(\d{2})-(\d{2})_(\d{2})-(\d{2})-(\d{2})(?:-([2-9]|[1-9]\d{1,3}))?$/;

/** `2026-11-20_05-15-00`, always UTC; the n-th backup of the same second gets `-n`. */
export function backupId(at: Date, ordinal = 1): string {
  const stamp = at.toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-');
  return ordinal === 1 ? stamp : `${stamp}-${ordinal}`;
}

export interface ParsedBackupId {
  at: Date;
  ordinal: number;
}

/** Null for anything that is not the name of a backup, such as a foreign folder beside ours. */
export function parseBackupId(text: string): ParsedBackupId | null {
  const match = backupIdPattern.exec(text);
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ordinal = 1] = match
    .slice(1)
    .map((digits) => (digits === undefined ? undefined : Number(digits)));
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // By arithmetic, as a list of ten thousand asks for it: an hour 24 or a day that its month lacks has become one of the next.
  const isTime =
    at.getUTCFullYear() === year &&
    at.getUTCMonth() === month - 1 &&
    at.getUTCDate() === day &&
    minute < 60 &&
    second < 60;
  return isTime ? { at, ordinal } : null;
}

/** Oldest first. Ids that are not ours sort by their text, after ours. */
export function compareBackupIds(left: string, right: string): number {
  const a = parseBackupId(left);
  const b = parseBackupId(right);
  if (!a || !b) return a ? -1 : b ? 1 : left < right ? -1 : Number(left > right);
  return a.at.getTime() - b.at.getTime() || a.ordinal - b.ordinal;
}

/** Sorts by time, is unique across processes, and is short enough to type a prefix of. */
export function runId(at: Date): string {
  const stamp = at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${stamp}-${randomBytes(3).toString('hex')}`;
}

export const sourceNamePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Words that are folders or commands of ours and therefore cannot name a source. */
export function isSourceName(text: string): boolean {
  return sourceNamePattern.test(text) && !text.endsWith('.') && !text.includes('..');
}
