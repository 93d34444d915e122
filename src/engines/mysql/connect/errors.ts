import { HoldfastError, systemErrno } from '../../../base/errors.ts';
import { toolFailure } from '../../../base/run-process.ts';
import { withoutSecrets } from '../../../base/secret.ts';
import { describeFault, faultOfErrno, type Place } from './faults.ts';

/** The server quotes values in some messages (`Duplicate entry '...'`, `Incorrect integer value: '...'`): rows are nobody's business. */
export function withoutValues(message: string): string {
  return withoutSecrets(message)
    .replace(
      /(Duplicate entry|value:|near|Data too long for|Truncated incorrect \w+ value:) '[\s\S]*?'(?= (for|at line)|$)/g,
      "$1 '…'",
    )
    .replaceAll(/[\u0000-\u001F\u007F]+/g, ' ')
    .slice(0, 500);
}

/** Anything the driver throws, as our error. */
export function driverError(error: unknown, at: Place): HoldfastError {
  if (error instanceof HoldfastError && error.code !== 'TOOL_FAILED') return error;
  const facts = (error ?? {}) as { code?: unknown; message?: unknown; errno?: unknown };
  const message = withoutValues(typeof facts.message === 'string' && facts.message ? facts.message : String(error));
  const code = typeof facts.code === 'string' ? facts.code : '';
  const errno = typeof facts.errno === 'number' && facts.errno >= 1000 ? facts.errno : null;
  // Not the driver's own error: it carries the statement and, in its words, values.
  const told = { at, message, cause: Object.assign(new Error(message), code ? { code } : {}), errno };
  if (errno !== null) return describeFault(faultOfErrno(errno, message), told);
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return describeFault('tls-refused', told);
  if (/^HANDSHAKE_SSL|^ERR_TLS|^ERR_SSL|CERT|SELF_SIGNED|UNABLE_TO_/.test(code))
    return describeFault('tls-failed', told);
  if (code === 'ETIMEDOUT' || /connect ETIMEDOUT/.test(message)) {
    return describeFault('unreachable', { ...told, message: `no answer within ${at.connectTimeoutMs / 1000} s` });
  }
  // The program of a way through a container has ended.
  if (code === 'TOOL_FAILED') return describeFault('lost', told);
  if (
    /PROTOCOL_CONNECTION_LOST|PROTOCOL_SEQUENCE|ECONNRESET|EPIPE|closed state|Connection lost/.test(
      `${message} ${code}`,
    )
  ) {
    return describeFault('lost', told);
  }
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const system = systemErrno(first) ?? systemErrno(error);
  if (system) return describeFault('unreachable', { ...told, message: reasons[system] ?? message });
  // Numbers below 1000 are of the server's file system: only its words tell.
  return describeFault(faultOfErrno(0, message), told);
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

/** A failed client tool, as our error; what is not recognised keeps the tool's own words, cleaned of values. */
export function toolError(error: unknown, at: Place): unknown {
  const failure = toolFailure(error);
  if (!failure) return error;
  const { tool, stderr } = failure;
  const how = failure.signal ? `was ended by ${failure.signal}` : `ended with status ${failure.status}`;
  const told = toolWords(stderr);
  const words = told?.message ?? withoutValues(lastLine(stderr));
  // Without the tool's whole output: a client may repeat a statement there, and with it rows.
  const cause = new HoldfastError('TOOL_FAILED', `${tool} ${how}${words ? `: ${words}` : ''}`, {
    details: { tool, status: failure.status, signal: failure.signal, stderr: words },
  });
  if (told) return describeFault(toolFault(told), { at, message: words, cause, errno: told.errno, tool });
  const plain = plainFaults.find(([pattern]) => pattern.test(stderr));
  return plain ? describeFault(plain[1], { at, message: words, cause, errno: null, tool }) : cause;
}

const plainFaults = [
  [/No space left on device|Disk quota exceeded|Got errno 28/, 'local-disk-full'],
  [/Plugin .* could not be loaded/, 'tool-plugin'],
  [/SSL is required|TLS\/SSL error/, 'tls-failed'],
] as const;

function toolFault({ errno, message, code }: ToolWords): ReturnType<typeof faultOfErrno> {
  if (errno === 1227 && /SUPER|SET USER|SET_USER_ID|SET_ANY_DEFINER|SYSTEM_USER/.test(message)) return 'definer';
  // What the dump tool asks for and cannot find was there when it looked for its names.
  if (/dump/.test(code) && (errno === 1146 || errno === 1305 || errno === 1051)) return 'changed';
  return faultOfErrno(errno, message);
}

interface ToolWords {
  errno: number;
  message: string;
  /** What stood before the message: the tool's name, or `ERROR`. */
  code: string;
}

/**
 * `mariadb-dump: Error 1412: ...`, `mariadb-dump: Got error: 1045: "..." when ...`, `mariadb-dump: Couldn't execute '...': ... (1146)`,
 * `ERROR 1064 (42000) at line 3: ...`.
 */
export function toolWords(stderr: string): ToolWords | null {
  for (const line of stderr.split('\n')) {
    const numbered =
      /^(\S*(?:dump|ERROR)\S*?):? (?:Error |Got error: )?(\d{4,5})(?: \([0-9A-Z]{5}\))?(?: at line \d+)?: (.*)$/.exec(
        line,
      );
    if (numbered)
      return { code: numbered[1] ?? '', errno: Number(numbered[2]), message: withoutValues(numbered[3] ?? '') };
    const executed = /^(\S*dump\S*): Couldn't execute '[\s\S]*?': (.*) \((\d{4,5})\)$/.exec(line);
    if (executed)
      return { code: executed[1] ?? '', errno: Number(executed[3]), message: withoutValues(executed[2] ?? '') };
  }
  return null;
}

function lastLine(stderr: string): string {
  return stderr.trim().split('\n').at(-1) ?? '';
}
