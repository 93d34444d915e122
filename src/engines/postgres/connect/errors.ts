import { HoldfastError, systemErrno } from '../../../base/errors.ts';
import { toolFailure } from '../../../base/run-process.ts';
import { withoutSecrets } from '../../../base/secret.ts';
import { describeFault, unreachable, type Place } from './faults.ts';
import { faultOfTool } from './tool-faults.ts';

/** Anything the driver throws, as our error. */
export function driverError(error: unknown, at: Place): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const facts = error as { code?: unknown; message?: unknown; table?: unknown; schema?: unknown };
  const message = withoutSecrets(typeof facts.message === 'string' && facts.message ? facts.message : String(error));
  const sqlstate = typeof facts.code === 'string' && /^[0-9A-Z]{5}$/.test(facts.code) ? facts.code : null;
  if (sqlstate) return describeFault(faultOfSqlstate(sqlstate, message), { at, message, cause: error, sqlstate });
  return networkError(error, message, at);
}

/** A failed client tool, as our error; what is not recognised keeps the tool's own words. */
export function toolError(error: Error, at: Place): Error;
export function toolError(error: unknown, at: Place): unknown;
export function toolError(error: unknown, at: Place): unknown {
  const failure = toolFailure(error);
  if (!failure) return error;
  const fault = faultOfTool(failure.stderr);
  if (!fault) return error;
  return describeFault(fault.fault, {
    at,
    message: fault.message,
    cause: error,
    sqlstate: null,
    object: fault.object,
    tool: failure.tool,
  });
}

function networkError(error: unknown, message: string, at: Place): HoldfastError {
  const facts = { at, message, cause: error, sqlstate: null };
  const given = (error as { code?: unknown }).code;
  const code = typeof given === 'string' ? given : '';
  if (/does not support SSL|establishing an SSL/.test(message)) return describeFault('tls-refused', facts);
  if (/^ERR_TLS|^ERR_SSL|CERT|SELF_SIGNED|UNABLE_TO_/.test(code)) return describeFault('tls-failed', facts);
  if (/terminated|ECONNRESET|EPIPE|not queryable/.test(`${message} ${code}`)) return describeFault('lost', facts);
  if (/timeout expired/.test(message))
    return unreachable(at, `no answer within ${at.connectTimeoutMs / 1000} s`, error);
  const errno = systemErrno(firstOf(error)) ?? systemErrno(error);
  if (errno) return unreachable(at, reasons[errno] ?? message, error);
  return describeFault('other', facts);
}

/** A name with several addresses fails with all their errors in one. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError ? error.errors[0] : error;
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the name could not be looked up',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  ENOENT: 'there is no such socket',
  EACCES: 'the socket may not be used by this user',
};

function faultOfSqlstate(sqlstate: string, message: string): Parameters<typeof describeFault>[0] {
  switch (sqlstate) {
    case '28P01':
      return 'password';
    case '28000':
      return /pg_hba/.test(message) ? 'not-admitted' : 'password';
    case '3D000':
      return 'missing';
    case '42501':
      return /row-level security/.test(message) ? 'row-security' : 'privilege';
    case '55P03':
      return 'locked';
    case '57P03':
      return 'not-ready';
    case '57P01':
    case '57P02':
    case '57P04':
    case '57P05':
    case '25P03':
    case '25P04':
      return 'lost';
    case '53300':
      return 'too-many';
    case '53100':
      return 'disk-full';
    case '53200':
      return 'memory';
    case '57014':
      return 'cancelled';
    case '40001':
    case '40P01':
      return 'conflict';
    case '25006':
      return 'read-only';
    case '22023':
      // The session that exported it is gone.
      return message.startsWith('invalid snapshot identifier') ? 'lost' : 'other';
    case '42P04':
      return 'exists';
    case '55006':
      return 'in-use';
    default:
      return sqlstate.startsWith('08') ? 'lost' : 'other';
  }
}
