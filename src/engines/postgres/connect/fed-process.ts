import type { Readable, Writable } from 'node:stream';
import { letGo } from '../../../base/reuse.ts';
import { startProcess, type Command } from '../../../base/run-process.ts';

export interface FedProcess {
  readonly stdout: Readable | null;
  /** Settles when the program has ended with status 0 and the input was read to its end without an error. */
  readonly done: Promise<{ stderr: string }>;
}

/**
 * A program with an input that is read to its end even when the program stops early, as pg_restore does after the last entry it
 * was asked for: only at its end does the input tell whether its bytes were the right ones.
 */
export function startFed(
  command: Command,
  input: Readable,
  options: { signal: AbortSignal; stdout: 'ignore' | 'pipe'; onStderr?: (line: string) => void },
): FedProcess {
  const child = startProcess(command, { ...options, stdin: 'pipe' });
  const { stdin } = child;
  if (!stdin) throw new Error('the program has no input pipe');
  stdin.on('error', () => undefined); // it stopped reading: its exit status tells why
  // A program that failed needs no more input.
  child.done.catch(() => input.destroy());
  const work = async () => {
    try {
      for await (const chunk of input) await writeTo(stdin, chunk as Buffer);
    } catch (error) {
      // A damaged input must not look like a whole one: the program gets a signal, never an end.
      child.kill('SIGTERM');
      const failure = await child.done.then(
        () => null,
        (reason: unknown) => reason,
      );
      throw isPremature(error) && failure !== null ? failure : error;
    }
    stdin.end();
    await child.done;
    return { stderr: child.stderr() };
  };
  const done = work();
  done.catch(() => undefined); // looked at later
  return { stdout: child.stdout, done };
}

/** Waits while the pipe is full; does nothing once the reader has gone. Nobody else may look at the chunk any more. */
export async function writeTo(target: Writable, chunk: Buffer | string): Promise<void> {
  const written = (error?: Error | null) => {
    if (!error && typeof chunk !== 'string') letGo(chunk);
  };
  if (target.destroyed || target.write(chunk, written)) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      target.off('drain', go);
      target.off('close', go);
      resolve();
    };
    target.once('drain', go);
    target.once('close', go);
    if (target.destroyed) go();
  });
}

/** The input was given up because the program failed: the program's failure is the one to tell. */
function isPremature(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
}
