import { STATUS_CODES } from 'node:http';
import { HoldfastError, toHoldfastError, type ErrorKind } from '../base/errors.ts';
import { withoutSecrets } from '../base/secret.ts';
import type { Guard } from '../restore/guards.ts';

/** An error as RFC 9457 wants it; `code` and `hint` are those of the command line. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  hint: string | null;
  /** Seconds, where waiting helps. */
  retryAfter?: number;
  /** Which settings or fields are wrong, where it is about some. */
  errors?: { path: string; message: string }[];
  /** Of a restore that was refused: what stands in its way. */
  guards?: Guard[];
}

const statusByKind: Record<ErrorKind, number> = {
  failed: 500,
  usage: 400,
  partial: 500,
  refused: 422,
  busy: 409,
  integrity: 500,
  interrupted: 503,
};

/** Where the kind alone would say the wrong thing. */
const statusByCode: Readonly<Record<string, number>> = {
  BODY_TOO_LARGE: 413,
  HEADERS_TOO_LARGE: 431,
  HOST_UNKNOWN: 421,
  METHOD_NOT_ALLOWED: 405,
  CONFIG_INVALID: 422,
  CONFIG_READ_ONLY: 409,
  DUMP_DAMAGED: 422,
  DUMP_VERSION: 422,
  FOREIGN_MISMATCH: 422,
  IMPORT_KNOWN: 409,
  KEY_REUSED: 422,
  NBDATA_DAMAGED: 422,
  NBDATA_HOSTILE: 422,
  NBDATA_INCOMPLETE: 422,
  NBDATA_PASSWORD_NEEDED: 422,
  NBDATA_PASSWORD_WRONG: 422,
  NOT_A_DUMP: 422,
  PROVIDER_NONE: 404,
  PROVIDER_UNREACHABLE: 502,
  UPLOAD_NO_SPACE: 507,
  METRICS_LOCAL_ONLY: 403,
  REQUEST_TIMEOUT: 408,
  ROUTE_UNKNOWN: 404,
  TOKEN_WRONG: 401,
  TYPE_UNSUPPORTED: 415,
  EVENTS_TOO_MANY: 429,
  FOREIGN_PAGE: 403,
  LOGIN_CODE_NEEDED: 401,
  LOGIN_CODE_WRONG: 401,
  LOGIN_THROTTLED: 429,
  LOGIN_WRONG: 401,
  NOT_ALLOWED: 403,
  NOT_SIGNED_IN: 401,
  RANGE_INVALID: 416,
  SETUP_OVER: 403,
  SETUP_TOKEN_WRONG: 403,
  TOKEN_EXISTS: 409,
  TOKEN_EXPIRES: 403,
  USER_EXISTS: 409,
  RUN_ENDED: 409,
  TOKEN_UNKNOWN: 404,
  USER_UNKNOWN: 404,
  ARTIFACT_UNKNOWN: 404,
  BACKUP_NOT_FOUND: 404,
  BACKUP_UNKNOWN: 404,
  RUN_UNKNOWN: 404,
  SOURCE_UNKNOWN: 404,
  STORAGE_UNKNOWN: 404,
};

/**
 * The one place that turns errors into HTTP. What nobody foresaw says nothing of itself: its words may hold paths or
 * queries, and stand in the log.
 */
export function toProblem(error: unknown): Problem {
  const known = fromFastify(error) ?? toHoldfastError(error);
  const status = statusByCode[known.code] ?? statusByKind[known.kind];
  const unforeseen = known.code === 'UNEXPECTED';
  return {
    type: `urn:holdfast:problem:${known.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code: known.code,
    detail: unforeseen ? 'something failed in a way nobody foresaw' : withoutSecrets(known.message),
    hint: unforeseen
      ? 'The log of the daemon has the cause.'
      : known.hint === undefined
        ? null
        : withoutSecrets(known.hint),
    ...(typeof known.details?.['seconds'] === 'number' ? { retryAfter: known.details['seconds'] } : {}),
    ...errorsIn(known.details?.['problems']),
    ...guardsIn(known.details?.['guards']),
  };
}

function guardsIn(guards: unknown): Pick<Problem, 'guards'> {
  if (!Array.isArray(guards)) return {};
  const blocks = (guards as Guard[]).filter(({ result }) => result === 'block');
  return { guards: blocks.map((guard) => ({ ...guard, detail: withoutSecrets(guard.detail) })) };
}

function errorsIn(problems: unknown): Pick<Problem, 'errors'> {
  if (!Array.isArray(problems)) return {};
  const errors = (problems as { path?: unknown; message?: unknown }[]).map(({ path, message }) => ({
    path: String(path),
    message: withoutSecrets(String(message)),
  }));
  return { errors };
}

export const problemType = 'application/problem+json; charset=utf-8';

export const seeDocs = 'See /api/docs for what is expected.';

export function badRequest(message: string): HoldfastError {
  return new HoldfastError('REQUEST_INVALID', message, { kind: 'usage', hint: seeDocs });
}

/** What the parser of the requests refuses, in our words. */
function fromFastify(error: unknown): HoldfastError | null {
  if (error instanceof HoldfastError || !(error instanceof Error) || !('statusCode' in error)) return null;
  const facts = { kind: 'usage', cause: error } as const;
  switch (error.statusCode) {
    case 404:
      return new HoldfastError('ROUTE_UNKNOWN', 'there is nothing at this address', { ...facts, hint: seeDocs });
    case 408:
      return new HoldfastError('REQUEST_TIMEOUT', 'the request took too long to arrive', {
        ...facts,
        hint: 'Send it again, without pauses.',
      });
    case 413:
      return new HoldfastError('BODY_TOO_LARGE', 'the body of the request is larger than allowed', {
        ...facts,
        hint: 'Send less at once; only the routes that take files take much.',
      });
    case 415:
      return new HoldfastError('TYPE_UNSUPPORTED', 'this content type is not understood here', {
        ...facts,
        hint: 'Send application/json.',
      });
    case 431:
      return new HoldfastError('HEADERS_TOO_LARGE', 'the headers of the request are larger than allowed', {
        ...facts,
        hint: 'Send fewer or shorter ones; the address counts as well.',
      });
    default:
      return typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500
        ? new HoldfastError('REQUEST_INVALID', 'the request could not be understood', { ...facts, hint: seeDocs })
        : null;
  }
}
