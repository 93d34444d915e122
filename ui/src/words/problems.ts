/**
 * What the server refuses of people who sign in, look something up or fill in a form, by its code. Of everything else its own words are shown,
 * which name what they are about. A test fails when one of ours is no code of the server.
 */
export const problemsEn = {
  LOGIN_WRONG: {
    text: 'Name or password is wrong.',
    hint: 'Who has forgotten it gets a new one with `holdfast user passwd` on the server.',
  },
  LOGIN_CODE_NEEDED: {
    text: 'The code of the authenticator is needed.',
    hint: 'A recovery code works, too.',
  },
  LOGIN_CODE_WRONG: {
    text: 'The code is wrong or was used already.',
    hint: 'Check the clock of the telephone; a recovery code works, too.',
  },
  LOGIN_THROTTLED: {
    text: 'There were too many wrong tries.',
    hint: 'Try again in {{seconds}} s.',
  },
  PROVIDER_GROUP: {
    text: 'You are in none of the groups that are let in.',
    hint: 'Ask whoever looks after this installation; `server.provider` names the groups.',
  },
  PROVIDER_REFUSED: {
    text: 'The sign-in came to nothing.',
    hint: 'Begin it again; it has to be finished within ten minutes. The log of the daemon has the cause.',
  },
  PROVIDER_UNREACHABLE: {
    text: 'The provider of the sign-in does not answer as it should.',
    hint: 'Try again in a moment; `server.provider.issuer` says where it is.',
  },
  SETUP_TOKEN_WRONG: {
    text: 'This is not the setup token.',
    hint: 'The log of the daemon shows it at each start as long as there is no user.',
  },
  SETUP_OVER: {
    text: 'This installation has users already.',
    hint: 'Load this page again and sign in; an admin can add others, and so can `holdfast user create`.',
  },
  PASSWORD_WEAK: {
    text: 'The password is too short, too long, or the same few characters again and again.',
    hint: 'It needs at least 10 characters. A few words in a row are easy to remember and hard to guess.',
  },
  USER_NAME: {
    text: 'This cannot be the name of a user.',
    hint: 'Allowed are a-z, 0-9 and . _ @ + -, at most 63, beginning with a letter or digit.',
  },
  USER_EXISTS: {
    text: 'There is a user of this name already.',
    hint: 'Choose another name, or give that one a new password or role.',
  },
  USER_UNKNOWN: { text: 'This user does not exist any more.', hint: 'Load this page again.' },
  LAST_ADMIN: { text: 'This is the only admin.', hint: 'Make somebody else an admin first.' },
  TOTP_ON: { text: 'The second factor is on already.', hint: 'Turn it off first; that takes the password.' },
  TOKEN_EXISTS: {
    text: 'There is a token of this name already.',
    hint: 'Revoke it first, or choose another name.',
  },
  TOKEN_UNKNOWN: { text: 'This token does not exist any more.', hint: 'Load this page again.' },
  SOURCE_UNKNOWN: {
    text: 'This source does not exist, or not for you.',
    hint: 'The overview shows those there are.',
  },
  BACKUP_UNKNOWN: {
    text: 'This backup does not exist, or not any more.',
    hint: 'The page of its source shows those there are.',
  },
  RUN_UNKNOWN: {
    text: 'This run does not exist, or not any more.',
    hint: 'Activity shows those there are; old ones are forgotten.',
  },
  RUN_ENDED: { text: 'It has ended already.', hint: 'There is nothing left to cancel.' },
  CONFIG_CHANGED: {
    text: 'The settings were changed by somebody else meanwhile.',
    hint: 'Look at them again, then repeat your change.',
  },
  DAEMON_STOPPING: { text: 'The daemon is being stopped.', hint: 'Try again once it is back.' },
};

