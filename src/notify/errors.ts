import { HoldfastError, systemErrno } from '../base/errors.ts';
import type { Service } from './service.ts';

/** What a service answered, as far as it matters here. */
export interface Refusal {
  status: number;
  /** In the service's own words. */
  said: string;
  retryAfterMs?: number | null;
}

/** An answer that is not the one hoped for, in our words. */
export function refusal(service: Service, { status, said, retryAfterMs = null }: Refusal): HoldfastError {
  const words = service.hide(said);
  const answer = `${status}${words === '' ? '' : `: ${words}`}`;
  const { title } = service;
  const details = { status, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
  if (status >= 300 && status < 400) {
    return new HoldfastError('ALERT_REFUSED', `${title} sends elsewhere (${status}), and nothing is sent after it`, {
      kind: 'usage',
      details,
      hint: 'Set the address of the channel to the one that answers itself; what it carries is not given to another.',
    });
  }
  if (status === 401 || status === 403 || status === 407) {
    return new HoldfastError('ALERT_AUTH', `${title} does not let us in (${answer})`, {
      details,
      hint: 'Check the token, the password or the address of the channel: it may have been withdrawn, or lack a right.',
    });
  }
  if (status === 408 || status === 425 || status === 429) {
    return new HoldfastError('ALERT_REFUSED', `${title} asks to be asked later (${answer})`, {
      details,
      retryable: true,
    });
  }
  if (status >= 500) {
    return new HoldfastError('ALERT_FAULT', `${title} has a fault of its own (${answer})`, {
      details,
      retryable: true,
    });
  }
  return new HoldfastError('ALERT_REFUSED', `${title} did not take the message (${answer})`, {
    details,
    hint:
      status === 404 || status === 410
        ? 'Check the address of the channel: what it led to was removed, or never existed.'
        : 'Check the options of the channel; the words in brackets are those of the service.',
  });
}

/** What went wrong on the way there or back. */
export function connectionError(service: Service, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { code, message } = deepest(error);
  const why = code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'its name is not known' : service.hide(message);
  const { title } = service;
  // Not the error itself: what it says may hold the address.
  const cause = new Error(code === null ? why : `${code}: ${why}`);
  if (isCertificateFault(code, message)) {
    return new HoldfastError('ALERT_CERTIFICATE', `the certificate of ${title} is not accepted: ${why}`, {
      cause,
      hint: 'Check that the address is the right one, and let its authority be trusted (NODE_EXTRA_CA_CERTS; smtp.ca for mail).',
    });
  }
  if (/SSL|TLS|EPROTO/.test(`${code} ${message}`)) {
    return new HoldfastError('ALERT_TLS', `no encrypted connection to ${title}: ${why}`, {
      cause,
      hint: 'Check that http or https, or smtp.tls and smtp.port for mail, is what the other side expects.',
    });
  }
  return new HoldfastError('ALERT_UNREACHABLE', `no connection to ${title}: ${why}`, {
    cause,
    retryable: true,
    hint: 'Check the address of the channel, and the way to it from this machine.',
  });
}

export function timedOut({ title, timeoutMs }: Service): HoldfastError {
  return new HoldfastError('ALERT_TIMEOUT', `${title} did not answer within ${timeoutMs / 1000} s`, {
    retryable: true,
  });
}

function isCertificateFault(code: string | null, message: string): boolean {
  return (
    (code !== null && /CERT|ALTNAME|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|ISSUER|CRL/.test(code)) ||
    /certificate|altname|self.signed|issuer/i.test(message)
  );
}

/** The reason is among the causes, and where a name has several addresses, among their errors. */
function deepest(error: unknown): { code: string | null; message: string } {
  let at: unknown = error;
  for (let deep = 0; deep < 20; deep += 1) {
    const next: unknown = at instanceof AggregateError ? at.errors[0] : at instanceof Error ? at.cause : undefined;
    if (!(next instanceof Error)) break;
    at = next;
  }
  const { code, originalCode } = (at ?? {}) as { code?: unknown; originalCode?: unknown };
  const known = [originalCode, code].find((one) => typeof one === 'string') ?? systemErrno(error) ?? null;
  const message = at instanceof Error ? at.message : String(at);
  return { code: known, message: message === '' ? (known ?? 'unknown') : message };
}
