import type { Operation } from '../../catalog/catalog.ts';

/** What the end of a run can make an incident of. The console has words for each; a test fails when some are missing. */
export const runIncidents = [
  'backup-failed',
  'backup-partial',
  'copy-failed',
  'copy-broken',
  'verify-failed',
  'damaged',
  'drill-failed',
  'restore-failed',
  'prune-failed',
  'delete-failed',
  'import-failed',
  'rebuild-failed',
  'key-failed',
  'maintenance-failed',
] as const satisfies readonly (`${Operation}-failed` | 'backup-partial' | 'copy-broken' | 'damaged')[];
export type RunIncident = (typeof runIncidents)[number];

export function incidentKey(kind: RunIncident, ...about: (string | null)[]): string {
  return [kind, ...about].filter((part) => part !== null).join('/');
}

/** What its key says: one of the above or the code of a finding, and where it is. Its source is known without. */
export function incidentFacts(key: string): { code: string; storage: string | null; backup: string | null } {
  const [code = '', , storage = '', backup = ''] = key.split('/');
  return { code, storage: storage === '' ? null : storage, backup: backup === '' ? null : backup };
}
