import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { Writable, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { abortReason, throwIfAborted } from './abort.ts';
import type { HoldfastError } from './errors.ts';
import { guard } from './guardian.ts';
import { withoutSecrets } from './secret.ts';
import { couldNotStart, failedProcess } from './tool-failure.ts';

export { toolFailure, type ToolFailure } from './tool-failure.ts';

/** The only place that starts programs. Never through a shell, never with a secret among the arguments. */
export interface Command {
  program: string;
  args: readonly string[];
  /** Added to a small base environment; the caller's own `PG*` and the like do not leak in. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Run as another user (only root can). */
  user?: { uid: number; gid: number } | undefined;
}

export interface ProcessOptions {
  signal: AbortSignal;
  stdin?: 'ignore' | 'pipe';
  /** With a socket, `stdout` of the running process is null; whoever opened the socket closes it, once the program has it. */
  stdout?: 'ignore' | 'pipe' | Socket;
  /** Receives the program's error output line by line, secrets removed. */
  onStderr?: (line: string) => void;
  /** How long a program may take to end after SIGTERM before SIGKILL. */
  graceMs?: number;
  /** Adapters translate a bad exit status into their own error. */
  explain?: (error: HoldfastError) => Error;
}

export interface RunningProcess {
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  /** Settles when the program has ended and its pipes are closed; rejects unless the exit status was 0. */
  readonly done: Promise<void>;
  /** The last of what the program said on its error output, secrets removed. */
  stderr(): string;
  kill(signal?: NodeJS.Signals): void;
}

const keptVariables =
  /^(PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|XDG_[A-Z_]+|LD_LIBRARY_PATH|DOCKER_[A-Z_]+|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/;
const stderrKept = 16 * 1024;

/** What every child gets: where programs and the home are, the language, and how to reach a container engine. */
export function baseEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name, value]) => keptVariables.test(name) && value !== undefined);
  return Object.fromEntries(kept) as Record<string, string>;
}

export function startProcess(command: Command, options: ProcessOptions): RunningProcess {
  throwIfAborted(options.signal);
  const child = spawnGroup(command, options);
  const tail = keepTail(child, options.onStderr);
  const release = child.pid === undefined ? () => undefined : guard(child.pid);
  // Whoever writes learns from the exit status why the program stopped reading.
  child.stdin?.on('error', () => undefined);

  let ended = false;
  let killed = false;
  let graceTimer: NodeJS.Timeout | undefined;
  // Nobody reads what an ended program left in its pipes, or a stray child of it holds them open; they would never close.
  const dropPipes = () => {
    for (const pipe of [child.stdout, child.stderr]) pipe?.destroy();
  };
  const kill = (signal: NodeJS.Signals = 'SIGTERM') => {
    // After its end the number may belong to somebody else.
    if (ended) {
      dropPipes();
      return;
    }
    killed = true;
    killGroup(child, signal);
    graceTimer ??= setTimeout(() => killGroup(child, 'SIGKILL'), options.graceMs ?? 5000);
  };
  const stop = () => kill();

  const done = new Promise<void>((resolve, reject) => {
    const settle = (outcome: () => void) => {
      ended = true;
      options.signal.removeEventListener('abort', stop);
      clearTimeout(graceTimer);
      release();
      outcome();
    };
    options.signal.addEventListener('abort', stop, { once: true });
    child.once('error', (error) => settle(() => reject(couldNotStart(command.program, error))));
    child.once('exit', () => {
      ended = true;
      clearTimeout(graceTimer);
      // Workers of `pg_dump -j` outlive a killed leader; nothing of the group may survive it.
      killGroup(child, 'SIGKILL');
      if (killed) dropPipes();
    });
    child.once('close', (status, signal) =>
      settle(() => {
        // A tool that answers SIGTERM with status 0 has not done its work.
        if (options.signal.aborted) reject(abortReason(options.signal));
        else if (status === 0) resolve();
        else {
          const failure = failedProcess(command.program, { status, signal, stderr: tail() });
          reject(options.explain?.(failure) ?? failure);
        }
      }),
    );
  });
  // The caller may look at `done` much later; until then a failure is not "unhandled".
  done.catch(() => undefined);
  // Without a process there are no pipes either: whoever writes learns why from its end.
  const stdin = child.stdin ?? (options.stdin === 'pipe' ? new Writable().destroy() : null);
  return { pid: child.pid ?? -1, stdin, stdout: child.stdout ?? null, done, stderr: tail, kill };
}

