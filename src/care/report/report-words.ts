import { formatDuration } from '../../base/units.ts';
import type { ProofReport, Report, SourceReport } from './report.ts';

/** `2026-11-20 06:15` in the time zone of the installation. */
export function shortTime(at: string, { timezone }: Pick<Report, 'timezone'>): string {
  // This language writes times as ISO 8601 does.
  return new Date(at).toLocaleString('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'short' });
}

/** Roughly: `5 min ago`, `3 h ago`, `12 d ago`. */
export function ageOf(at: string, report: Pick<Report, 'at'>): string {
  const ms = new Date(report.at).getTime() - new Date(at).getTime();
  if (ms < -60_000) return `${formatDuration(-ms)} ahead`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} d ago`;
}

export function statusSaid({ status, findings }: Report): string {
  if (status === 'ok') return 'OK: nothing is the matter';
  const critical = findings.filter(({ severity }) => severity === 'critical').length;
  const warnings = findings.length - critical;
  const parts = [
    ...(critical > 0 ? [`${critical} critical`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ];
  return `${status.toUpperCase()}: ${parts.join(', ')}`;
}

export function rateSaid({ runs, good }: SourceReport['last30Days']): string {
  if (runs === 0) return 'no backup was begun here';
  return `${good} of ${runs} backups succeeded (${Math.floor((good / runs) * 100)}%)`;
}

export function proofSaid(proof: ProofReport | null, report: Pick<Report, 'at'>): string {
  if (proof === null) return 'never';
  const { ok, id, storage, at, depth, seconds } = proof;
  const how = depth === null ? `, in ${formatDuration(seconds * 1000)}` : ` (${depth})`;
  return `${ok ? 'passed' : 'FAILED'} ${ageOf(at, report)}${how}: ${id} in ${storage}`;
}
