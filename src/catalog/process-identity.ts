import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  host: string;
  pid: number;
  /** `<boot>/<process number space>/<start time>`, or null where the system does not tell (no `/proc`). */
  process: string | null;
}

export function ownProcess(): ProcessIdentity {
  return { host: hostname(), pid: process.pid, process: describeProcess(process.pid) };
}

/**
 * Whether a process that wrote its identity down still runs. `unknown` when it cannot be seen from here: another machine, or
 * another container on this one, whose process numbers mean nothing to us.
 */
export function processState(
  other: ProcessIdentity,
  own: ProcessIdentity = ownProcess(),
): 'alive' | 'gone' | 'unknown' {
  if (other.process === null || own.process === null) {
    return other.host === own.host ? answersToNumber(other.pid) : 'unknown';
  }
  const [boot, space, start] = other.process.split('/');
  const [ownBoot, ownSpace] = own.process.split('/');
  if (boot !== ownBoot) return other.host === own.host ? 'gone' : 'unknown'; // rebooted since
  if (space !== ownSpace) return 'unknown';
  return startTime(other.pid) === start ? 'alive' : 'gone';
}

function describeProcess(pid: number): string | null {
  const start = startTime(pid);
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const space = readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
    return start === null ? null : `${boot}/${space}/${start}`;
  } catch {
    return null;
  }
}

/** Clock ticks since boot, which no clock change touches; null when there is no such process, or only its zombie. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    return state === 'Z' || state === 'X' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function answersToNumber(pid: number): 'alive' | 'gone' {
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'alive';
  }
}
