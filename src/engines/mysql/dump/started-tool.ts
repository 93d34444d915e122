import type { Readable } from 'node:stream';
import { HoldfastError } from '../../../base/errors.ts';
import { outputOf } from '../../../base/piped-program.ts';
import { endsWhole } from '../read/script-end.ts';
import type { ToolStart } from '../connect/tool-command.ts';

export interface StartedDump {
  /** Ends only when the tool has ended with status 0 and what it wrote ends as it ends a dump. */
  readonly output: Readable;
  /** Resolves when the tool is in its snapshot; rejects when it fails before. */
  readonly begun: Promise<void>;
}

const tailBytes = 4096;

export interface StartOptions {
  signal: AbortSignal;
  /** It was told to write what is stored, which it calls bytes, and is UTF-8. */
  asStored: boolean;
  onStderr: (line: string) => void;
  explain: (error: unknown) => Error;
}

/** Runs from the start, not from the first reader on: the snapshot of the tool is taken while others wait for it. */
export function startDump({ command, opening }: ToolStart, { asStored, ...options }: StartOptions): StartedDump {
  let head: Buffer[] | null = [];
  let tail: Buffer = Buffer.alloc(0);
  const begun = Promise.withResolvers<void>();
  begun.promise.catch(() => undefined);
  const watch = (some: Buffer) => {
    if (head !== null) {
      head.push(some);
      if (hasBegun(Buffer.concat(head))) {
        const isNamed = !asStored || nameTheSet(head);
        head = null;
        if (isNamed) begun.resolve();
        else output.destroy(unnamedSet());
      }
    }
    tail =
      some.length >= tailBytes
        ? Buffer.from(some.subarray(-tailBytes))
        : Buffer.concat([tail, some]).subarray(-tailBytes);
  };
  const refuse = () => {
    if (!endsWhole(tail)) return cutOff();
    if (head !== null && asStored) return unnamedSet();
    begun.resolve();
    return null;
  };
  const output = outputOf(command, { ...options, watch, refuse, opening });
  output.on('error', begun.reject); // whoever reads is told as well
  output.on('close', () => begun.reject(cutOff()));
  // Reads until a first piece is there, so that the beginning is seen.
  output.read(0);
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

/** As long as each other, so that nothing has to be moved. */
const told = Buffer.from('SET NAMES binary */;');
const meant = Buffer.from('SET NAMES utf8mb4*/;');

/** Where the tool says in which set it writes, however it came in pieces. Whether it does. */
export function nameTheSet(pieces: readonly Buffer[]): boolean {
  const found = Buffer.concat(pieces).indexOf(told);
  if (found === -1) return false;
  let start = 0;
  for (const piece of pieces) {
    const at = Math.max(found, start);
    const end = Math.min(found + meant.length, start + piece.length);
    if (at < end) meant.copy(piece, at - start, at - found, end - found);
    start += piece.length;
  }
  return true;
}

function unnamedSet(): HoldfastError {
  return new HoldfastError(
    'TOOL_FAILED',
    'the dump tool does not say, as it used to, in which character set it writes',
    {
      hint: 'Nothing of it was kept. Use the client tools of MariaDB 11.8 or older, or a newer Holdfast.',
    },
  );
}
