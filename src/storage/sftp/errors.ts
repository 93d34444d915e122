import { HoldfastError, systemErrno, toHoldfastError } from '../../base/errors.ts';

/** What a server may answer (SFTP version 3). A full disk and a name that exists are both `failure`: it has no words for them. */
const status = { noSuchFile: 2, permissionDenied: 3, failure: 4, noConnection: 6, connectionLost: 7, unsupported: 8 };

export function isMissing(error: unknown): boolean {
  return statusOf(error) === status.noSuchFile;
}

/** The server refused without saying why: full, quota, exists, not empty, not a folder. */
export function isFailure(error: unknown): boolean {
  return statusOf(error) === status.failure;
}

/** The library refuses to send what the server did not offer, the server what it does not know. */
export function isUnsupported(error: unknown): boolean {
  return (
    statusOf(error) === status.unsupported ||
    (error instanceof Error && /does not support this ext/.test(error.message))
  );
}

/** A failed operation on the server in our words, with the place it happened at. */
export function sftpError(error: unknown, path: string, title: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  switch (statusOf(error)) {
    case status.permissionDenied:
      return new HoldfastError('STORAGE_DENIED', `not allowed to use ${path} in ${title}`, {
        cause: error,
        hint: 'Give the user of the storage the right to read and write there.',
      });
    case status.noSuchFile:
      return notFound(path, title);
    case status.noConnection:
    case status.connectionLost:
      return connectionLost(title, error);
    case undefined:
      return toHoldfastError(error);
    default:
      return new HoldfastError('STORAGE_FAULT', `${title} could not do what was asked of it at ${path}`, {
        cause: error,
        hint: 'SFTP does not say why: see that the disk and the quota there are not full, and the log of the server.',
      });
  }
}

/** Why no connection came about. The library names the stage in `level`. */
export function connectError(error: unknown, title: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { level = '', message } = error as Error & { level?: string };
  if (level === 'client-authentication') {
    return new HoldfastError('STORAGE_AUTH', `${title} did not accept the user with this password or key`, {
      cause: error,
      hint: 'Check user, password or key of the storage, and which ways to log in the server allows.',
    });
  }
  if (/privateKey|passphrase/i.test(message)) {
    return new HoldfastError('STORAGE_AUTH', `the key for ${title} cannot be used: ${message}`, {
      cause: error,
      hint: 'Check key and keyPassphrase of the storage.',
    });
  }
  if (level === 'client-timeout') return timedOut(title, error);
  const errno = systemErrno(error);
  const why = errno === 'ENOTFOUND' || errno === 'EAI_AGAIN' ? 'its name is not known' : message;
  return new HoldfastError('STORAGE_UNREACHABLE', `no connection to ${title}: ${why}`, {
    cause: error,
    retryable: true,
    hint: 'Check host and port of the storage, that the server runs, and the way to it.',
  });
}

export function connectionLost(title: string, cause?: unknown): HoldfastError {
  return new HoldfastError('STORAGE_UNREACHABLE', `the connection to ${title} was lost`, { cause, retryable: true });
}

export function timedOut(title: string, cause?: unknown): HoldfastError {
  return new HoldfastError('STORAGE_TIMEOUT', `${title} did not answer in time`, { cause, retryable: true });
}

export function hostKeyRefused(title: string, seen: string, reason: string): HoldfastError {
  return new HoldfastError('STORAGE_HOST_KEY', `${title} showed the key ${seen}, ${reason}`, {
    kind: 'refused',
    details: { fingerprint: seen },
    hint: `Somebody may stand between you and the server. Compare with \`ssh-keygen -lf\` of its key files; if it is the right one, set hostKey of the storage to ${seen}.`,
  });
}

export function unusableFile(path: string, what: string, cause: unknown): HoldfastError {
  return new HoldfastError('STORAGE_AUTH', `the ${what} ${path} cannot be read`, {
    kind: 'usage',
    cause,
    hint: 'Correct the path in the configuration, or the rights of the file.',
  });
}

export function full(path: string, title: string, cause: unknown): HoldfastError {
  return new HoldfastError('STORAGE_FULL', `no space left in ${title} for ${path}`, {
    cause,
    hint: 'Free some space there, or let retention keep fewer backups. Nothing of the unfinished backup is kept.',
  });
}

export function notAFolder(path: string, title: string, cause: unknown): HoldfastError {
  return new HoldfastError('STORAGE_NOT_A_FOLDER', `${path} in ${title} is not a folder`, {
    kind: 'usage',
    cause,
    hint: 'Set the path of the storage to a folder, or move away the file that is in its place.',
  });
}

export function notFound(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_NOT_FOUND', `${key} does not exist in ${title}`);
}

export function taken(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_TAKEN', `${key} exists already in ${title}, or is being written`, {
    kind: 'busy',
  });
}

export function endedEarly(key: string, position: number, title: string): HoldfastError {
  return new HoldfastError('STORAGE_CUT', `${key} in ${title} became shorter: it ended at ${position} bytes`, {
    kind: 'integrity',
  });
}

function statusOf(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}
