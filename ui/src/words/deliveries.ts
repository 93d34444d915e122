/** Why a message did not go through a channel, by the code of the error: the server names beside it what it is about. A test fails when one is missing. */
export const deliveriesEn = {
  ALERT_CHANNEL_UNKNOWN: {
    text: 'There is no channel of this name any more.',
    hint: 'What it was about is among the incidents as long as it lasts.',
  },
  ALERT_UNREACHABLE: {
    text: 'There is no connection to the other side.',
    hint: 'Check the address of the channel, and the way to it from this machine.',
  },
  ALERT_TIMEOUT: {
    text: 'The other side did not answer in time.',
    hint: 'Check the network; give a slow one a longer `timeout`.',
  },
  ALERT_CERTIFICATE: {
    text: 'The certificate of the other side is not accepted.',
    hint: 'Check that the address is the right one, and let its authority be trusted (`NODE_EXTRA_CA_CERTS`; `smtp.ca` for mail).',
  },
  ALERT_TLS: {
    text: 'No encrypted connection came about.',
    hint: 'Check that http or https, or `smtp.tls` and `smtp.port` for mail, is what the other side expects.',
  },
  ALERT_AUTH: {
    text: 'The other side does not let us in.',
    hint: 'Check the token, the password or the address of the channel: it may have been withdrawn, or lack a right.',
  },
  ALERT_REFUSED: {
    text: 'The other side did not take the message.',
    hint: 'Check the address and the options of the channel; what stands in brackets are the words of the other side.',
  },
  ALERT_FAULT: {
    text: 'The other side has a fault of its own.',
    hint: 'Wait, or see its status page.',
  },
};

export const deliveriesDe: typeof deliveriesEn = {
  ALERT_CHANNEL_UNKNOWN: {
    text: 'Einen Kanal dieses Namens gibt es nicht mehr.',
    hint: 'Worum es ging, steht unter den Vorfällen, solange es andauert.',
  },
  ALERT_UNREACHABLE: {
    text: 'Es gibt keine Verbindung zur Gegenstelle.',
    hint: 'Prüfen Sie die Adresse des Kanals und den Weg dorthin von diesem Rechner aus.',
  },
  ALERT_TIMEOUT: {
    text: 'Die Gegenstelle hat nicht rechtzeitig geantwortet.',
    hint: 'Prüfen Sie das Netz; einer langsamen geben Sie einen längeren `timeout`.',
  },
  ALERT_CERTIFICATE: {
    text: 'Das Zertifikat der Gegenstelle wird nicht anerkannt.',
    hint: 'Prüfen Sie, ob die Adresse stimmt, und lassen Sie ihrer Zertifizierungsstelle vertrauen (`NODE_EXTRA_CA_CERTS`; für E-Mail `smtp.ca`).',
  },
  ALERT_TLS: {
    text: 'Es kam keine verschlüsselte Verbindung zustande.',
    hint: 'Prüfen Sie, ob die Gegenstelle http oder https erwartet, für E-Mail auch `smtp.tls` und `smtp.port`.',
  },
  ALERT_AUTH: {
    text: 'Die Gegenstelle lässt uns nicht hinein.',
    hint: 'Prüfen Sie Token, Passwort oder Adresse des Kanals: Vielleicht wurde etwas widerrufen, oder es fehlt ein Recht.',
  },
  ALERT_REFUSED: {
    text: 'Die Gegenstelle hat die Nachricht nicht angenommen.',
    hint: 'Prüfen Sie Adresse und Angaben des Kanals; was in Klammern steht, sind die Worte der Gegenstelle.',
  },
  ALERT_FAULT: {
    text: 'Die Gegenstelle hat selbst eine Störung.',
    hint: 'Warten Sie, oder sehen Sie auf ihrer Statusseite nach.',
  },
};
