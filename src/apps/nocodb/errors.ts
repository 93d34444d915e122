import { HoldfastError, systemErrno } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/secret.ts';

/** What NocoDB said and what it was asked. */
export interface Refusal {
  status: number;
  /** `GET /api/v2/meta/bases`, without the query. */
  asked: string;
  /** Where a redirect leads. */
  location?: string | undefined;
  /** Its code, such as `ERR_TABLE_NOT_FOUND`, and its sentence, where it gave them. */
  said?: { code: string | null; message: string | null } | undefined;
}

/** An answer that is not the one hoped for, in our words. The status and NocoDB's own code are in `details`. */
export function refused(title: string, { status, asked, location, said }: Refusal): HoldfastError {
  const code = said?.code ?? null;
  const words = withoutSecrets(said?.message ?? `status ${status}`).slice(0, 300);
  const facts = { cause: new Error(`${asked}: ${words}`), details: { status, code } };
  if (status >= 300 && status < 400) {
    return new HoldfastError('NOCODB_REDIRECTED', `${title} sends elsewhere, and the token is not sent after it`, {
      ...facts,
      cause: new Error(`${asked}: ${status}${location === undefined ? '' : ` to ${withoutSecrets(location)}`}`),
      kind: 'usage',
      hint: 'Set url of the app to the address that NocoDB itself answers at.',
    });
  }
  switch (status) {
    case 401:
      return new HoldfastError('NOCODB_TOKEN', `${title} does not accept the token`, {
        ...facts,
        hint: 'Make a new token in NocoDB (Account, Tokens) and set it as token of the app.',
      });
    case 403:
      return new HoldfastError('NOCODB_FORBIDDEN', `${title} does not allow the token's user to do this: ${words}`, {
        ...facts,
        hint: 'Use the token of an owner of the bases, or of the super admin.',
      });
    case 404:
      return new HoldfastError('NOCODB_NOT_FOUND', `${title} does not know what was asked for: ${words}`, {
        ...facts,
        hint: 'It was removed meanwhile, or this is not the address of NocoDB.',
      });
    case 413:
      return new HoldfastError('NOCODB_TOO_LARGE', `${title} does not take anything this large: ${words}`, {
        ...facts,
        hint: 'Raise NC_ATTACHMENT_FIELD_SIZE or NC_REQUEST_BODY_SIZE of NocoDB, or the limit of the proxy before it.',
      });
    case 429:
      return new HoldfastError('NOCODB_RATE_LIMIT', `${title} answers no more for now: too many requests`, {
        ...facts,
        retryable: true,
        hint: 'Lower concurrency of the app, or raise the limit of NocoDB.',
      });
    default:
      return new HoldfastError('NOCODB_FAILED', `${title} could not do what was asked of it: ${words}`, {
        ...facts,
        retryable: status >= 500,
        hint: 'See the log of NocoDB.',
      });
  }
}

/** What went wrong on the way there or back. */
export function unreachable(error: unknown, title: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const errno = systemErrno(error);
  const message = withoutSecrets(error instanceof Error ? error.message : String(error));
  const code = (error as { code?: unknown } | null)?.code;
  const certificate = typeof code === 'string' && /CERT|TLS|SSL|SIGNATURE|ISSUER/.test(code);
  const why = errno === 'ENOTFOUND' || errno === 'EAI_AGAIN' ? 'its name is not known' : message;
  return new HoldfastError('NOCODB_UNREACHABLE', `no connection to ${title}: ${why}`, {
    cause: error,
    retryable: !certificate,
    details: { connected: errno !== 'ECONNREFUSED' && errno !== 'ENOTFOUND' && errno !== 'EAI_AGAIN' },
    hint: certificate
      ? 'The certificate was not accepted: let the machine trust its authority (NODE_EXTRA_CA_CERTS).'
      : 'Check url of the app, that NocoDB runs, and the way to it.',
  });
}

export function silent(title: string): HoldfastError {
  return new HoldfastError('NOCODB_TIMEOUT', `${title} did not answer in time`, {
    retryable: true,
    hint: 'Raise timeout of the app, or lower pageSize.',
  });
}

export function notNocodb(title: string, why: string): HoldfastError {
  return new HoldfastError('NOCODB_ANSWER', `the answer is not NocoDB's: ${title} ${why}`, {
    hint: 'Check url of the app: a proxy or another program may answer there.',
  });
}

/** The code of NocoDB in an error made by `refused`. */
export function saidCode(error: unknown): string | null {
  const code = error instanceof HoldfastError ? error.details['code'] : null;
  return typeof code === 'string' ? code : null;
}

export function statusOf(error: unknown): number | null {
  const status = error instanceof HoldfastError ? error.details['status'] : null;
  return typeof status === 'number' ? status : null;
}
