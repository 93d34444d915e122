/** The checks before a restore, and what each result means. A test fails when one of ours is missing; names and versions come from the server. */
export const guardsEn = {
  latest: {
    name: 'Newest backup',
    pass: 'It is the newest backup.',
    warn: 'There is a newer backup, which has only some parts of the source or is damaged; this restores the newest whole one.',
    block: 'There is a newer backup.',
  },
  target: {
    name: 'Target',
    pass: 'The database can take what is restored.',
    warn: 'Look at the target before you go on.',
    block: 'The target cannot take what is restored.',
  },
  rights: {
    name: 'Rights',
    pass: 'The role may do all that is needed.',
    warn: 'The role may perhaps not replace everything; then the restore ends without a change.',
    block: 'The role may not do what is needed.',
  },
  'server-version': {
    name: 'Server version',
    pass: 'The server is at least as new as the one the backup was made on.',
    warn: 'The server is older than the one the backup was made on; you have allowed it.',
    block: 'The server is older than the one the backup was made on, and may not understand it.',
  },
  encoding: {
    name: 'Encoding',
    pass: 'Text keeps its encoding.',
    warn: 'The encodings differ; what that means is said below.',
    block: 'The encodings differ: what is restored does not fit what is there.',
  },
  collation: {
    name: 'Sort order',
    pass: 'Text is sorted as before.',
    warn: 'Text may be sorted otherwise than before; indexes are built anew.',
    block: 'Text would be sorted otherwise than before.',
  },
  roles: {
    name: 'Roles',
    pass: 'All roles that own something are there.',
    warn: 'Some roles are not there; you have allowed it.',
    block: 'Roles that own something, or that policies name, are missing or out of reach.',
  },
  extensions: {
    name: 'Extensions',
    pass: 'All extensions are there.',
    warn: 'Extensions are there in other versions.',
    block: 'Extensions are not installed on the server.',
  },
  sessions: {
    name: 'Connections',
    pass: 'Nobody else is connected.',
    warn: 'Others are connected, and will notice.',
    block: 'Others are connected and stand in the way.',
  },
  script: {
    name: 'Script',
    pass: 'Nothing in it can run commands.',
    warn: 'It is a script of foreign origin; you have allowed it.',
    block: 'It is a script of foreign origin, which can run commands on that machine.',
  },
  excluded: {
    name: 'Left out',
    pass: 'Nothing that is there now was left out of it.',
    warn: 'Something that is there now was left out of the backup or dump, and will not be in the restored database.',
    block:
      'Something that is there now was left out of the backup or dump: keep the old database, or it is not there afterwards.',
  },
  superuser: {
    name: 'Foreign dump',
    pass: 'The role cannot reach beyond its databases.',
    warn: 'It was made elsewhere and runs with the rights of a superuser; you have allowed it.',
    block: 'It was made elsewhere, and the role may start programs on the server: whatever stands in it could, too.',
  },
  tools: {
    name: 'Tools',
    pass: 'The client tools can be used.',
    warn: 'The client tools have known holes; you have allowed them.',
    block: 'The client tools have known holes that a dump of foreign origin could use.',
  },
  swap: {
    name: 'Exchange',
    pass: 'The database can be exchanged.',
    warn: 'Something ties the database to its name.',
    block:
      'The database cannot be exchanged for the restored one: something ties it to its name, or could not be made again.',
  },
  around: {
    name: 'Around it',
    pass: 'What is not restored stays as it is.',
    warn: 'Some of what stands around it will not be as it was.',
    block: 'Something that stands around it would be lost.',
  },
  'app-stopped': {
    name: 'Application stopped',
    pass: 'The application is stopped.',
    warn: 'The application runs, or nobody can tell; see to it that it does not go on with what was there before.',
    block: 'The application runs, and would go on with what was there before: stop it first.',
  },
  'app-version': {
    name: 'Version of the application',
    pass: 'The application is at least as new as the one that was saved.',
    warn: 'The versions cannot be compared, or the application is older and you have allowed it.',
    block: 'The application is older than the one that was saved, and would not understand its data.',
  },
  'app-dialect': {
    name: 'Kind of database',
    pass: 'The application uses the same kind of database.',
    warn: 'The application may use another kind of database.',
    block: 'The application uses another kind of database.',
  },
  'app-settings': {
    name: 'Settings of the application',
    pass: 'The settings of the application fit.',
    warn: 'The settings of the application cannot be seen from here: they must be those that are named below.',
    block: 'The settings of the application do not fit.',
  },
  'app-underscored': {
    name: 'Names of columns',
    pass: 'The application names its columns as the one that was saved.',
    warn: 'The application may name its columns otherwise.',
    block: 'The application names its tables and columns otherwise, and would not find them.',
  },
  'app-prefix': {
    name: 'Prefix of tables',
    pass: 'The application names its tables as the one that was saved.',
    warn: 'The application may name its tables otherwise.',
    block: 'The application has another prefix for its tables, and would not find them.',
  },
  'app-schema': {
    name: 'Schema of the application',
    pass: 'The application looks for its tables in the same schema.',
    warn: 'The application looks for its tables in another schema; you have allowed them to be moved there.',
    block: 'The application looks for its tables in another schema.',
  },
  'app-server': {
    name: 'Server of the application',
    pass: 'The server is at least as new as the one that was saved.',
    warn: 'The server is older than the one that was saved; you have allowed it.',
    block: 'The server is older than the one that was saved.',
  },
  'app-plugins': {
    name: 'Plugins',
    pass: 'All plugins are installed.',
    warn: 'Plugins are not installed here; the application starts without them.',
    block: 'Plugins are not installed here.',
  },
  'app-keys': {
    name: 'Keys of the application',
    pass: 'The application can read what it has encrypted.',
    warn: 'The application cannot read what it has encrypted; you have allowed it.',
    block: 'The application could not read what it has encrypted: its key is missing, or is another one.',
  },
} as const;

