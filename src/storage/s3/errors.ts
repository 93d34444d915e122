import { abortReason } from '../../base/abort.ts';
import { HoldfastError, systemErrno, type ErrorFacts } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/secret.ts';

export interface S3Place {
  title: string;
  bucket: string;
  endpoint: string | null;
  region: string | null;
}

type Explain = (place: S3Place, error: S3Failure) => HoldfastError;

/** What the SDK throws, as far as it is read here. */
export interface S3Failure {
  name?: string;
  message?: string;
  Region?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
  $response?: { headers?: Record<string, string> };
}

/** Any failure of a call, as the one thing that is wrong: endpoint, region, credentials, bucket, rights, clock, or the service. */
export function s3Error(error: unknown, place: S3Place, signal?: AbortSignal): HoldfastError {
  if (error instanceof HoldfastError) return error;
  if (signal?.aborted) return abortReason(signal);
  const failure = (error ?? {}) as S3Failure;
  const ofSystem = byErrno[systemErrno(error) ?? ''];
  // The SDK gives a connection that was reset the name of one that was silent.
  const ofName = failure.name === 'TimeoutError' ? (ofSystem ?? timeout) : byName[failure.name ?? ''];
  const explain = isUnsigned404(failure) ? elsewhere : (ofName ?? ofSystem ?? byStatus(failure));
  const known = explain(place, failure);
  return new HoldfastError(known.code, known.message, {
    kind: known.kind,
    ...(known.hint === undefined ? {} : { hint: known.hint }),
    retryable: known.retryable,
    cause: error,
  });
}

/**
 * Whether the service itself says that an object is not there: by its words for it, or by a 404 that bears its mark. To a HEAD it has no
 * words, and not every service has a mark.
 */
export function isMissing(error: unknown): boolean {
  const name = nameOf(error);
  return ['NoSuchKey', 'NoSuchVersion'].includes(name) || (name === 'NotFound' && isSigned(error));
}

/** Of a proxy, perhaps, whose service is just being restarted: it says nothing about what is there. */
function isUnsigned404(error: unknown): boolean {
  return statusOf(error) === 404 && !isSigned(error) && !/^NoSuch|NotFoundError$/.test(nameOf(error));
}

function isSigned(error: unknown): boolean {
  return (error as S3Failure)?.$metadata?.requestId !== undefined;
}

/** Something answered, and it was not the service. */
export function foreignAnswer(): Error {
  return Object.assign(new Error('what answered does not speak S3'), { name: 'ForeignAnswer' });
}

export function statusOf(error: unknown): number | undefined {
  return (error as S3Failure)?.$metadata?.httpStatusCode;
}

export function nameOf(error: unknown): string {
  return (error as S3Failure)?.name ?? '';
}

const busy: Explain = ({ title }) =>
  make('STORAGE_BUSY', `${title} asked to be asked less often`, {
    retryable: true,
    hint: 'Try again later, or lower `concurrency` of this storage.',
  });
const unreachable: Explain = (place, error) =>
  make('STORAGE_UNREACHABLE', `no connection to ${where(place)}: ${wordsOf(error)}`, {
    retryable: true,
    hint: 'Check `endpoint` of the storage, that the service runs, name resolution, and the firewall.',
  });
const timeout: Explain = (place) =>
  make('STORAGE_TIMEOUT', `${where(place)} fell silent`, {
    retryable: true,
    hint: 'Check the service and the network; for a slow service raise `idleTimeout` of this storage.',
  });
const tls: Explain = (place, error) =>
  make('STORAGE_UNREACHABLE', `no secure connection to ${where(place)}: ${wordsOf(error)}`, {
    hint: 'Check `endpoint` (http or https, and its port); for an authority of your own set NODE_EXTRA_CA_CERTS.',
  });
const unknownKey: Explain = (place) =>
  make('STORAGE_AUTH', `${where(place)} does not know the access key`, {
    hint: 'Correct `accessKey` of the storage; it may have been revoked.',
  });
const wrongSecret: Explain = (place) =>
  make('STORAGE_AUTH', `${where(place)} refused the signature: the secret key is wrong`, {
    hint: 'Correct `secretKey` of the storage, or `region` where the service has several.',
  });
const expired: Explain = (place) =>
  make('STORAGE_AUTH', `the session token for ${where(place)} is not valid any more`, {
    hint: 'Get new credentials, or leave `sessionToken` out.',
  });
const noCredentials: Explain = ({ title }, error) =>
  make('STORAGE_AUTH', `no credentials for ${title}: ${wordsOf(error)}`, {
    hint: 'Set `accessKey` and `secretKey` of the storage, or `profile`, or what the SDK finds by itself.',
  });
const denied: Explain = ({ title }) =>
  make('STORAGE_DENIED', `these credentials may not do this in ${title}`, {
    hint: 'Give them the rights that the page on storages lists, for this bucket and prefix.',
  });
const archived: Explain = ({ title }) =>
  make('STORAGE_ARCHIVED', `an object in ${title} lies in an archive class and is not given out`, {
    hint: 'Have it restored from its archive class at the service, then try again; let no lifecycle rule of the bucket archive what is to be restored quickly.',
  });
const noBucket: Explain = ({ bucket, ...place }) =>
  make('STORAGE_BUCKET_MISSING', `there is no bucket ${bucket} at ${where({ bucket, ...place })}`, {
    hint: 'Correct `bucket` or `endpoint` of the storage, create it, or set `createBucket: true`.',
  });
