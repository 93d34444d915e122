/** What kind of end an error is. The command line maps it to an exit code, the HTTP API to a status, each in one place. */
export type ErrorKind =
  | 'failed' // it was tried and did not work
  | 'usage' // the command line or the configuration is wrong
  | 'partial' // stored, but a part or a copy failed
  | 'refused' // a guard said no, or nobody confirmed
  | 'busy' // another run holds the lock
  | 'integrity' // stored bytes are not what was written
  | 'interrupted'; // the operator or a signal ended it

export interface ErrorFacts {
  kind?: ErrorKind;
  /** A full sentence telling the operator what to do. */
  hint?: string;
  cause?: unknown;
  /** Trying the same again may help (network, lock timeout, server restart). */
  retryable?: boolean;
  /** Machine-readable facts; never secrets. */
  details?: Record<string, unknown>;
}

/** The one error class. `code` is stable and documented; the message says what happened, lower case and without a full stop. */
export class HoldfastError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly details: Record<string, unknown>;

  constructor(code: string, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.kind = facts.kind ?? 'failed';
    this.hint = facts.hint;
    this.retryable = facts.retryable ?? false;
    this.details = facts.details ?? {};
  }
}

/** Anything thrown, as our error: foreign errors keep their message and become the cause. */
export function toHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  if (isAbortError(error)) return interrupted(error);
  if (error instanceof SuppressedError) return withLater(toHoldfastError(error.suppressed), error.error);
  const message = error instanceof Error ? error.message : String(error);
  const limit = systemLimit(error);
  if (limit) return new HoldfastError('SYSTEM_LIMIT', message, { cause: error, hint: limit.hint, retryable: true });
  return new HoldfastError(systemErrorCode(error) ?? 'UNEXPECTED', message, {
    cause: error,
    ...hintForSystemError(error),
  });
}

/** What went wrong first is what it is; what went wrong when clearing up after it is told as well. */
function withLater(first: HoldfastError, later: unknown): HoldfastError {
  const { code, kind, hint, retryable, details } = first;
  const message = `${first.message}; and then: ${toHoldfastError(later).message}`;
  return new HoldfastError(code, message, {
    kind,
    cause: first,
    retryable,
    details,
    ...(hint !== undefined && { hint }),
  });
}

export function interrupted(cause?: unknown): HoldfastError {
  return new HoldfastError('INTERRUPTED', 'interrupted', { kind: 'interrupted', cause });
}

export function isAbortError(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ABORT_ERR')
  );
}

/** The errno name (`ENOSPC`, `EACCES`, ...) found on the error or anywhere along its causes. */
export function systemErrno(error: unknown): string | undefined {
  let deep = 0; // causes may lead back to themselves
  for (let at: unknown = error; at instanceof Error && deep < 20; at = at.cause, deep += 1) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) return code;
  }
  return undefined;
}

const limits: Readonly<Record<string, { what: string; hint: string }>> = {
  EMFILE: {
    what: 'this process may have no more files open',
    hint: 'Allow it more: `ulimit -n`, `LimitNOFILE=` of a systemd unit, `--ulimit nofile=` of a container.',
  },
  ENFILE: {
    what: 'the machine can have no more files open',
    hint: 'See which program has so many open; `sysctl fs.file-max` is how many there may be.',
  },
  ENOMEM: {
    what: 'the machine has no memory left',
    hint: 'See which program takes it, or give the machine or the container more.',
  },
};

const noProcess = {
  what: 'no more processes may run',
  hint: 'Allow more: `ulimit -u`, `TasksMax=` of a systemd unit, `--pids-limit` of a container.',
};

/** What the system has too little of; it says nothing about what was asked of it, and may pass. */
export function systemLimit(error: unknown, asked: 'anything' | 'process' = 'anything') {
  const errno = systemErrno(error);
  if (errno === 'EAGAIN' && asked === 'process') return noProcess;
  return limits[errno ?? ''];
}

/** For what is looked for and may not be there, or may not answer: a system that is out of something says nothing about that. */
export function unlessLimited<T>(otherwise: T): (error: unknown) => T {
  return (error) => {
    const known = toHoldfastError(error);
    if (known.code === 'SYSTEM_LIMIT') throw known;
    return otherwise;
  };
}

function systemErrorCode(error: unknown): string | undefined {
  const errno = systemErrno(error);
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return 'DISK_FULL';
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS') return 'NO_PERMISSION';
  return undefined;
}

function hintForSystemError(error: unknown): { hint?: string } {
  const { path } = (error ?? {}) as NodeJS.ErrnoException;
  switch (systemErrorCode(error)) {
    case 'DISK_FULL':
      return { hint: `Free some space${path ? ` on the disk that holds ${path}` : ''}, then try again.` };
    case 'NO_PERMISSION':
      if (systemErrno(error) === 'EROFS')
        return {
          hint: `Nothing can be written${path ? ` where ${path} is` : ''}: mount the disk for writing, or see in the system's log why it no longer is.`,
        };
      return { hint: `Give the user that runs holdfast the right to use ${path ?? 'that path'}.` };
    default:
      return {};
  }
}
