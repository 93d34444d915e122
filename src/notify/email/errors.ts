import { HoldfastError } from '../../base/errors.ts';
import { connectionError, timedOut } from '../errors.ts';
import { clip, oneLine } from '../outline.ts';
import type { Service } from '../service.ts';

/** What nodemailer puts on its errors. */
interface MailError extends Error {
  code?: string;
  command?: string;
  response?: string;
  responseCode?: number;
}

/** What the conversation with the mail server ended with, in our words. */
export function mailError(service: Service, error: unknown): HoldfastError {
  if (!(error instanceof Error)) return connectionError(service, error);
  const { code, responseCode, response } = error as MailError;
  const said = clip(oneLine(service.hide(response ?? error.message)), 200);
  // 4yz: not now; 5yz: never.
  const retryable = responseCode !== undefined && responseCode >= 400 && responseCode < 500;
  const details = responseCode === undefined ? {} : { status: responseCode };
  const { title } = service;
  switch (code) {
    case 'ETIMEDOUT':
      return timedOut(service);
    case 'EAUTH':
    case 'ENOAUTH':
      return new HoldfastError('ALERT_AUTH', `the mail server of ${title} did not accept the login: ${said}`, {
        details,
        retryable,
        hint: 'Check smtp.user and smtp.password; many providers want a password made for programs.',
      });
    case 'EENVELOPE':
    case 'EMESSAGE':
    case 'EMAXLIMIT':
      return new HoldfastError('ALERT_REFUSED', `the mail server of ${title} did not take the mail: ${said}`, {
        details,
        retryable,
        hint: 'Check from and to of the channel, and whether the server wants a login (smtp.user, smtp.password).',
      });
    case 'ETLS':
      if (error.message.startsWith('Error upgrading')) return noEncryption(service, said);
      return connectionError(service, error);
    default:
      // The server spoke, and said no before any mail: too many connections, a blocked address.
      if (responseCode !== undefined) {
        return new HoldfastError('ALERT_REFUSED', `the mail server of ${title} turned us away: ${said}`, {
          details,
          retryable,
        });
      }
      return connectionError(service, error);
  }
}

export function noEncryption({ title }: Service, said: string): HoldfastError {
  return new HoldfastError('ALERT_TLS', `the mail server of ${title} offers no STARTTLS: ${said}`, {
    hint: 'Set smtp.tls to tls (mostly port 465), or to none where the way to the server is safe.',
  });
}

/** Some of several recipients. */
export function recipientsRefused(
  service: Service,
  refused: readonly { address: string; response: string; status: number | null }[],
): HoldfastError {
  const list = refused.map(({ address, response }) => `${address} (${clip(oneLine(service.hide(response)), 120)})`);
  const later = refused.every(({ status }) => status !== null && status >= 400 && status < 500);
  return new HoldfastError(
    'ALERT_REFUSED',
    `the mail server of ${service.title} took the mail, but not for ${list.join(', ')}`,
    { retryable: later, hint: 'Check the addresses in to; the others have the mail.' },
  );
}
