import { HoldfastError } from '../../../base/errors.ts';
import type { ToolFailure } from '../../../base/run-process.ts';

/** In pg_restore's own words, 14 to 18. */
const damage = [
  /could not (read from input file|uncompress|decompress|find (header|block|entry)|open (input|TOC) file|read directory)/,
  /unexpected (end of file|block ID|data offset|section code)|found unexpected|did not find magic|out of range/,
  /unrecognized (data block|encoding|file format|archive format)|unsupported (archive|compression)|invalid (ENCODING|STDSTRINGS|SEARCHPATH|OID|creation date|compression|line in|dumpId|block)/,
  /corrupt|not .*valid archive|input file (is too short|does not appear|appears to be)|incomplete tar header|(mismatch in actual|actual file position)|no such file/i,
];
/** The machine it ran on. */
const elsewhere =
  /permission denied|too many open files|input\/output error|out of memory|cannot allocate|no space left|disk quota|stale file handle|error response from daemon|error while loading shared/i;
/** Of docker and the shell: what was to run could not, or was ended by a signal inside the container. */
const notItsOwn = (status: number | null) => status === null || (status >= 125 && status <= 127) || status > 128;

/**
 * Whether the tool itself says that the dump is broken. Any other end (killed, out of memory, a container that was restarted) says
 * nothing about it, and a sound backup would be lost on that word.
 */
export function tellsOfDamage({ status, signal, stderr }: ToolFailure): boolean {
  if (signal !== null || notItsOwn(status) || elsewhere.test(stderr)) return false;
  const lines = stderr.split('\n').filter((line) => line.startsWith('pg_restore: '));
  return lines.some((line) => damage.some((words) => words.test(line)));
}

export function damagedDump({ stderr }: ToolFailure, cause: unknown): HoldfastError {
  return new HoldfastError('DUMP_DAMAGED', `the dump cannot be read to its end: ${lastWords(stderr)}`, {
    kind: 'integrity',
    cause,
    hint: 'Use another backup; `holdfast verify` tells which ones are whole.',
  });
}

/** Null when it is not for that. */
export function tooOld({ stderr }: ToolFailure, cause: unknown): HoldfastError | null {
  if (!/pg_restore: .*unsupported version/.test(stderr)) return null;
  return new HoldfastError('TOOL_TOO_OLD', `pg_restore is older than the dump: ${lastWords(stderr)}`, {
    cause,
    hint: 'Install the PostgreSQL client tools of the version that made the dump, or name their folder under database.tools.',
  });
}

export function unreadDump({ stderr, status, signal }: ToolFailure, cause: unknown): HoldfastError {
  const how = signal ?? `status ${status}`;
  const words = lastWords(stderr);
  return new HoldfastError(
    'DUMP_UNREAD',
    `pg_restore did not read the dump to its end: ${words === '' ? how : words}`,
    {
      cause,
      retryable: true,
      hint: 'This says nothing about the dump: see that the tool can run, and its container stays up, and verify it again.',
    },
  );
}

function lastWords(stderr: string): string {
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return last.replace(/^pg_restore: (error: )?/, '');
}
