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
};
