import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { abortReason, throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { startProcess, type RunningProcess } from '../../base/run-process.ts';
import { sqliteError } from './errors.ts';
import { toLine } from './lines.ts';
import type { Answer, OperationName, Operations } from './process/operations.ts';

/** The process that works on a file, and what it can be asked for. */
export interface Session extends AsyncDisposable {
  ask<Name extends OperationName>(
    name: Name,
    args: Asked<Name>,
    signal: AbortSignal,
  ): Promise<Awaited<ReturnType<Operations[Name]>>>;
}

type Asked<Name extends OperationName> =
  Parameters<Operations[Name]> extends [unknown, infer Args] ? Args : Record<string, never>;

/** Starts it. A signal that fires while something is asked ends the process: a statement has no other end. */
export function startSession(path: string): Session {
  const end = new AbortController();
  const child = startProcess(
    { program: process.execPath, args: ['--disable-warning=ExperimentalWarning', programPath()] },
    { signal: end.signal, stdin: 'pipe' },
  );
  const waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line) as Answer));
  }
  let gone: HoldfastError | null = null;
  const leave = (error: HoldfastError) => {
    gone = error;
    rejectAll(waiting, error);
  };
  child.done.then(
    () => leave(lost(path)),
    (error: unknown) => leave(lost(path, error)),
  );
  return {
    ask: async (name, args, signal) => {
      throwIfAborted(signal);
      const stop = () => end.abort(abortReason(signal));
      signal.addEventListener('abort', stop, { once: true });
      try {
        const answer = await new Promise<Answer>((resolve, reject) => {
          // Nobody would answer any more.
          if (gone) return reject(gone);
          waiting.push({ resolve, reject });
          child.stdin?.write(toLine({ name, args }));
        });
        if ('fault' in answer) throw sqliteError(answer.fault, path);
        return answer.value as never;
      } catch (error) {
        throwIfAborted(signal);
        throw error;
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
    [Symbol.asyncDispose]: () => endSession(child, waiting.length > 0),
  };
}

/** A process of its own, so a file of its own, also where all others were put together. */
export function programPath(): string {
  const { filename, dirname } = import.meta;
  return filename.endsWith('.ts') ? join(dirname, 'process/main.ts') : join(dirname, 'sqlite-process.js');
}

/** At the end of its input it closes the file as it should be closed: the last reader tidies up after everybody. */
async function endSession(child: RunningProcess, busy: boolean): Promise<void> {
  if (busy) child.kill();
  else child.stdin?.end();
  const late = setTimeout(() => child.kill(), 30_000);
  await child.done.catch(() => undefined);
  clearTimeout(late);
}

function rejectAll(waiting: { reject: (error: Error) => void }[], error: Error): void {
  for (const { reject } of waiting.splice(0)) reject(error);
}

function lost(path: string, cause?: unknown): HoldfastError {
  return new HoldfastError('DATABASE_CONNECTION_LOST', `the process that worked on ${path} ended unexpectedly`, {
    cause,
    retryable: true,
    hint: 'It may have run out of memory, or was ended by somebody; try again.',
  });
}
