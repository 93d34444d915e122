import type { Fault } from './faults.ts';

export interface ToolFault {
  fault: Fault;
  /** The line that says it, without the tool's name. */
  message: string;
  object: string | null;
}

/**
 * Reads the error output of pg_dump, pg_restore, psql and pg_dumpall. The tools run with LC_ALL=C, so their own words are English;
 * a server that speaks another language stays unrecognised and is passed on as it is.
 */
export function faultOfTool(stderr: string): ToolFault | null {
  for (const [pattern, fault, named] of patterns) {
    const line = stderr.split('\n').find((each) => pattern.test(each));
    if (line === undefined) continue;
    return { fault, message: cleaned(line), object: (named ?? firstQuoted)(stderr, line) };
  }
  return null;
}

type Named = (stderr: string, line: string) => string | null;

const none: Named = () => null;

const lockedTable: Named = (stderr, line) =>
  /could not obtain lock on relation "(.+)"/.exec(line)?.[1] ??
  /LOCK TABLE (?:ONLY )?(.+?) IN ACCESS SHARE MODE/.exec(stderr)?.[1]?.replaceAll('ONLY ', '') ??
  null;

const copiedTable: Named = (stderr) =>
  /COPY (.+?) \(/.exec(stderr)?.[1] ?? /contents of table "(.+?)" failed/.exec(stderr)?.[1] ?? null;

function firstQuoted(_stderr: string, line: string): string | null {
  return /(?:table|relation|schema|sequence|for) "?([^"\s]+)"?$/.exec(line.trim())?.[1] ?? null;
}

/** The most telling first: a lost connection also makes every later line of the tool fail. */
const patterns: readonly (readonly [RegExp, Fault, Named?])[] = [
  [/server version mismatch/, 'tool-too-old', none],
  [/canceling statement due to lock timeout|could not obtain lock on relation/, 'locked', lockedTable],
  [
    /password authentication failed|no password supplied|role ".*" does not exist$|authentication failed/,
    'password',
    none,
  ],
  [/no pg_hba\.conf entry/, 'not-admitted', none],
  [/database ".*" does not exist/, 'missing', none],
  [/remaining connection slots|too many clients|too many connections/, 'too-many', none],
  [/the database system is (starting up|shutting down|not yet accepting|in recovery)/, 'not-ready', none],
  [/conflict with recovery/, 'conflict', none],
  // The session that exported it is gone.
  [/invalid snapshot identifier/, 'lost', none],
  [
    /terminating connection|server closed the connection|connection has been closed|connection to server was lost|no connection to the server/,
    'lost',
    none,
  ],
  [/server does not support SSL/, 'tls-refused', none],
  [/certificate|SSL error/, 'tls-failed', none],
  [
    /Connection refused|could not translate host name|timeout expired|No route to host|could not connect|Is the server running/,
    'unreachable',
    none,
  ],
  [/would be affected by row-level security/, 'row-security'],
  [/permission denied for|must be owner of|permission denied to/, 'privilege'],
  [/(ERROR|FATAL):.*No space left on device/, 'disk-full', none],
  [/No space left on device|Disk quota exceeded/, 'local-disk-full', none],
  [/out of shared memory/, 'memory', none],
  [/invalid memory alloc request size|out of memory|string buffer exceeds maximum/, 'value-too-large', copiedTable],
  [/cache lookup failed|could not open relation with OID/, 'changed', none],
  [/canceling statement due to/, 'cancelled', none],
  [
    /does not support compression|unrecognized compression|unrecognized option|invalid option|compression is not (supported|available)/,
    'tool-lacks',
    none,
  ],
];

function cleaned(line: string): string {
  return line
    .replace(/^.*?(pg_dump|pg_restore|psql|pg_dumpall)(\.\w+)?: /, '')
    .replace(/^(error|fatal|warning): /, '')
    .replace(/^query failed: /, '')
    .replace(/^connection to server .*? failed: /, '')
    .replace(/^(ERROR|FATAL): +/, '')
    .trim();
}
