import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Measured {
  /** By the wall clock, when it was started. */
  startedAt: number;
  seconds: number;
  /** The most memory the process itself had, without its children; null where the system does not tell. */
  peakBytes: number | null;
  stdout: string;
}

/** Runs a command line to its end, every program of a pipe included, and takes the time. */
export async function measureShell(line: string, env: Record<string, string>, signal: AbortSignal): Promise<Measured> {
  return measure('bash', ['-o', 'pipefail', '-c', line], env, signal);
}

export async function measure(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<Measured> {
  signal.throwIfAborted();
  const startedAt = Date.now();
  const started = performance.now();
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-4000)));
  // The kernel's own high-water mark only grows, so looking at it now and then misses nothing but the last moment.
  let peakBytes: number | null = null;
  const look = setInterval(() => (peakBytes = peakOf(child.pid) ?? peakBytes), 25);
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stderr}`);
    return { startedAt, seconds: (performance.now() - started) / 1000, peakBytes, stdout };
  } finally {
    clearInterval(look);
    signal.removeEventListener('abort', stop);
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function peakOf(pid: number | undefined): number | null {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}
