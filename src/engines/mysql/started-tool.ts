import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { HoldfastError } from '../../base/errors.ts';
import { gather } from '../../base/gather.ts';
import { startProcess, type Command } from '../../base/run-process.ts';
import { endsWhole } from './script-end.ts';

export interface StartedDump {
  /** Ends only when the tool has ended with status 0 and what it wrote ends as it ends a dump. */
  readonly output: Readable;
  /** Resolves when the tool is in its snapshot; rejects when it fails before. */
  readonly begun: Promise<void>;
}

const bufferedBytes = 1024 * 1024;
const tailBytes = 4096;

/** Runs from the start, not from the first reader on: the snapshot of the tool is taken while others wait for it. */
export function startDump(
  command: Command,
  options: { signal: AbortSignal; onStderr: (line: string) => void; explain: (error: unknown) => Error },
): StartedDump {
  const { signal, onStderr } = options;
  const child = startProcess(command, { signal, onStderr, stdin: 'ignore', stdout: 'pipe' });
  const { stdout } = child;
  if (!stdout) throw new Error('the tool has no output pipe');
  const output: Readable = new Readable({
    highWaterMark: bufferedBytes,
    read: () => stdout.resume(),
    destroy: (error, next) => {
      child.kill();
      stdout.destroy();
      const after = () => next(error);
      child.done.then(after, after);
    },
  });
  output.on('error', () => undefined); // whoever reads, or waits for the beginning, is told
  const gathered = gather((piece) => {
    if (!output.push(piece)) stdout.pause();
  });
  let head: Buffer | null = Buffer.alloc(0);
  let tail: Buffer = Buffer.alloc(0);
  const begun = Promise.withResolvers<void>();
  begun.promise.catch(() => undefined);
  stdout.on('data', (chunk: Buffer) => {
    if (head !== null) {
      head = Buffer.concat([head, chunk]);
      if (hasBegun(head)) {
        head = null;
        begun.resolve();
      }
    }
    tail = chunk.length >= tailBytes ? chunk.subarray(-tailBytes) : Buffer.concat([tail, chunk]).subarray(-tailBytes);
    gathered.add(chunk);
  });
  const printed = finished(stdout);
  printed.catch(() => undefined);
  child.done
    .then(() => printed)
    .then(
      () => {
        begun.resolve();
        if (!endsWhole(tail)) return output.destroy(cutOff());
        gathered.end();
        output.push(null);
        return undefined;
      },
      (error: unknown) => {
        const told = options.explain(error);
        begun.reject(told);
        output.destroy(told);
      },
    );
  return { output, begun: begun.promise };
}

/** Nothing is written between the tool's settings and its first object but after the start of its transaction. */
function hasBegun(head: Buffer): boolean {
  return /@@(?:SQL_NOTES|NOTE_VERBOSITY)[\s\S]*\n-- /.test(head.toString('latin1'));
}

function cutOff(): HoldfastError {
  return new HoldfastError('DUMP_CUT_OFF', 'the dump tool ended well, and yet the end of the dump is missing', {
    retryable: true,
    hint: 'Try again; if it stays so, update the client tools.',
  });
}
