/** What the monitor can find, as docs/monitoring.md has it: what it is, what it means and what to do. A test fails when a code is missing. */
export const findingsEn = {
  NO_BACKUP: {
    title: 'No good backup',
    text: 'Nothing could be restored if the database were lost now.',
    todo: 'Take one; under Activity it says why there is none.',
  },
  TOO_FEW_BACKUPS: {
    title: 'Too few good backups',
    text: 'Good backups: {{value}}; there should be {{threshold}}. There is less to go back to than was asked for.',
    todo: 'Look for damaged ones in the list, and at the retention.',
  },
  BACKUP_OVERDUE: {
    title: 'A backup is overdue',
    text: 'It should have been taken {{value}} ago. What was written since the last one would be lost with the database.',
    todo: 'Look under Activity why it did not come, and whether the daemon runs.',
  },
  BACKUP_TOO_OLD: {
    title: 'The newest backup is too old',
    text: 'It is {{value}} old, and may be {{threshold}} old. What was written since would be lost with the database.',
    todo: 'Give the source a schedule, or say how old it may be.',
  },
  INSTALLATIONS_MIXED: {
    title: 'Two installations write under one name',
    text: 'Installations that go by turns: {{value}}. If they protect different databases, each thins out the backups of the other, and the newest backup may be of the wrong one.',
    todo: 'Give one of them another source name, or a storage of its own. Where both protect the same database, give both the same “instance”.',
  },
  BACKUP_FROM_FUTURE: {
    title: 'A backup from the future',
    text: 'From the future, by this machine’s clock: {{value}}. They do not count, and retention removes nothing as long as they are there.',
    todo: 'Set the clock right, here or where it was taken; until then retention removes nothing.',
  },
  BACKUP_FAILED: {
    title: 'The last backup failed',
    text: 'What was written since the last good one would be lost with the database.',
    todo: 'Read its error under Activity, and take another one.',
  },
  RETENTION_FAILED: {
    title: 'Retention failed',
    text: 'The backups are safe, but they take more and more room.',
    todo: 'Read its error under Activity.',
  },
  BACKUP_TOO_BIG: {
    title: 'A backup is too big',
    text: 'The biggest has {{value}}; {{threshold}} is the limit. Backups take longer and more room than was planned for.',
    todo: 'Leave out data with `dump.exclude`, or raise the limit.',
  },
  SIZE_DROP: {
    title: 'Suddenly much smaller',
    text: 'The newest has {{value}}; at least {{threshold}} would be usual. Data may have been deleted, or the database is not the one it was.',
    todo: 'Compare what is inside with an older backup, and hold that one until you are sure.',
  },
  SIZE_JUMP: {
    title: 'Suddenly much bigger',
    text: 'The newest has {{value}}; at most {{threshold}} would be usual. Something writes much more than it did.',
    todo: 'Look inside which tables grew.',
  },
  COPY_PENDING: {
    title: 'A copy is still owed',
    text: 'The oldest is owed for {{value}}. Until then these backups lie in fewer places than they should; it is tried again by itself.',
    todo: 'Mend the storage; then run `holdfast copy --pending --now`.',
  },
  COPY_MISSING: {
    title: 'A copy is missing',
    text: 'The newest backup, of {{value}} ago, is not there, and nothing is on its way. If its only place is lost, it is lost.',
    todo: 'Copy the newest backup to that storage.',
  },
  BACKUP_DAMAGED: {
    title: 'A backup is damaged',
    text: 'Damaged: {{value}}. They cannot be restored from there. Something or somebody changed what was stored.',
    todo: 'Take it from another storage: delete this copy, then copy it again. Otherwise take a new backup.',
  },
  BACKUP_UNREADABLE: {
    title: 'A backup cannot be read from here',
    text: 'Not readable: {{value}}. They cannot be restored from here as things are. Nothing says that they are damaged, and retention leaves them alone.',
    todo: 'Upgrade Holdfast where a newer version made them; otherwise see why the storage does not give them out. Delete none of them because of it.',
  },
  VERIFY_FAILED: {
    title: 'Verification found damage',
    text: 'Did not pass: {{value}}. What is stored is not what was written; it cannot be relied on.',
    todo: 'Take it from another storage: delete this copy, then copy it again. Otherwise take a new backup.',
  },
  VERIFY_STALE: {
    title: 'Not verified for long',
    text: 'Nobody has looked for {{value}} whether what is stored is still whole; {{threshold}} is the limit.',
    todo: 'Verify one, or plan it: `verify: { every: 7d }`.',
  },
  DRILL_FAILED: {
    title: 'The last drill failed',
    text: 'It is not certain that the backups can be restored.',
    todo: 'Read its log under Activity, and drill another backup.',
  },
  DRILL_STALE: {
    title: 'No drill for long',
    text: 'Nobody has tried for {{value}} whether the backups can be restored; {{threshold}} is the limit.',
    todo: 'Drill one, or plan it: `drill: { every: 7d }`.',
  },
  BACKUPS_VANISHED: {
    title: 'Backups are gone',
    text: '{{value}} of those made here are not in that storage any more, and nothing here removed them. Their disk is not mounted, or somebody removed them.',
    todo: 'Mount the disk. `holdfast copy --all` brings back what another storage has; when they are gone for good, `holdfast rebuild` accepts it.',
  },
  KEY_FILE_MISSING: {
    title: 'A key file is missing',
    text: 'Not there: {{value}}. Backups in that storage that were encrypted under it are whole, and cannot be opened without it, whatever passphrase is given.',
    todo: 'A new backup puts it back where this machine or another storage has it; otherwise the recovery sheet does. Delete no backup because of it.',
  },
  KEY_NOT_OPENED: {
    title: 'The passphrase opens nothing',
    text: 'What is configured does not open the key of the newest backup ({{value}}). It cannot be restored with it, and the next backup will fail.',
    todo: 'Configure the right passphrase, or run `holdfast key change-passphrase`; `holdfast doctor` tries every key.',
  },
  DATABASE_UNREACHABLE: {
    title: 'The database does not answer',
    text: 'The next backup will fail; the stored ones are as they were.',
    todo: 'Run `holdfast doctor`.',
  },
  STORAGE_UNREACHABLE: {
    title: 'A storage does not answer',
    text: 'Backups cannot be stored there, nor restored from there. What is said of them here is what was last seen.',
    todo: 'Run `holdfast doctor`.',
  },
  STORAGE_MISSING: {
    title: 'The folder of a storage is not there',
    text: 'What was in it is gone, or its disk is not mounted; or there was no backup yet.',
    todo: 'Mount the disk. Before the first backup: take one, which makes it.',
  },
  STORAGE_NOT_WRITABLE: {
    title: 'A storage cannot be written',
    text: 'The next backup will fail, or will not get its copy there.',
    todo: 'Read its error, and run `holdfast doctor`.',
  },
  SPACE_SHORT: {
    title: 'Little space is left',
    text: '{{value}} are free; {{threshold}} are needed.',
    todo: 'Make room, or keep fewer backups.',
  },
  CLOCK_SKEW: {
    title: 'A clock is wrong',
    text: 'It differs by {{value}} from this machine’s; {{threshold}} are tolerated. Ages of backups cannot be trusted.',
    todo: 'Synchronise the clocks (NTP).',
  },
  BACKUPS_IN_GIT: {
    title: 'Backups lie in a git work tree',
    text: 'One `git add .` and a push, and the whole database is published.',
    todo: 'Add the folder to `.gitignore`, or move it.',
  },
  STATE_NOT_WRITABLE: {
    title: 'The state folder cannot be written',
    text: 'No backup can begin, because nothing could be locked or recorded.',
    todo: 'Look at its disk and its owner.',
  },
  DAEMON_DOWN: {
    title: 'No daemon works off the schedules',
    text: 'No backup will be taken by itself.',
    todo: 'Start `holdfast serve`.',
  },
  ALERT_UNDELIVERED: {
    title: 'Messages do not arrive',
    text: 'Who relies on being told is not told.',
    todo: 'Send a test message under Alerts.',
  },
} as const;