export const problemsDe: typeof problemsEn = {
  LOGIN_WRONG: {
    text: 'Name oder Passwort ist falsch.',
    hint: 'Wer es vergessen hat, bekommt mit `holdfast user passwd` auf dem Server ein neues.',
  },
  LOGIN_CODE_NEEDED: {
    text: 'Der Code der Authenticator-App fehlt.',
    hint: 'Ein Ersatzcode geht auch.',
  },
  LOGIN_CODE_WRONG: {
    text: 'Der Code ist falsch oder wurde schon benutzt.',
    hint: 'Prüfen Sie die Uhr des Telefons; ein Ersatzcode geht auch.',
  },
  LOGIN_THROTTLED: {
    text: 'Es gab zu viele falsche Versuche.',
    hint: 'Versuchen Sie es in {{seconds}} s wieder.',
  },
  PROVIDER_GROUP: {
    text: 'Sie sind in keiner der Gruppen, die eingelassen werden.',
    hint: 'Fragen Sie, wer diese Installation betreut; `server.provider` nennt die Gruppen.',
  },
  PROVIDER_REFUSED: {
    text: 'Die Anmeldung kam nicht zustande.',
    hint: 'Beginnen Sie sie noch einmal; sie muss innerhalb von zehn Minuten fertig sein. Das Protokoll des Dienstes nennt die Ursache.',
  },
  PROVIDER_UNREACHABLE: {
    text: 'Der Anmeldedienst antwortet nicht, wie er sollte.',
    hint: 'Versuchen Sie es gleich noch einmal; `server.provider.issuer` sagt, wo er ist.',
  },
  SETUP_TOKEN_WRONG: {
    text: 'Das ist nicht der Einrichtungscode.',
    hint: 'Er steht bei jedem Start im Protokoll des Dienstes, solange es kein Konto gibt.',
  },
  SETUP_OVER: {
    text: 'Diese Installation hat schon Konten.',
    hint: 'Laden Sie diese Seite neu und melden Sie sich an; ein Verwalter kann weitere anlegen, `holdfast user create` auch.',
  },
  PASSWORD_WEAK: {
    text: 'Das Passwort ist zu kurz, zu lang oder besteht immer aus denselben wenigen Zeichen.',
    hint: 'Es braucht mindestens 10 Zeichen. Einige Wörter hintereinander sind leicht zu merken und schwer zu erraten.',
  },
  USER_NAME: {
    text: 'So kann ein Konto nicht heißen.',
    hint: 'Erlaubt sind a-z, 0-9 und . _ @ + -, höchstens 63, am Anfang ein Buchstabe oder eine Ziffer.',
  },
  USER_EXISTS: {
    text: 'Ein Konto dieses Namens gibt es schon.',
    hint: 'Wählen Sie einen anderen Namen, oder geben Sie jenem ein neues Passwort oder eine andere Rolle.',
  },
  USER_UNKNOWN: { text: 'Dieses Konto gibt es nicht mehr.', hint: 'Laden Sie diese Seite neu.' },
  LAST_ADMIN: { text: 'Das ist der einzige Verwalter.', hint: 'Machen Sie zuerst jemand anderen zum Verwalter.' },
  TOTP_ON: {
    text: 'Der zweite Faktor ist schon eingeschaltet.',
    hint: 'Schalten Sie ihn zuerst aus; dazu braucht es das Passwort.',
  },
  TOKEN_EXISTS: {
    text: 'Ein Token dieses Namens gibt es schon.',
    hint: 'Widerrufen Sie es zuerst, oder wählen Sie einen anderen Namen.',
  },
  TOKEN_UNKNOWN: { text: 'Dieses Token gibt es nicht mehr.', hint: 'Laden Sie diese Seite neu.' },
  SOURCE_UNKNOWN: {
    text: 'Diese Quelle gibt es nicht, oder nicht für Sie.',
    hint: 'Die Übersicht zeigt, welche es gibt.',
  },
  BACKUP_UNKNOWN: {
    text: 'Diese Sicherung gibt es nicht, oder nicht mehr.',
    hint: 'Die Seite ihrer Quelle zeigt, welche es gibt.',
  },
  RUN_UNKNOWN: {
    text: 'Diesen Lauf gibt es nicht, oder nicht mehr.',
    hint: 'Der Verlauf zeigt, welche es gibt; alte werden vergessen.',
  },
  RUN_ENDED: { text: 'Er ist schon zu Ende.', hint: 'Es gibt nichts mehr abzubrechen.' },
  CONFIG_CHANGED: {
    text: 'Jemand anderes hat die Einstellungen inzwischen geändert.',
    hint: 'Sehen Sie sie noch einmal an, und wiederholen Sie dann Ihre Änderung.',
  },
  DAEMON_STOPPING: {
    text: 'Der Dienst wird gerade beendet.',
    hint: 'Versuchen Sie es wieder, sobald er zurück ist.',
  },
};
