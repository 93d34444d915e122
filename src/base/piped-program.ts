import type { Socket } from 'node:net';
import { Duplex, Readable, type Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { throwIfAborted } from './abort.ts';
import { gather } from './gather.ts';
import { openOutputPipe } from './output-pipe.ts';
import { startProcess, type Command, type ProcessOptions, type RunningProcess } from './run-process.ts';
import { failedProcess } from './tool-failure.ts';

const bufferedBytes = 1024 * 1024;

export interface OutputOptions extends Omit<ProcessOptions, 'stdin' | 'stdout'> {
  /** Sees the output as it is read, before anybody else, and may change it. */
  watch?: (some: Buffer) => void;
  /** Written to its input, which otherwise has an end from the beginning, and then stays open until it has ended. */
  opening?: Buffer | null;
  /** For programs whose status 0 is not enough: an error in place of the end, for what was said on the error output, or seen. */
  refuse?: (stderr: string) => Error | null;
}

/**
 * The program's output as a stream that only ends when its exit status was 0: a killed dump tool leaves bytes that look
 * complete, so whoever stores this stream must not see an end before the status is known. The program runs at once; its output is read when
 * somebody reads.
 */
export function outputOf(command: Command, options: OutputOptions): Readable {
  throwIfAborted(options.signal);
  const program = new PipedProgram(command, options, options.opening ? 'pipe' : 'ignore');
  const output: Readable = new Readable({
    highWaterMark: bufferedBytes,
    construct: (ready) => program.start(output, ready),
    read: () => program.resume(),
    destroy: (error, next) => program.end(error, next),
  });
  return output;
}

/** A program between two streams (`bzip2`, `xz`), as a duplex whose end waits for the program's exit status. */
export function throughProcess(command: Command, options: OutputOptions): Duplex {
  throwIfAborted(options.signal);
  let inputEnded = false;
  // With status 0, and yet the rest of the input would be lost in silence.
  const refuse = (stderr: string) =>
    inputEnded ? (options.refuse?.(stderr) ?? null) : stoppedReading(command, stderr);
  const program = new PipedProgram(command, { ...options, refuse }, 'pipe');
  const through: Duplex = new Duplex({
    highWaterMark: bufferedBytes,
    construct: (ready) => program.start(through, ready),
    read: () => program.resume(),
    write: (chunk, _encoding, next) => {
      // When the program stopped reading, its end says why, and it ends the stream.
      program.stdin?.write(chunk, (error) => {
        if (!error) next();
      });
    },
    final: (next) => {
      inputEnded = true;
      program.stdin?.end(() => next());
    },
    destroy: (error, next) => program.end(error, next),
  });
  return through;
}

/** A program whose output becomes a stream's content. */
class PipedProgram {
  readonly #command: Command;
  readonly #options: OutputOptions;
  readonly #input: 'ignore' | 'pipe';
  #child: RunningProcess | undefined;
  #printed: Socket | undefined;
  #enough = false;

  constructor(command: Command, options: OutputOptions, input: 'ignore' | 'pipe') {
    this.#command = command;
    this.#options = options;
    this.#input = input;
  }

  get stdin(): Writable | null {
    return this.#child?.stdin ?? null;
  }

  resume(): void {
    this.#enough = false;
    this.#printed?.resume();
  }

  start(output: Readable, ready: (error?: Error) => void): void {
    this.#run(output).then(() => ready(), ready);
  }

  /** For `destroy`: a stream is over only when its program is. */
  end(error: Error | null, next: (error: Error | null) => void): void {
    this.#child?.kill();
    this.#printed?.destroy();
    const after = () => next(error);
    if (this.#child) this.#child.done.then(after, after);
    else after();
  }

  /** Pushes what the program prints, and the end only once its exit status was 0. */
  async #run(output: Readable): Promise<void> {
    const { watch, refuse, opening, ...options } = this.#options;
    const gathered = gather((piece) => {
      this.#enough = !output.push(piece);
    }, watch);
    const { forProgram, forUs } = await openOutputPipe(gathered, () => !this.#enough, options.signal);
    this.#printed = forUs;
    let child: RunningProcess;
    try {
      child = startProcess(this.#command, { ...options, stdin: this.#input, stdout: forProgram });
    } finally {
      // The end of the output is seen when nobody has this one any more.
      forProgram.destroy();
    }
    this.#child = child;
    if (opening) child.stdin?.write(opening);
    const printed = finished(forUs, { writable: false });
    printed.catch(() => undefined);
    // The status alone does not say that all bytes were read.
    child.done
      .then(() => printed)
      .then(
        () => {
          const refused = refuse?.(child.stderr()) ?? null;
          gathered.end();
          if (refused) output.destroy(refused);
          else output.push(null);
        },
        (error: Error) => output.destroy(error),
      );
  }
}

function stoppedReading(command: Command, stderr: string): Error {
  return failedProcess(command.program, { status: 0, signal: null, stderr }, 'ended before it had read everything');
}