const region: Explain = (place, error) => {
  const right = error.Region ?? error.$response?.headers?.['x-amz-bucket-region'];
  return make('STORAGE_REGION', `the bucket ${place.bucket} is not in the region ${place.region ?? 'asked for'}`, {
    hint: right
      ? `Set \`region: ${right}\` of the storage.`
      : 'Set `region` of the storage to where the bucket is, and `endpoint` to that region.',
  });
};
const clock: Explain = (place) =>
  make('STORAGE_CLOCK', `the clock of this machine and that of ${where(place)} differ too much`, {
    hint: 'Set the clock of this machine right (NTP); requests are only valid for some minutes.',
  });
const full: Explain = ({ title }) =>
  make('STORAGE_FULL', `${title} takes no more: the quota is used up`, {
    hint: 'Raise the quota there, or let retention keep fewer backups. Nothing of the unfinished backup is kept.',
  });
const fault: Explain = (place, error) =>
  make('STORAGE_FAULT', `${where(place)} reported a fault: ${wordsOf(error)}`, {
    retryable: (error.$metadata?.httpStatusCode ?? 0) >= 500,
    hint: 'Try again later; when it stays, see the log of the service.',
  });
const elsewhere: Explain = (place, error) =>
  make('STORAGE_FAULT', `${where(place)} answers something else than S3 does${statusIn(error)}`, {
    retryable: true,
    hint: 'Something on the way, such as a proxy whose service is being restarted or a page to sign in, answers in its place; or `endpoint` of the storage leads to something else, such as a console.',
  });
const damaged: Explain = ({ title }) =>
  make('STORAGE_FAULT', `${title} received something else than was sent`, {
    retryable: true,
    hint: 'Try again; when it happens often, check the network and the memory of both machines.',
  });
const changed: Explain = ({ title }) =>
  make('STORAGE_CHANGED', `an object in ${title} was replaced while it was read`, {
    retryable: true,
    hint: 'Try again; see who else writes there.',
  });
const missing: Explain = ({ title }) => make('STORAGE_NOT_FOUND', `what was asked for does not exist in ${title}`, {});
const noLock: Explain = ({ bucket }) =>
  make('STORAGE_LOCK_MISSING', `the bucket ${bucket} has no object lock`, {
    kind: 'usage',
    hint: 'Object lock is switched on when a bucket is created; use another bucket, or leave `objectLock` out.',
  });

const byName: Record<string, Explain> = {
  SlowDown: busy,
  ServiceUnavailable: busy,
  TooManyRequestsException: busy,
  ThrottlingException: busy,
  RequestLimitExceeded: busy,
  RequestTimeout: timeout,
  InvalidAccessKeyId: unknownKey,
  UserSuspended: unknownKey,
  SignatureDoesNotMatch: wrongSecret,
  ExpiredToken: expired,
  InvalidToken: expired,
  TokenRefreshRequired: expired,
  CredentialsProviderError: noCredentials,
  ForeignAnswer: elsewhere,
  AccessDenied: denied,
  AllAccessDisabled: denied,
  AccountProblem: denied,
  InvalidObjectState: archived,
  NoSuchBucket: noBucket,
  NoSuchKey: missing,
  NotFound: missing,
  PreconditionFailed: changed,
  PermanentRedirect: region,
  AuthorizationHeaderMalformed: region,
  IllegalLocationConstraintException: region,
  RequestTimeTooSkewed: clock,
  RequestExpired: clock,
  QuotaExceeded: full,
  EntityTooLarge: fault,
  BadDigest: damaged,
  XAmzContentSHA256Mismatch: damaged,
  InvalidRequest: fault,
  InternalError: fault,
  ObjectLockConfigurationNotFoundError: noLock,
};

const byErrno: Record<string, Explain> = {
  ECONNREFUSED: unreachable,
  ECONNRESET: unreachable,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EPIPE: unreachable,
  ETIMEDOUT: timeout,
  EPROTO: tls,
};

function byStatus(failure: S3Failure): Explain {
  const status = failure.$metadata?.httpStatusCode;
  if (status === 401 || status === 403) return denied;
  if (status === 404) return missing;
  if (status === 301 || status === 307) return region;
  if (status === 429 || status === 503) return busy;
  if (status === 408 || status === 504) return timeout;
  if (status === 507) return full;
  if (/certificate|CERT_|SSL|TLS|self-signed/i.test(`${codeOf(failure)} ${failure.message}`)) return tls;
  if (isNoXml(failure)) return (status ?? 0) < 500 ? elsewhere : fault;
  if (/socket hang up|aborted|network|Parse Error/i.test(failure.message ?? '')) return unreachable;
  return fault;
}

function codeOf(failure: S3Failure): string {
  const { code } = failure as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

function where({ endpoint, region: name }: S3Place): string {
  return endpoint ?? `Amazon S3${name === null ? '' : ` in ${name}`}`;
}

/** Several servers send an error without any words; then its name, or its status, is what there is. */
function wordsOf(failure: S3Failure): string {
  const message = isNoXml(failure) ? 'no reason given' : failure.message;
  const said = message && message !== 'UnknownError' ? message : failure.name;
  return withoutSecrets(said ?? 'no reason given') + statusIn(failure);
}

/** The SDK tells programmers what it could not read, in several lines. */
function isNoXml({ message = '' }: S3Failure): boolean {
  return message.includes('XML parse error');
}

function statusIn({ $metadata }: S3Failure): string {
  return $metadata?.httpStatusCode === undefined ? '' : ` (status ${$metadata.httpStatusCode})`;
}

function make(code: string, message: string, facts: ErrorFacts): HoldfastError {
  return new HoldfastError(code, message, facts);
}
