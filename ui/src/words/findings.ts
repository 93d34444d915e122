/** What the monitor can find, as docs/monitoring.md has it: what it is and what to do. A test fails when a code is missing. */
export const findingsEn = {
  NO_BACKUP: { title: 'No good backup', todo: 'Take one; under Activity it says why there is none.' },
  TOO_FEW_BACKUPS: { title: 'Too few good backups', todo: 'Look for damaged ones in the list, and at the retention.' },
  BACKUP_OVERDUE: {
    title: 'A backup is overdue',
    todo: 'Look under Activity why it did not come, and whether the daemon runs.',
  },
  BACKUP_TOO_OLD: {
    title: 'The newest backup is too old',
    todo: 'Give the source a schedule, or say how old it may be.',
  },
  BACKUP_FROM_FUTURE: {
    title: 'A backup from the future',
    todo: 'Set the clock right, here or where it was taken; until then retention removes nothing.',
  },
  BACKUP_FAILED: { title: 'The last backup failed', todo: 'Read its error under Activity, and take another one.' },
  RETENTION_FAILED: { title: 'Retention failed', todo: 'Read its error under Activity.' },
  BACKUP_TOO_BIG: { title: 'A backup is too big', todo: 'Leave out data with `dump.exclude`, or raise the limit.' },
  SIZE_DROP: {
    title: 'Suddenly much smaller',
    todo: 'Compare what is inside with an older backup, and hold that one until you are sure.',
  },
  SIZE_JUMP: { title: 'Suddenly much bigger', todo: 'Look inside which tables grew.' },
  COPY_PENDING: { title: 'A copy is still owed', todo: 'Mend the storage; then run `holdfast copy --pending --now`.' },
  COPY_MISSING: { title: 'A copy is missing', todo: 'Copy the newest backup to that storage.' },
  BACKUP_DAMAGED: {
    title: 'A backup is damaged',
    todo: 'Take it from another storage: delete this copy, then copy it again. Otherwise take a new backup.',
  },
  VERIFY_FAILED: {
    title: 'Verification found damage',
    todo: 'Take it from another storage: delete this copy, then copy it again. Otherwise take a new backup.',
  },
  VERIFY_STALE: { title: 'Not verified for long', todo: 'Verify one, or plan it: `verify: { every: 7d }`.' },
  DRILL_FAILED: { title: 'The last drill failed', todo: 'Read its log under Activity, and drill another backup.' },
  DRILL_STALE: { title: 'No drill for long', todo: 'Drill one, or plan it: `drill: { every: 7d }`.' },
  KEY_FILE_MISSING: {
    title: 'A key file is missing',
    todo: 'A new backup puts it back; find out who removed it.',
  },
  DATABASE_UNREACHABLE: { title: 'The database does not answer', todo: 'Run `holdfast doctor`.' },
  STORAGE_UNREACHABLE: { title: 'A storage does not answer', todo: 'Run `holdfast doctor`.' },
  STORAGE_MISSING: {
    title: 'The folder of a storage is not there',
    todo: 'Mount the disk. Before the first backup: take one, which makes it.',
  },
  STORAGE_NOT_WRITABLE: { title: 'A storage cannot be written', todo: 'Read its error, and run `holdfast doctor`.' },
  SPACE_SHORT: { title: 'Little space is left', todo: 'Make room, or keep fewer backups.' },
  CLOCK_SKEW: { title: 'A clock is wrong', todo: 'Synchronise the clocks (NTP).' },
  BACKUPS_IN_GIT: { title: 'Backups lie in a git work tree', todo: 'Add the folder to `.gitignore`, or move it.' },
  STATE_NOT_WRITABLE: { title: 'The state folder cannot be written', todo: 'Look at its disk and its owner.' },
  DAEMON_DOWN: { title: 'No daemon works off the schedules', todo: 'Start `holdfast serve`.' },
  ALERT_UNDELIVERED: { title: 'Messages do not arrive', todo: 'Send a test message under Alerts.' },
} as const;

type Findings = { readonly [Code in keyof typeof findingsEn]: { readonly title: string; readonly todo: string } };

