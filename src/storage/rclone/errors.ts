import { HoldfastError } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/secret.ts';

/** What rclone says, in our words. It passes on the words of some fifty services; those that matter are looked for. */
export function rcloneError(said: string, key: string, title: string): HoldfastError {
  const message = withoutSecrets(said).slice(0, 500);
  const cause = new Error(message);
  const found = table.find(([words]) => words.test(said));
  if (found?.[1] === 'STORAGE_NOT_FOUND') return notFound(key, title);
  const [, code, what, facts] = found ?? [null, 'STORAGE_FAULT', 'rclone could not do what was asked of it', {}];
  return new HoldfastError(code, `${what} (${title}): ${message}`, { cause, ...facts });
}

/** A remote cannot tell how much space there is: it has no such thing, no `df`, or no folder yet. What else fails, failed. */
export function isUntold(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false;
  if (error.code === 'STORAGE_NOT_FOUND') return true;
  const unsupported = /(doesn't|does not) support|not (implemented|supported)|may not have the required/i;
  return error.code === 'STORAGE_FAULT' && error.kind !== 'usage' && unsupported.test(error.message);
}

const bucketHint =
  'Correct `remote` of the storage, or create the bucket with `holdfast storage create`; backups themselves never do.';

type Facts = { kind?: 'usage'; retryable?: boolean; hint?: string };

const table: readonly [RegExp, string, string, Facts][] = [
  [
    /didn't find (section|backend)|not found in config/i,
    'STORAGE_FAULT',
    'rclone does not know this remote',
    { kind: 'usage', hint: 'Check remote and config of the storage; `rclone listremotes` shows what there is.' },
  ],
  // Nothing of what is stored: without it nobody knows what is.
  [
    /\b(key|known_hosts|credentials|certificate|token)[\w ]*: open .*no such file or directory/i,
    'STORAGE_FAULT',
    'a file that the remote is set up with is not there',
    { kind: 'usage', hint: 'Bring it back, or set its path right in the configuration of the remote.' },
  ],
  [
    /\bexec: |\bfork\/exec |executable file not found/i,
    'STORAGE_FAULT',
    'a program that the remote is set up with cannot be started',
    { kind: 'usage', hint: 'Install it, or set its path right in the configuration of the remote.' },
  ],
  [/(object|directory|file) not found|no such file or directory/i, 'STORAGE_NOT_FOUND', '', {}],
  [
    /not a directory|is a file not a directory/i,
    'STORAGE_NOT_A_FOLDER',
    'a file is in the place of a folder',
    { kind: 'usage', hint: 'Set remote of the storage to a folder.' },
  ],
  [
    /bucket .*(not exist|not found)|NoSuchBucket/i,
    'STORAGE_BUCKET_MISSING',
    'there is no such bucket',
    { hint: bucketHint },
  ],
  [
    /no space left|quota|insufficient storage|storage.*full/i,
    'STORAGE_FULL',
    'no space left',
    { hint: 'Free some space there, or let retention keep fewer backups.' },
  ],
  [
    /\b401\b|unauthori[sz]ed|InvalidAccessKey|SignatureDoesNotMatch|unable to authenticate|invalid_grant|bad_auth|token.*expired/i,
    'STORAGE_AUTH',
    'the credentials were not accepted',
    { hint: 'Check them with `rclone lsd`; `rclone config reconnect` renews a token.' },
  ],
  [
    /\b403\b|AccessDenied|permission denied|forbidden/i,
    'STORAGE_DENIED',
    'not allowed',
    { hint: 'Give the account of the remote the right to read, write and delete there.' },
  ],
  [
    /\b(429|503)\b|rate.?limit|too many requests|slow ?down/i,
    'STORAGE_BUSY',
    'the service is busy',
    { retryable: true },
  ],
  [/timeout|deadline exceeded/i, 'STORAGE_TIMEOUT', 'the service did not answer in time', { retryable: true }],
  [
    /connection (refused|reset)|no such host|dial tcp|unexpected EOF|network is unreachable/i,
    'STORAGE_UNREACHABLE',
    'the service cannot be reached',
    { retryable: true, hint: 'Check the way to it.' },
  ],
];

/** What makes the program itself end, by its own last words. */
const ends: readonly [RegExp, string, string, string][] = [
  [
    /decrypt configuration.*/i,
    'STORAGE_AUTH',
    'the configuration of rclone cannot be decrypted',
    'Set RCLONE_CONFIG_PASS below `env` of the storage to the password of the configuration.',
  ],
  [
    /failed to load config file.*/i,
    'STORAGE_FAULT',
    'rclone cannot read its configuration',
    'Correct `config` of the storage, or the file; `rclone listremotes` shows what can be read of it.',
  ],
  [
    /unknown (flag: --|command "rcd").*/i,
    'STORAGE_FAULT',
    'this rclone is not one that can be used',
    'Install rclone 1.60 or newer, or set `program` of the storage to it.',
  ],
];

/** Why the program ended; null where what it said is nothing that is known. */
export function endOfProgram(title: string, said: string, cause: unknown): HoldfastError | null {
  for (const [words, code, what, hint] of ends) {
    const [line] = words.exec(said) ?? [];
    if (line === undefined) continue;
    const message = `${what} (${title}): ${withoutSecrets(line).slice(0, 500)}`;
    return new HoldfastError(code, message, { kind: 'usage', cause, hint });
  }
  return null;
}

export function lostProgram(title: string, cause: unknown): HoldfastError {
  return new HoldfastError('STORAGE_UNREACHABLE', `rclone ended while it was used for ${title}`, {
    cause,
    retryable: true,
    hint: 'See the log of the system: somebody, or a lack of memory, may have ended it.',
  });
}

export function notStarted(title: string, said: string): HoldfastError {
  return new HoldfastError('STORAGE_FAULT', `rclone did not start for ${title}: ${withoutSecrets(said).slice(-500)}`, {
    hint: 'Try `rclone lsd` with the same remote and config.',
  });
}

export function answeredEarly(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_CUT', `${title} called ${key} stored before it had all of it`, {
    kind: 'integrity',
    hint: 'Something answers in the place of rclone; see that `program` of the storage is the program itself.',
  });
}

export function timedOut(title: string): HoldfastError {
  return new HoldfastError('STORAGE_TIMEOUT', `${title} did not answer in time`, { retryable: true });
}

export function notFound(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_NOT_FOUND', `${key} does not exist in ${title}`);
}

export function bucketMissing(title: string): HoldfastError {
  return new HoldfastError('STORAGE_BUCKET_MISSING', `there is no such bucket (${title})`, { hint: bucketHint });
}

export function taken(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_TAKEN', `${key} exists already in ${title}, or is being written`, { kind: 'busy' });
}

export function cut(key: string, title: string, facts: { wanted: number; found: number }): HoldfastError {
  return new HoldfastError(
    'STORAGE_CUT',
    `${key} in ${title} has ${facts.found} bytes where ${facts.wanted} are expected`,
    { kind: 'integrity', retryable: true },
  );
}