function spawnGroup(command: Command, options: ProcessOptions): ChildProcess {
  try {
    return spawn(command.program, [...command.args], {
      // A group of its own: Ctrl-C in the terminal reaches us first, and a tool's own workers end with it.
      detached: true,
      env: { ...baseEnvironment(), ...command.env },
      stdio: [options.stdin ?? 'ignore', options.stdout ?? 'pipe', 'pipe'],
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      ...(command.user === undefined ? {} : command.user),
    });
  } catch (error) {
    throw couldNotStart(command.program, error as NodeJS.ErrnoException);
  }
}

export interface RunOptions extends Omit<ProcessOptions, 'stdin' | 'stdout'> {
  input?: string | Buffer;
  /** A program that says more than this is a fault; default 64 MiB. */
  maxOutput?: number;
}

/** Runs a program to its end and returns what it said. For short output; data goes through `outputOf` and `feed`. */
export async function runProcess(command: Command, options: RunOptions): Promise<{ stdout: string; stderr: string }> {
  const child = startProcess(command, { ...options, stdin: options.input === undefined ? 'ignore' : 'pipe' });
  const limit = options.maxOutput ?? 64 * 1024 * 1024;
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limit) child.kill('SIGKILL');
    else chunks.push(chunk);
  });
  child.stdin?.end(options.input);
  await child.done.catch((error: unknown) => {
    if (size <= limit) throw error;
    throw failedProcess(
      command.program,
      { status: null, signal: 'SIGKILL', stderr: child.stderr() },
      `printed more than ${limit} bytes`,
    );
  });
  return { stdout: Buffer.concat(chunks).toString('utf8'), stderr: child.stderr() };
}

/**
 * Gives a program its input; resolves when it has ended with status 0, having read everything or not. When the input breaks
 * off, the program is ended instead of being shown an end: it would take half a script for a whole one.
 */
export async function feed(
  command: Command,
  input: Readable,
  options: Omit<ProcessOptions, 'stdin'> & { onStdout?: (chunk: Buffer) => void },
): Promise<{ stderr: string }> {
  using _ = { [Symbol.dispose]: () => void input.destroy() };
  const child = startProcess(command, { ...options, stdin: 'pipe', stdout: options.onStdout ? 'pipe' : 'ignore' });
  if (options.onStdout) child.stdout?.on('data', options.onStdout);
  let broken: { error: unknown } | undefined;
  finished(input, { writable: false }).catch((error: unknown) => {
    broken = { error };
    child.kill();
  });
  if (child.stdin) input.pipe(child.stdin);
  try {
    await child.done;
  } catch (error) {
    throw broken && !options.signal.aborted ? broken.error : error;
  }
  if (broken) throw broken.error;
  return { stderr: child.stderr() };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody left in the group.
  }
}

function keepTail(child: ChildProcess, onLine: ((line: string) => void) | undefined): () => string {
  let kept = '';
  let open = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (text: string) => {
    // Twice as much as is shown, so that a secret at the cut is still whole when it is looked for.
    kept = (kept + text).slice(-2 * stderrKept);
    if (!onLine) return;
    const lines = (open + text).split('\n');
    open = (lines.pop() ?? '').slice(-stderrKept);
    for (const line of lines) if (line.trim()) onLine(withoutSecrets(line));
  });
  child.stderr?.once('end', () => {
    if (onLine && open.trim()) onLine(withoutSecrets(open));
  });
  return () => withoutSecrets(kept).slice(-stderrKept);
}
