import { HoldfastError } from '../../../base/errors.ts';
import { describeServerFault, type Description } from '../../shared/server-faults.ts';

/** Everything that is known to go wrong between us and a server, whoever noticed it: the driver or a tool. */
export type Fault =
  | 'unreachable'
  | 'password'
  | 'missing'
  | 'privilege'
  | 'locked'
  | 'lost'
  | 'too-many'
  | 'disk-full'
  | 'memory'
  | 'cancelled'
  | 'conflict'
  | 'changed'
  | 'read-only'
  | 'exists'
  | 'packet'
  | 'tls-refused'
  | 'tls-failed'
  | 'definer'
  | 'function-creators'
  | 'unknown-collation'
  | 'damaged-table'
  | 'rule'
  | 'tool-plugin'
  | 'local-disk-full'
  | 'other';

/** Where it happened: enough of an address to say so. */
export interface Place {
  host: string;
  port: number;
  socket: string | null;
  user: string;
  database: string;
  connectTimeoutMs: number;
}

export interface FaultFacts {
  at: Place;
  /** The server's or tool's own words, without anything of the data. */
  message: string;
  cause: unknown;
  errno: number | null;
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
      ...(facts.errno === null ? {} : { errno: facts.errno }),
    },
  });
}

export function server(at: Pick<Place, 'host' | 'port' | 'socket'>): string {
  if (at.socket !== null) return at.socket;
  return at.host.includes(':') ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;
}

function describe(fault: Fault, { at, message, tool }: FaultFacts): Description {
  const where = server(at);
  const words = message.trim().replace(/\.$/, '');
  switch (fault) {
    case 'password':
      return {
        code: 'DATABASE_LOGIN_FAILED',
        message: `the server at ${where} did not let ${at.user} in: ${words}`,
        hint: 'Check user and password of the database in the configuration, and that this user may come from this host.',
      };
    case 'missing':
      return {
        code: 'DATABASE_MISSING',
        message: `the database ${at.database} does not exist on ${where}`,
        hint: 'Check the name in the configuration; on most systems names are case-sensitive.',
      };
    case 'privilege':
      return {
        code: 'DATABASE_NO_PRIVILEGE',
        message: `${at.user} lacks a right in ${at.database}: ${words}`,
        hint: 'Grant it; `holdfast doctor` names everything that is missing.',
      };
    case 'locked':
      return {
        code: 'DATABASE_LOCKED',
        message: `a table stayed locked: ${words}`,
        hint: 'Another session changes the table or holds it; wait until it is done, or raise dump.lockTimeout.',
        retryable: true,
      };
    case 'lost':
      return {
        code: 'DATABASE_CONNECTION_LOST',
        message: `the connection to ${where} was lost: ${words}`,
        hint: "The server was restarted, ended the session, or the network failed; try again. With a slow storage raise the server's net_write_timeout.",
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
        hint: 'Give the server more memory, or lower its buffers.',
      };
    case 'cancelled':
      return {
        code: 'DATABASE_TIMEOUT',
        message: `the server ended a statement: ${words}`,
        hint: 'A limit of the server (max_statement_time) or an administrator ended it; try again, or raise the limit for this user.',
        retryable: true,
      };
    case 'conflict':
      return {
        code: 'DATABASE_CONFLICT',
        message: `the server ended a statement because of a conflict: ${words}`,
        hint: 'Two sessions waited for each other; try again.',
        retryable: true,
      };
    case 'changed':
      return {
        code: 'DATABASE_CHANGED',
        message: `a table was changed, renamed or dropped while the dump ran: ${words}`,
        hint: 'Try again when no migration is running.',
        retryable: true,
      };
    case 'read-only':
      return {
        code: 'DATABASE_READ_ONLY',
        message: `the server at ${where} takes no changes: ${words}`,
        hint: 'It is a replica or set to read only; use the primary.',
      };
    case 'packet':
      return {
        code: 'DATABASE_VALUE_TOO_LARGE',
        message: `a row is larger than the server at ${where} accepts in one piece: ${words}`,
        hint: 'Raise max_allowed_packet on that server (SET GLOBAL max_allowed_packet=1073741824), then try again.',
      };
    case 'definer':
      return {
        code: 'DEFINER_NOT_ALLOWED',
        message: `${at.user} may not create objects for another user: ${words}`,
        hint: 'Grant it SET USER (MariaDB) or SET_ANY_DEFINER (MySQL; for what acts as root, SYSTEM_USER too), or restore without owners (`--no-owner`).',
      };
    case 'function-creators':
      return {
        code: 'FUNCTION_CREATORS_NOT_TRUSTED',
        message: `the server at ${where} writes a binary log and lets ${at.user} create no functions or triggers: ${words}`,
        hint: 'Set log_bin_trust_function_creators=1 on the server while the restore runs, or use a user with SUPER.',
      };
    case 'unknown-collation':
      return {
        code: 'LOCALE_MISSING',
        message: `the server at ${where} does not know a character set or collation of the dump: ${words}`,
        hint: 'Restore on a server of the same product and of the same version or newer.',
      };
    case 'damaged-table':
      return {
        code: 'DATABASE_FAILED',
        message: `a table or view cannot be read: ${words}`,
        hint: 'Repair it (CHECK TABLE tells what is wrong), correct or drop the view, or leave it out with dump.exclude.tables.',
      };
    case 'tool-plugin':
      return {
        code: 'TOOL_LACKS_FEATURE',
        message: `${tool ?? 'the client tool'} cannot log in the way the server asks: ${words}`,
        hint: "Install the client tools of the server's own product, or give the user another authentication plugin.",
      };
    case 'rule':
      return {
        code: 'DATABASE_FAILED',
        message: `the server at ${where} makes no such table any more: ${words}`,
        hint: 'A rule for new tables stands in the way, which this account may not switch off for its sessions: switch innodb_strict_mode, sql_require_primary_key or restrict_fk_on_non_standard_key off on the server (SET GLOBAL) while the restore runs.',
      };
    case 'other':
      return { code: 'DATABASE_FAILED', message: `the server at ${where} refused: ${words}` };
  }
}

