import { HoldfastError, systemErrno } from '../../base/errors.ts';

/** An answer that is not the one hoped for, in our words. */
export function webdavError(
  status: number,
  key: string,
  title: string,
  facts: { location?: string } = {},
): HoldfastError {
  const cause = new Error(`the server answered ${status}${facts.location === undefined ? '' : `: ${facts.location}`}`);
  if (status >= 300 && status < 400) {
    return new HoldfastError('STORAGE_FAULT', `${title} sends elsewhere, and credentials are not sent after it`, {
      kind: 'usage',
      cause,
      hint: 'Set url of the storage to the address that the server names.',
    });
  }
  switch (status) {
    case 401:
    case 407:
      return new HoldfastError('STORAGE_AUTH', `${title} did not accept the user, password or token`, {
        cause,
        hint: 'Check them in the configuration; the server must take them as Basic or Bearer credentials.',
      });
    case 403:
      return new HoldfastError('STORAGE_DENIED', `not allowed to use ${key} in ${title}`, {
        cause,
        hint: 'Give the user of the storage the right to read, write and delete there.',
      });
    case 404:
    case 409:
    case 410:
      return notFound(key, title);
    case 412:
      return taken(key, title);
    case 413:
    case 507:
      return new HoldfastError('STORAGE_FULL', `${title} has no space for ${key}, or takes no file of this size`, {
        cause,
        hint: 'Free some space there or raise the quota or the largest size of an upload. Nothing of the unfinished backup is kept.',
      });
    // Of a proxy that has waited long enough: what the server does behind it, nobody knows.
    case 408:
    case 504:
      return timedOut(title, cause);
    case 423:
    case 429:
    case 503:
      return new HoldfastError('STORAGE_BUSY', `${title} is busy or locked`, { cause, retryable: true });
    case 405:
    case 501:
      return new HoldfastError('STORAGE_FAULT', `${title} does not know WebDAV at this address`, {
        kind: 'usage',
        cause,
        hint: 'Check url and path of the storage, and that WebDAV is turned on there.',
      });
    default:
      return new HoldfastError('STORAGE_FAULT', `${title} could not do what was asked of it at ${key}`, {
        cause,
        retryable: status >= 500,
        hint: 'See the log of the server.',
      });
  }
}

/** What went wrong on the way there or back. */
export function connectionError(error: unknown, title: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const errno = systemErrno(error);
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  const certificate = typeof code === 'string' && /CERT|TLS|SSL|SIGNATURE|ISSUER/.test(code);
  const why = errno === 'ENOTFOUND' || errno === 'EAI_AGAIN' ? 'its name is not known' : message;
  return new HoldfastError('STORAGE_UNREACHABLE', `no connection to ${title}: ${why}`, {
    cause: error,
    retryable: !certificate,
    hint: certificate
      ? 'The certificate was not accepted: let the machine trust its authority (NODE_EXTRA_CA_CERTS).'
      : 'Check url of the storage, that the server runs, and the way to it.',
  });
}

export function answeredEarly(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_CUT', `${title} called ${key} stored before it had all of it`, {
    kind: 'integrity',
    hint: 'Something on the way, such as a proxy with a limit, answers in the place of the server.',
  });
}

export function cutListing(title: string): HoldfastError {
  return new HoldfastError('STORAGE_CUT', `a listing of ${title} ends before its end`, {
    kind: 'integrity',
    retryable: true,
  });
}

export function noListing(title: string): HoldfastError {
  return new HoldfastError('STORAGE_FAULT', `${title} answers something else than a listing`, {
    hint: 'Something on the way, such as a page to sign in, answers in the place of the server.',
  });
}

export function noServer(title: string): HoldfastError {
  return new HoldfastError('STORAGE_FAULT', `there is no WebDAV at the address of ${title} at the moment`, {
    retryable: true,
    hint: 'See that the server runs, and that url of the storage leads to it: a proxy answers, and knows nothing there.',
  });
}

export function otherName(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_FAULT', `${title} calls ${key === '' ? 'its folder' : key} by another address`, {
    kind: 'usage',
    hint: 'Set url and path of the storage to the address as the server itself writes it, upper and lower case included; a proxy must not change the path.',
  });
}

export function notMoved(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_FAULT', `${title} was asked to move ${key}, answered, and did not`, {
    retryable: true,
    hint: 'See the log of the server, and whether something on the way, such as a page to sign in, answers in its place.',
  });
}

export function timedOut(title: string, cause?: unknown): HoldfastError {
  return new HoldfastError('STORAGE_TIMEOUT', `${title} did not answer in time`, { cause, retryable: true });
}

export function notFound(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_NOT_FOUND', `${key} does not exist in ${title}`);
}

export function notAFolder(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_NOT_A_FOLDER', `${key === '' ? 'the path' : key} in ${title} is not a folder`, {
    kind: 'usage',
    hint: 'Set the path of the storage to a folder, or move away the file that is in its place.',
  });
}

export function taken(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_TAKEN', `${key} exists already in ${title}, or is being written`, {
    kind: 'busy',
  });
}

export function cut(key: string, title: string, facts: { wanted: number; found: number }): HoldfastError {
  return new HoldfastError(
    'STORAGE_CUT',
    `${key} in ${title} has ${facts.found} bytes where ${facts.wanted} are expected`,
    { kind: 'integrity', retryable: true },
  );
}