export const findingsDe: Findings = {
  NO_BACKUP: { title: 'Keine gute Sicherung', todo: 'Erstellen Sie eine; im Verlauf steht, warum es keine gibt.' },
  TOO_FEW_BACKUPS: {
    title: 'Zu wenige gute Sicherungen',
    todo: 'Sehen Sie in der Liste nach beschädigten, und prüfen Sie die Aufbewahrung.',
  },
  BACKUP_OVERDUE: {
    title: 'Eine Sicherung ist überfällig',
    todo: 'Sehen Sie im Verlauf, warum sie nicht kam, und ob der Dienst läuft.',
  },
  BACKUP_TOO_OLD: {
    title: 'Die neueste Sicherung ist zu alt',
    todo: 'Geben Sie der Quelle einen Zeitplan, oder sagen Sie, wie alt sie sein darf.',
  },
  BACKUP_FROM_FUTURE: {
    title: 'Eine Sicherung aus der Zukunft',
    todo: 'Stellen Sie die Uhr richtig, hier oder wo sie entstand; bis dahin entfernt das Aufräumen nichts.',
  },
  BACKUP_FAILED: {
    title: 'Die letzte Sicherung ist fehlgeschlagen',
    todo: 'Lesen Sie ihren Fehler im Verlauf, und sichern Sie noch einmal.',
  },
  RETENTION_FAILED: { title: 'Das Aufräumen ist fehlgeschlagen', todo: 'Lesen Sie seinen Fehler im Verlauf.' },
  BACKUP_TOO_BIG: {
    title: 'Eine Sicherung ist zu groß',
    todo: 'Lassen Sie mit `dump.exclude` Daten aus, oder heben Sie die Grenze an.',
  },
  SIZE_DROP: {
    title: 'Plötzlich viel kleiner',
    todo: 'Vergleichen Sie den Inhalt mit einer älteren Sicherung, und halten Sie diese fest, bis Sie sicher sind.',
  },
  SIZE_JUMP: { title: 'Plötzlich viel größer', todo: 'Sehen Sie im Inhalt, welche Tabellen gewachsen sind.' },
  COPY_PENDING: {
    title: 'Eine Kopie steht noch aus',
    todo: 'Bringen Sie die Ablage in Ordnung; danach hilft `holdfast copy --pending --now`.',
  },
  COPY_MISSING: { title: 'Eine Kopie fehlt', todo: 'Kopieren Sie die neueste Sicherung in diese Ablage.' },
  BACKUP_DAMAGED: {
    title: 'Eine Sicherung ist beschädigt',
    todo: 'Holen Sie sie aus einer anderen Ablage: diese Kopie löschen, dann neu kopieren. Sonst sichern Sie neu.',
  },
  VERIFY_FAILED: {
    title: 'Die Prüfung fand Schäden',
    todo: 'Holen Sie sie aus einer anderen Ablage: diese Kopie löschen, dann neu kopieren. Sonst sichern Sie neu.',
  },
  VERIFY_STALE: {
    title: 'Lange nicht geprüft',
    todo: 'Prüfen Sie eine, oder planen Sie es ein: `verify: { every: 7d }`.',
  },
  DRILL_FAILED: {
    title: 'Die letzte Probe ist fehlgeschlagen',
    todo: 'Lesen Sie ihr Protokoll im Verlauf, und proben Sie eine andere Sicherung.',
  },
  DRILL_STALE: { title: 'Lange keine Probe', todo: 'Proben Sie eine, oder planen Sie es ein: `drill: { every: 7d }`.' },
  KEY_FILE_MISSING: {
    title: 'Eine Schlüsseldatei fehlt',
    todo: 'Eine neue Sicherung legt sie wieder ab; finden Sie heraus, wer sie entfernt hat.',
  },
  DATABASE_UNREACHABLE: { title: 'Die Datenbank antwortet nicht', todo: 'Starten Sie `holdfast doctor`.' },
  STORAGE_UNREACHABLE: { title: 'Eine Ablage antwortet nicht', todo: 'Starten Sie `holdfast doctor`.' },
  STORAGE_MISSING: {
    title: 'Der Ordner einer Ablage ist nicht da',
    todo: 'Hängen Sie den Datenträger ein. Vor der ersten Sicherung: Sie legt ihn an.',
  },
  STORAGE_NOT_WRITABLE: {
    title: 'Eine Ablage lässt sich nicht beschreiben',
    todo: 'Lesen Sie ihren Fehler, und starten Sie `holdfast doctor`.',
  },
  SPACE_SHORT: { title: 'Der Platz wird knapp', todo: 'Schaffen Sie Platz, oder behalten Sie weniger Sicherungen.' },
  CLOCK_SKEW: { title: 'Eine Uhr geht falsch', todo: 'Gleichen Sie die Uhren ab (NTP).' },
  BACKUPS_IN_GIT: {
    title: 'Sicherungen liegen in einem Git-Ordner',
    todo: 'Tragen Sie den Ordner in `.gitignore` ein, oder verlegen Sie ihn.',
  },
  STATE_NOT_WRITABLE: {
    title: 'Der Zustandsordner lässt sich nicht beschreiben',
    todo: 'Sehen Sie nach Datenträger und Eigentümer.',
  },
  DAEMON_DOWN: { title: 'Kein Dienst arbeitet die Zeitpläne ab', todo: 'Starten Sie `holdfast serve`.' },
  ALERT_UNDELIVERED: { title: 'Meldungen kommen nicht an', todo: 'Schicken Sie unter Meldungen eine Testmeldung.' },
};