/** The meaning of the server's error numbers, which MySQL and MariaDB share where they matter here. */
export function faultOfErrno(errno: number, message: string): Fault {
  const known = byErrno[errno];
  if (known) return known;
  if (errno === 1356 || errno === 1194 || errno === 1195 || errno === 1932 || errno === 1146) return 'damaged-table';
  if (errno === 1031 && /doesn't have this option/i.test(message)) return 'rule';
  // How each storage engine calls it when there is no room for another table.
  return /No space left|No more room in|disk is full/i.test(message) ? 'disk-full' : 'other';
}

const byErrno: Readonly<Record<number, Fault | undefined>> = {
  1007: 'exists',
  1021: 'disk-full',
  1030: 'disk-full',
  1037: 'memory',
  1038: 'memory',
  1040: 'too-many',
  1041: 'memory',
  1044: 'privilege',
  1045: 'password',
  1049: 'missing',
  1053: 'lost',
  1114: 'disk-full',
  1115: 'unknown-collation',
  1118: 'rule',
  1129: 'unreachable',
  1130: 'password',
  1142: 'privilege',
  1143: 'privilege',
  1153: 'packet',
  1158: 'lost',
  1159: 'lost',
  1160: 'lost',
  1161: 'lost',
  1184: 'lost',
  1203: 'too-many',
  1205: 'locked',
  1213: 'conflict',
  1226: 'too-many',
  1227: 'privilege',
  1251: 'tool-plugin',
  1273: 'unknown-collation',
  1290: 'read-only',
  1317: 'cancelled',
  1370: 'privilege',
  1412: 'changed',
  1418: 'function-creators',
  1419: 'function-creators',
  1524: 'tool-plugin',
  1698: 'password',
  1792: 'read-only',
  1836: 'read-only',
  1927: 'lost',
  1969: 'cancelled',
  2002: 'unreachable',
  2003: 'unreachable',
  2005: 'unreachable',
  2006: 'lost',
  2013: 'lost',
  2020: 'packet',
  2026: 'tls-failed',
  2055: 'lost',
  2059: 'tool-plugin',
  3024: 'cancelled',
  3159: 'password',
  3750: 'rule',
  6125: 'rule',
};