type Findings = {
  readonly [Code in keyof typeof findingsEn]: { readonly title: string; readonly text: string; readonly todo: string };
};

export const findingsDe: Findings = {
  NO_BACKUP: {
    title: 'Keine gute Sicherung',
    text: 'Ginge die Datenbank jetzt verloren, ließe sich nichts wiederherstellen.',
    todo: 'Erstellen Sie eine; im Verlauf steht, warum es keine gibt.',
  },
  TOO_FEW_BACKUPS: {
    title: 'Zu wenige gute Sicherungen',
    text: 'Gute Sicherungen: {{value}}; es sollten {{threshold}} sein. Es gibt weniger, worauf man zurückgehen kann, als verlangt ist.',
    todo: 'Sehen Sie in der Liste nach beschädigten, und prüfen Sie die Aufbewahrung.',
  },
  BACKUP_OVERDUE: {
    title: 'Eine Sicherung ist überfällig',
    text: 'Sie hätte vor {{value}} entstehen sollen. Was seit der letzten geschrieben wurde, ginge mit der Datenbank verloren.',
    todo: 'Sehen Sie im Verlauf, warum sie nicht kam, und ob der Dienst läuft.',
  },
  BACKUP_TOO_OLD: {
    title: 'Die neueste Sicherung ist zu alt',
    text: 'Sie ist {{value}} alt, und darf {{threshold}} alt sein. Was seitdem geschrieben wurde, ginge mit der Datenbank verloren.',
    todo: 'Geben Sie der Quelle einen Zeitplan, oder sagen Sie, wie alt sie sein darf.',
  },
  INSTALLATIONS_MIXED: {
    title: 'Zwei Installationen schreiben unter einem Namen',
    text: 'Installationen, die einander abwechseln: {{value}}. Schützen sie verschiedene Datenbanken, räumt jede die Sicherungen der anderen weg, und die neueste Sicherung kann von der falschen sein.',
    todo: 'Geben Sie einer einen anderen Quellennamen oder eine eigene Ablage. Schützen beide dieselbe Datenbank, geben Sie beiden dieselbe „instance“.',
  },
  BACKUP_FROM_FUTURE: {
    title: 'Eine Sicherung aus der Zukunft',
    text: 'Aus der Zukunft, nach der Uhr dieses Rechners: {{value}}. Sie zählen nicht, und das Aufräumen entfernt nichts, solange es sie gibt.',
    todo: 'Stellen Sie die Uhr richtig, hier oder wo sie entstand; bis dahin entfernt das Aufräumen nichts.',
  },
  BACKUP_FAILED: {
    title: 'Die letzte Sicherung ist fehlgeschlagen',
    text: 'Was seit der letzten guten geschrieben wurde, ginge mit der Datenbank verloren.',
    todo: 'Lesen Sie ihren Fehler im Verlauf, und sichern Sie noch einmal.',
  },
  RETENTION_FAILED: {
    title: 'Das Aufräumen ist fehlgeschlagen',
    text: 'Die Sicherungen sind in Ordnung, brauchen aber immer mehr Platz.',
    todo: 'Lesen Sie seinen Fehler im Verlauf.',
  },
  BACKUP_TOO_BIG: {
    title: 'Eine Sicherung ist zu groß',
    text: 'Die größte hat {{value}}; {{threshold}} ist die Grenze. Sicherungen brauchen länger und mehr Platz als vorgesehen.',
    todo: 'Lassen Sie mit `dump.exclude` Daten aus, oder heben Sie die Grenze an.',
  },
  SIZE_DROP: {
    title: 'Plötzlich viel kleiner',
    text: 'Die neueste hat {{value}}; üblich wären mindestens {{threshold}}. Daten könnten gelöscht worden sein, oder die Datenbank ist nicht mehr dieselbe.',
    todo: 'Vergleichen Sie den Inhalt mit einer älteren Sicherung, und halten Sie diese fest, bis Sie sicher sind.',
  },
  SIZE_JUMP: {
    title: 'Plötzlich viel größer',
    text: 'Die neueste hat {{value}}; üblich wären höchstens {{threshold}}. Etwas schreibt viel mehr als bisher.',
    todo: 'Sehen Sie im Inhalt, welche Tabellen gewachsen sind.',
  },
  COPY_PENDING: {
    title: 'Eine Kopie steht noch aus',
    text: 'Die älteste steht seit {{value}} aus. So lange liegen diese Sicherungen an weniger Orten, als sie sollten; es wird von selbst wieder versucht.',
    todo: 'Bringen Sie die Ablage in Ordnung; danach hilft `holdfast copy --pending --now`.',
  },
  COPY_MISSING: {
    title: 'Eine Kopie fehlt',
    text: 'Die neueste Sicherung, von vor {{value}}, ist nicht dort, und nichts ist unterwegs. Geht ihr einziger Ort verloren, ist sie verloren.',
    todo: 'Kopieren Sie die neueste Sicherung in diese Ablage.',
  },
  BACKUP_DAMAGED: {
    title: 'Eine Sicherung ist beschädigt',
    text: 'Beschädigt: {{value}}. Von dort lassen sie sich nicht wiederherstellen. Etwas oder jemand hat das Gespeicherte verändert.',
    todo: 'Holen Sie sie aus einer anderen Ablage: diese Kopie löschen, dann neu kopieren. Sonst sichern Sie neu.',
  },
  BACKUP_UNREADABLE: {
    title: 'Eine Sicherung ist von hier aus nicht lesbar',
    text: 'Nicht lesbar: {{value}}. So, wie es jetzt ist, lassen sie sich von hier aus nicht wiederherstellen. Nichts spricht dafür, dass sie beschädigt sind, und die Aufbewahrung rührt sie nicht an.',
    todo: 'Bringen Sie Holdfast auf den neuesten Stand, wenn eine neuere Fassung sie gemacht hat; sonst sehen Sie nach, warum die Ablage sie nicht herausgibt. Löschen Sie deswegen keine.',
  },
  VERIFY_FAILED: {
    title: 'Die Prüfung fand Schäden',
    text: 'Nicht bestanden: {{value}}. Gespeichert ist nicht, was geschrieben wurde; darauf ist kein Verlass.',
    todo: 'Holen Sie sie aus einer anderen Ablage: diese Kopie löschen, dann neu kopieren. Sonst sichern Sie neu.',
  },
  VERIFY_STALE: {
    title: 'Lange nicht geprüft',
    text: 'Seit {{value}} hat niemand nachgesehen, ob das Gespeicherte noch ganz ist; {{threshold}} ist die Grenze.',
    todo: 'Prüfen Sie eine, oder planen Sie es ein: `verify: { every: 7d }`.',
  },
  DRILL_FAILED: {
    title: 'Die letzte Probe ist fehlgeschlagen',
    text: 'Es steht nicht fest, dass sich die Sicherungen wiederherstellen lassen.',
    todo: 'Lesen Sie ihr Protokoll im Verlauf, und proben Sie eine andere Sicherung.',
  },
  DRILL_STALE: {
    title: 'Lange keine Probe',
    text: 'Seit {{value}} hat niemand probiert, ob sich die Sicherungen wiederherstellen lassen; {{threshold}} ist die Grenze.',
    todo: 'Proben Sie eine, oder planen Sie es ein: `drill: { every: 7d }`.',
  },
  BACKUPS_VANISHED: {
    title: 'Sicherungen sind fort',
    text: '{{value}} von den hier gemachten liegen nicht mehr in dieser Ablage, und von hier wurden sie nicht entfernt. Der Datenträger ist nicht eingehängt, oder jemand hat sie gelöscht.',
    todo: 'Hängen Sie den Datenträger ein. `holdfast copy --all` holt zurück, was eine andere Ablage hat; sind sie endgültig fort, nimmt `holdfast rebuild` es hin.',
  },
  KEY_FILE_MISSING: {
    title: 'Eine Schlüsseldatei fehlt',
    text: 'Nicht da: {{value}}. Die damit verschlüsselten Sicherungen in dieser Ablage sind unversehrt, lassen sich ohne sie aber nicht öffnen, gleich mit welcher Passphrase.',
    todo: 'Eine neue Sicherung legt sie wieder ab, wo dieser Rechner oder eine andere Ablage sie hat; sonst hilft das Wiederherstellungsblatt. Löschen Sie deswegen keine Sicherung.',
  },
  KEY_NOT_OPENED: {
    title: 'Die Passphrase öffnet nichts',
    text: 'Was eingestellt ist, öffnet den Schlüssel der neuesten Sicherung nicht ({{value}}). Mit ihr lässt sie sich nicht wiederherstellen, und die nächste Sicherung wird fehlschlagen.',
    todo: 'Stellen Sie die richtige Passphrase ein, oder starten Sie `holdfast key change-passphrase`; `holdfast doctor` probiert jeden Schlüssel.',
  },
  DATABASE_UNREACHABLE: {
    title: 'Die Datenbank antwortet nicht',
    text: 'Die nächste Sicherung wird fehlschlagen; die gespeicherten sind, wie sie waren.',
    todo: 'Starten Sie `holdfast doctor`.',
  },
  STORAGE_UNREACHABLE: {
    title: 'Eine Ablage antwortet nicht',
    text: 'Sicherungen lassen sich dort weder ablegen noch von dort wiederherstellen. Was hier über sie steht, ist der letzte bekannte Stand.',
    todo: 'Starten Sie `holdfast doctor`.',
  },
  STORAGE_MISSING: {
    title: 'Der Ordner einer Ablage ist nicht da',
    text: 'Was darin war, ist fort, oder der Datenträger ist nicht eingehängt; oder es gab noch keine Sicherung.',
    todo: 'Hängen Sie den Datenträger ein. Vor der ersten Sicherung: Sie legt ihn an.',
  },
  STORAGE_NOT_WRITABLE: {
    title: 'Eine Ablage lässt sich nicht beschreiben',
    text: 'Die nächste Sicherung wird fehlschlagen, oder dort keine Kopie bekommen.',
    todo: 'Lesen Sie ihren Fehler, und starten Sie `holdfast doctor`.',
  },
  SPACE_SHORT: {
    title: 'Der Platz wird knapp',
    text: '{{value}} sind frei; {{threshold}} werden gebraucht.',
    todo: 'Schaffen Sie Platz, oder behalten Sie weniger Sicherungen.',
  },
  CLOCK_SKEW: {
    title: 'Eine Uhr geht falsch',
    text: 'Sie weicht um {{value}} von der dieses Rechners ab; {{threshold}} sind zulässig. Auf das Alter von Sicherungen ist kein Verlass.',
    todo: 'Gleichen Sie die Uhren ab (NTP).',
  },
  BACKUPS_IN_GIT: {
    title: 'Sicherungen liegen in einem Git-Ordner',
    text: 'Ein `git add .` und ein Push, und die ganze Datenbank ist veröffentlicht.',
    todo: 'Tragen Sie den Ordner in `.gitignore` ein, oder verlegen Sie ihn.',
  },
  STATE_NOT_WRITABLE: {
    title: 'Der Zustandsordner lässt sich nicht beschreiben',
    text: 'Keine Sicherung kann beginnen, weil sich nichts sperren und nichts festhalten ließe.',
    todo: 'Sehen Sie nach Datenträger und Eigentümer.',
  },
  DAEMON_DOWN: {
    title: 'Kein Dienst arbeitet die Zeitpläne ab',
    text: 'Von selbst entsteht keine Sicherung.',
    todo: 'Starten Sie `holdfast serve`.',
  },
  ALERT_UNDELIVERED: {
    title: 'Meldungen kommen nicht an',
    text: 'Wer sich darauf verlässt, benachrichtigt zu werden, erfährt nichts.',
    todo: 'Schicken Sie unter Meldungen eine Testmeldung.',
  },
};