export type GuardWords = {
  readonly [Code in keyof typeof guardsEn]: {
    readonly name: string;
    readonly pass: string;
    readonly warn: string;
    readonly block: string;
  };
};

export const guardsDe: GuardWords = {
  latest: {
    name: 'Neueste Sicherung',
    pass: 'Es ist die neueste Sicherung.',
    warn: 'Es gibt eine neuere Sicherung, die nur Teile der Quelle hat oder beschädigt ist; wiederhergestellt wird die neueste vollständige.',
    block: 'Es gibt eine neuere Sicherung.',
  },
  target: {
    name: 'Ziel',
    pass: 'Die Datenbank kann aufnehmen, was wiederhergestellt wird.',
    warn: 'Sehen Sie sich das Ziel an, bevor Sie weitermachen.',
    block: 'Das Ziel kann nicht aufnehmen, was wiederhergestellt wird.',
  },
  rights: {
    name: 'Rechte',
    pass: 'Die Rolle darf alles, was nötig ist.',
    warn: 'Die Rolle darf vielleicht nicht alles ersetzen; dann endet die Wiederherstellung ohne Änderung.',
    block: 'Die Rolle darf nicht, was nötig ist.',
  },
  'server-version': {
    name: 'Server-Version',
    pass: 'Der Server ist mindestens so neu wie der, auf dem gesichert wurde.',
    warn: 'Der Server ist älter als der, auf dem gesichert wurde; Sie haben es zugelassen.',
    block: 'Der Server ist älter als der, auf dem gesichert wurde, und versteht es vielleicht nicht.',
  },
  encoding: {
    name: 'Zeichensatz',
    pass: 'Der Text behält seinen Zeichensatz.',
    warn: 'Die Zeichensätze unterscheiden sich; was das bedeutet, steht darunter.',
    block: 'Die Zeichensätze unterscheiden sich: Was wiederhergestellt wird, passt nicht zu dem, was da ist.',
  },
  collation: {
    name: 'Sortierung',
    pass: 'Text wird sortiert wie zuvor.',
    warn: 'Text wird vielleicht anders sortiert als zuvor; Indizes werden neu aufgebaut.',
    block: 'Text würde anders sortiert als zuvor.',
  },
  roles: {
    name: 'Rollen',
    pass: 'Alle Rollen, denen etwas gehört, sind da.',
    warn: 'Einige Rollen sind nicht da; Sie haben es zugelassen.',
    block: 'Rollen, denen etwas gehört oder die in Richtlinien stehen, fehlen oder sind unerreichbar.',
  },
  extensions: {
    name: 'Erweiterungen',
    pass: 'Alle Erweiterungen sind da.',
    warn: 'Erweiterungen sind in anderen Versionen da.',
    block: 'Erweiterungen sind auf dem Server nicht installiert.',
  },
  sessions: {
    name: 'Verbindungen',
    pass: 'Niemand sonst ist verbunden.',
    warn: 'Andere sind verbunden, und werden es merken.',
    block: 'Andere sind verbunden und stehen im Weg.',
  },
  script: {
    name: 'Skript',
    pass: 'Nichts darin kann Befehle ausführen.',
    warn: 'Es ist ein Skript fremder Herkunft; Sie haben es zugelassen.',
    block: 'Es ist ein Skript fremder Herkunft, das auf jenem Rechner Befehle ausführen kann.',
  },
  excluded: {
    name: 'Ausgelassen',
    pass: 'Nichts, was jetzt da ist, wurde ausgelassen.',
    warn: 'Etwas, das jetzt da ist, wurde in der Sicherung oder im Dump ausgelassen und wird in der wiederhergestellten Datenbank fehlen.',
    block:
      'Etwas, das jetzt da ist, wurde in der Sicherung oder im Dump ausgelassen: Heben Sie die alte Datenbank auf, sonst ist es danach nicht mehr da.',
  },
  superuser: {
    name: 'Fremder Dump',
    pass: 'Die Rolle reicht nicht über ihre Datenbanken hinaus.',
    warn: 'Es wurde anderswo gemacht und läuft mit den Rechten eines Superusers; Sie haben es zugelassen.',
    block:
      'Es wurde anderswo gemacht, und die Rolle darf auf dem Server Programme starten: was darin steht, könnte es auch.',
  },
  tools: {
    name: 'Programme',
    pass: 'Die Client-Programme lassen sich verwenden.',
    warn: 'Die Client-Programme haben bekannte Lücken; Sie haben sie zugelassen.',
    block: 'Die Client-Programme haben bekannte Lücken, die eine Datei fremder Herkunft ausnutzen könnte.',
  },
  swap: {
    name: 'Austausch',
    pass: 'Die Datenbank lässt sich austauschen.',
    warn: 'Etwas bindet die Datenbank an ihren Namen.',
    block:
      'Die Datenbank lässt sich nicht gegen die wiederhergestellte austauschen: Etwas bindet sie an ihren Namen oder ließe sich nicht neu anlegen.',
  },
  around: {
    name: 'Ringsum',
    pass: 'Was nicht wiederhergestellt wird, bleibt, wie es ist.',
    warn: 'Einiges von dem, was ringsum steht, wird nicht sein, wie es war.',
    block: 'Etwas, das ringsum steht, ginge verloren.',
  },
  'app-stopped': {
    name: 'Anwendung angehalten',
    pass: 'Die Anwendung ist angehalten.',
    warn: 'Die Anwendung läuft, oder niemand kann es sagen; sorgen Sie dafür, dass sie nicht mit dem Bisherigen weitermacht.',
    block: 'Die Anwendung läuft und würde mit dem Bisherigen weitermachen: Halten Sie sie zuerst an.',
  },
  'app-version': {
    name: 'Version der Anwendung',
    pass: 'Die Anwendung ist mindestens so neu wie die gesicherte.',
    warn: 'Die Versionen lassen sich nicht vergleichen, oder die Anwendung ist älter und Sie haben es zugelassen.',
    block: 'Die Anwendung ist älter als die gesicherte und verstünde deren Daten nicht.',
  },
  'app-dialect': {
    name: 'Art der Datenbank',
    pass: 'Die Anwendung verwendet dieselbe Art von Datenbank.',
    warn: 'Die Anwendung verwendet vielleicht eine andere Art von Datenbank.',
    block: 'Die Anwendung verwendet eine andere Art von Datenbank.',
  },
  'app-settings': {
    name: 'Einstellungen der Anwendung',
    pass: 'Die Einstellungen der Anwendung passen.',
    warn: 'Die Einstellungen der Anwendung sind von hier nicht zu sehen: Es müssen die sein, die darunter stehen.',
    block: 'Die Einstellungen der Anwendung passen nicht.',
  },
  'app-underscored': {
    name: 'Namen der Spalten',
    pass: 'Die Anwendung benennt ihre Spalten wie die gesicherte.',
    warn: 'Die Anwendung benennt ihre Spalten vielleicht anders.',
    block: 'Die Anwendung benennt Tabellen und Spalten anders und fände sie nicht.',
  },
  'app-prefix': {
    name: 'Präfix der Tabellen',
    pass: 'Die Anwendung benennt ihre Tabellen wie die gesicherte.',
    warn: 'Die Anwendung benennt ihre Tabellen vielleicht anders.',
    block: 'Die Anwendung hat ein anderes Präfix für ihre Tabellen und fände sie nicht.',
  },
  'app-schema': {
    name: 'Schema der Anwendung',
    pass: 'Die Anwendung sucht ihre Tabellen im selben Schema.',
    warn: 'Die Anwendung sucht ihre Tabellen in einem anderen Schema; Sie haben zugelassen, dass sie dorthin kommen.',
    block: 'Die Anwendung sucht ihre Tabellen in einem anderen Schema.',
  },
  'app-server': {
    name: 'Server der Anwendung',
    pass: 'Der Server ist mindestens so neu wie der, auf dem gesichert wurde.',
    warn: 'Der Server ist älter als der, auf dem gesichert wurde; Sie haben es zugelassen.',
    block: 'Der Server ist älter als der, auf dem gesichert wurde.',
  },
  'app-plugins': {
    name: 'Erweiterungen der Anwendung',
    pass: 'Alle Plugins sind installiert.',
    warn: 'Plugins sind hier nicht installiert; die Anwendung startet ohne sie.',
    block: 'Plugins sind hier nicht installiert.',
  },
  'app-keys': {
    name: 'Schlüssel der Anwendung',
    pass: 'Die Anwendung kann lesen, was sie verschlüsselt hat.',
    warn: 'Die Anwendung kann nicht lesen, was sie verschlüsselt hat; Sie haben es zugelassen.',
    block: 'Die Anwendung könnte nicht lesen, was sie verschlüsselt hat: Ihr Schlüssel fehlt oder ist ein anderer.',
  },
};
