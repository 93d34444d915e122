import { join } from 'node:path';
import { Writable } from 'node:stream';
import { HoldfastError } from '../../../base/errors.ts';
import { DumpFile, type FileCompression } from './dump-file.ts';
import { splitTables, type Piece } from './split-tables.ts';

const endMark = Buffer.from('\n-- Dump completed\n');

/**
 * Where a job's output ends: a file for each of its tables. A stream and no loop over one: before Node 26 a loop gets a copy of all that waits, and what
 * it was read into never goes back.
 */
export class TableFiles extends Writable {
  readonly #folder: string;
  readonly #names: readonly string[];
  readonly #inside: FileCompression;
  readonly #parted = splitTables();
  #count = 0;
  #file: DumpFile | null = null;
  #busy: Promise<void> = Promise.resolve();

  /** `names`: of the files, in the order in which the tool writes their tables. */
  constructor(folder: string, names: readonly string[], inside: FileCompression) {
    // One piece at a time: what is read from the tool waits before it, and what is compressed behind it.
    super({ highWaterMark: 1 });
    this.#folder = folder;
    this.#names = names;
    this.#inside = inside;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, next: (error?: Error) => void): void {
    this.#do(this.#write(this.#parted.take(chunk)), next);
  }

  override _final(next: (error?: Error) => void): void {
    this.#do(this.#finish(), next);
  }

  /** Resolves when it writes nothing any more. */
  async abandon(): Promise<void> {
    await this.#busy.catch(() => undefined);
    await this.#file?.abandon();
  }

  #do(work: Promise<void>, next: (error?: Error) => void): void {
    this.#busy = work;
    work.then(() => next(), next);
  }

  async #write(pieces: readonly Piece[]): Promise<void> {
    for (const piece of pieces) {
      if (piece.kind === 'bytes') {
        await this.#file?.write(piece.bytes);
        continue;
      }
      await this.#endFile();
      const name = this.#names[this.#count];
      this.#count += 1;
      if (name === undefined) throw this.#otherTables();
      this.#file = new DumpFile(join(this.#folder, name), this.#inside);
    }
  }

  async #finish(): Promise<void> {
    await this.#write(this.#parted.end());
    await this.#endFile();
    if (this.#count !== this.#names.length) throw this.#otherTables();
  }

  async #endFile(): Promise<void> {
    await this.#file?.write(endMark);
    await this.#file?.end();
  }

  #otherTables(): HoldfastError {
    return new HoldfastError(
      'DUMP_CUT_OFF',
      `the dump tool wrote ${this.#count} tables where ${this.#names.length} were asked for`,
      {
        retryable: true,
        hint: 'Try again when no migration is running; if it stays so, set dump.format to plain.',
      },
    );
  }
}
