import { HoldfastError } from '../../../base/errors.ts';
import { describeServerFault, type Description } from '../../shared/server-faults.ts';

/** Everything that is known to go wrong between us and a server, whoever noticed it: the driver or a tool. */
export type Fault =
  | 'password'
  | 'not-admitted'
  | 'missing'
  | 'privilege'
  | 'row-security'
  | 'locked'
  | 'not-ready'
  | 'lost'
  | 'too-many'
  | 'disk-full'
  | 'memory'
  | 'cancelled'
  | 'conflict'
  | 'changed'
  | 'read-only'
  | 'exists'
  | 'in-use'
  | 'tls-refused'
  | 'tls-failed'
  | 'tool-too-old'
  | 'tool-lacks'
  | 'value-too-large'
  | 'unreachable'
  | 'local-disk-full'
  | 'other';

/** Where it happened: enough of an address to say so. */
export interface Place {
  host: string;
  port: number;
  user: string;
  database: string;
  connectTimeoutMs: number;
}

export interface FaultFacts {
  at: Place;
  /** The server's or tool's own words. */
  message: string;
  cause: unknown;
  sqlstate: string | null;
  /** The table, or whatever it was about, when that could be read. */
  object?: string | null;
  tool?: string;
}

export function describeFault(fault: Fault, facts: FaultFacts): HoldfastError {
  const { code, message, ...rest } = describe(fault, facts);
  return new HoldfastError(code, message, {
    ...rest,
    cause: facts.cause,
    details: {
      server: server(facts.at),
      database: facts.at.database,
      ...(facts.sqlstate ? { sqlstate: facts.sqlstate } : {}),
      ...(facts.object ? { object: facts.object } : {}),
    },
  });
}

export function unreachable(at: Place, reason: string, cause: unknown): HoldfastError {
  return describeFault('unreachable', { at, message: reason, cause, sqlstate: null });
}

export function server(at: Pick<Place, 'host' | 'port'>): string {
  if (at.host.startsWith('/')) return `${at.host}/.s.PGSQL.${at.port}`;
  return at.host.includes(':') ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;
}

function describe(fault: Fault, { at, message, object, tool }: FaultFacts): Description {
  const where = server(at);
  const words = message.trim().replace(/\.$/, '');
  switch (fault) {
    case 'not-ready':
      return {
        code: 'DATABASE_UNREACHABLE',
        message: `the server at ${where} does not take connections yet: ${words}`,
        hint: 'It is starting, stopping or recovering; try again in a moment.',
        retryable: true,
      };
    case 'password':
      return {
        code: 'DATABASE_LOGIN_FAILED',
        message: `the server at ${where} did not let ${at.user} in: ${words}`,
        hint: `Check user and password of the database in the configuration.`,
      };
    case 'not-admitted':
      return {
        code: 'DATABASE_LOGIN_FAILED',
        message: `the server at ${where} did not let ${at.user} in: ${words}`,
        hint: `The server's pg_hba.conf has no line for this user, database, address and encryption; add one, or correct ssl.`,
      };
    case 'missing':
      return {
        code: 'DATABASE_MISSING',
        message: `the database ${at.database} does not exist on ${where}`,
        hint: 'Check the name in the configuration; names are case-sensitive.',
      };
    case 'privilege':
      return {
        code: 'DATABASE_NO_PRIVILEGE',
        message: `${at.user} lacks a right in ${at.database}: ${words}`,
        hint: `Grant it, or use a role that owns the database; reading everything needs the role pg_read_all_data.`,
      };
    case 'row-security':
      return {
        code: 'DATABASE_ROW_SECURITY',
        message: `row security hides rows${object ? ` of ${object}` : ''} from ${at.user}: ${words}`,
        hint: 'Use a role with BYPASSRLS or the owner of the table; a dump without the hidden rows would not be whole.',
      };
    case 'locked':
      return {
        code: 'DATABASE_LOCKED',
        message: `${object ? `the table ${object}` : 'a table'} stayed locked: ${words}`,
        hint: 'Another session changes the table; wait until it is done, or raise dump.lockTimeout.',
        retryable: true,
      };
    case 'lost':
      return {
        code: 'DATABASE_CONNECTION_LOST',
        message: `the connection to ${where} was lost: ${words}`,
        hint: 'The server was restarted, ended the session, or the network failed; try again.',
        retryable: true,
      };
    case 'unreachable':
    case 'too-many':
    case 'disk-full':
    case 'local-disk-full':
    case 'exists':
    case 'tls-refused':
    case 'tls-failed':
      return describeServerFault(fault, { where, words, tool });
    case 'memory':
      return {
        code: 'DATABASE_OUT_OF_MEMORY',
        message: `the server at ${where} ran out of memory: ${words}`,
        hint: 'If it names shared memory, raise max_locks_per_transaction; otherwise give the server more memory.',
      };
    case 'cancelled':
      return {
        code: 'DATABASE_TIMEOUT',
        message: `the server ended a statement: ${words}`,
        hint: 'A statement_timeout or another session ended it; try again, or raise the limit for this role.',
        retryable: true,
      };
    case 'conflict':
      return {
        code: 'DATABASE_CONFLICT',
        message: `the server ended a statement because of a conflict: ${words}`,
        hint: 'On a standby, raise max_standby_streaming_delay or set hot_standby_feedback; then try again.',
        retryable: true,
      };
    case 'changed':
      return {
        code: 'DATABASE_CHANGED',
        message: `the schema changed while the dump began: ${words}`,
        hint: 'Try again when no migration is running.',
        retryable: true,
      };
    case 'read-only':
      return {
        code: 'DATABASE_READ_ONLY',
        message: `the server at ${where} takes no changes: ${words}`,
        hint: 'It is a standby or set to read only; use the primary.',
      };
    case 'in-use':
      return {
        code: 'DATABASE_IN_USE',
        message: words,
        hint: 'Stop the application, or let holdfast end the sessions.',
        retryable: true,
      };
    case 'tool-too-old':
      return {
        code: 'TOOL_TOO_OLD',
        message: `${tool ?? 'the client tool'} is older than the server: ${words}`,
        hint: `Install the PostgreSQL client tools of the server's version, or name their folder under database.tools.`,
      };
    case 'tool-lacks':
      return {
        code: 'TOOL_LACKS_FEATURE',
        message: `${tool ?? 'the client tool'} cannot do what was asked: ${words}`,
        hint: 'Install newer PostgreSQL client tools, or choose another compression or format.',
      };
    case 'value-too-large':
      return {
        code: 'DATABASE_VALUE_TOO_LARGE',
        message: `a value is too large to be dumped${object ? ` in ${object}` : ''}: ${words}`,
        hint: 'Split the value, move it to a large object, or leave the table out with dump.exclude.tableData.',
      };
    case 'other':
      return { code: 'DATABASE_FAILED', message: `the server at ${where} refused: ${words}` };
  }
}
