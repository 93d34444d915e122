/** What the end of a run makes an incident of; what a check finds has its words in `findings.ts`. A test fails when one is missing. */
export const incidentsEn = {
  'backup-failed': 'The backup failed',
  'backup-partial': 'The backup is incomplete',
  'copy-failed': 'Backups are not copied there',
  'copy-broken': 'Copying failed',
  'verify-failed': 'Backups could not be verified',
  damaged: 'A backup is damaged there',
  'drill-failed': 'The drill failed',
  'restore-failed': 'The restore failed',
  'prune-failed': 'Old backups were not removed',
  'delete-failed': 'A backup could not be deleted',
  'import-failed': 'The import failed',
  'rebuild-failed': 'The catalog could not be rebuilt',
  'key-failed': 'Work on the keys failed',
  'maintenance-failed': 'Maintenance failed',
} as const;

export const incidentsDe: { readonly [Kind in keyof typeof incidentsEn]: string } = {
  'backup-failed': 'Die Sicherung ist fehlgeschlagen',
  'backup-partial': 'Die Sicherung ist unvollständig',
  'copy-failed': 'Sicherungen werden nicht dorthin kopiert',
  'copy-broken': 'Das Kopieren ist fehlgeschlagen',
  'verify-failed': 'Sicherungen konnten nicht geprüft werden',
  damaged: 'Eine Sicherung ist dort beschädigt',
  'drill-failed': 'Die Probe ist fehlgeschlagen',
  'restore-failed': 'Die Wiederherstellung ist fehlgeschlagen',
  'prune-failed': 'Alte Sicherungen wurden nicht entfernt',
  'delete-failed': 'Eine Sicherung konnte nicht gelöscht werden',
  'import-failed': 'Der Import ist fehlgeschlagen',
  'rebuild-failed': 'Der Katalog konnte nicht neu aufgebaut werden',
  'key-failed': 'Die Arbeit an den Schlüsseln ist fehlgeschlagen',
  'maintenance-failed': 'Die Wartung ist fehlgeschlagen',
};
