import { stat } from 'node:fs/promises';
import { pause, unlessAborted } from '../../base/abort.ts';
import { filePieces, growingFilePieces } from '../../base/file-pieces.ts';
import { changed, copyAway, copyIn, type Ask, type Content, type Source } from './content.ts';
import { isBeingWritten } from './journal.ts';

/** How often it is looked whether somebody wants to write: he waits that much longer. */
const betweenLooksMs = 15;

/**
 * How long writers are kept waiting before the copy is begun, seen or not: who keeps his journal in memory, or begins with the whole
 * lock, leaves no sign. Most libraries wait for five seconds, of which the copy needs some; and in two about a gigabyte is read.
 */
const longestHoldMs = 2000;

export interface Held extends Source {
  /** Where a copy may be made. */
  folder: string;
  /** All of it may be copied in no time. */
  clones: boolean;
  /** By the clock of the engine: since when others cannot write. */
  since: number;
  /** Whatever others do. */
  atOnce: boolean;
  signal: AbortSignal;
}

/**
 * A file with a rollback journal, whose readers keep writers out. It is read and counted where it lies as long as nobody wants to write, and
 * for a short time; then it is copied as fast as that goes, writers are let in, and everything goes on with the copy.
 */
export async function holdFile(held: Held): Promise<Content> {
  const file = new HeldFile(held);
  if (held.atOnce || (await isBeingWritten(held.path))) file.copyNow(null);
  else file.watch();
  return file;
}

interface Copy {
  path: string;
  /** What lies before it was read already, and is not in the copy. */
  from: number;
  /** Fails when the original was not kept still until all was copied. */
  done: Promise<void>;
}

class HeldFile implements Content {
  readonly #held: Held;
  /** Nobody needs the live file any more. */
  readonly #over = new AbortController();
  #watching: Promise<void> | null = null;
  #copy: Copy | null = null;
  /** The reading of the live file that is under way. */
  #reading: Promise<unknown> | null = null;
  /** Up to where the live file was read. */
  #at = 0;
  #isRead = false;
  #isAnswered = false;
  #asking: Promise<unknown> | null = null;

  constructor(held: Held) {
    this.#held = held;
  }

  get isCopy(): boolean {
    return this.#copy !== null;
  }

  watch(): void {
    this.#watching = this.#watch();
  }

  /** Why is told of a copy that comes later; null: of one that is made first. */
  copyNow(why: string | null): Copy {
    this.#copy ??= this.#beginCopy(why);
    return this.#copy;
  }

  async *pieces(signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
    const { access, path, session } = this.#held;
    const size = this.#copy === null ? (await stat(path)).size : null;
    let at = 0;
    for await (const piece of this.#livePieces()) {
      at += piece.length;
      this.#at = at;
      yield piece;
    }
    if (this.#copy === null) this.#isRead = (await session.ask('isFrozen', {}, signal)) && at === size;
    // What was not kept for us any more lies in the copy.
    if (this.#copy !== null && !this.#isRead) {
      yield* this.#restOf(this.#copy, at);
      this.#isRead = true;
    }
    if (!this.#isRead) throw changed(access.path);
    this.#letGoWhenDone();
  }

  async within<T>(ask: Ask<T>, signal: AbortSignal): Promise<T> {
    if (this.#copy === null) {
      const asking = this.#withinLive(ask, signal);
      this.#asking = asking.catch(() => undefined);
      const answer = await asking;
      if (answer !== null) {
        this.#isAnswered = true;
        this.#letGoWhenDone();
        return answer.value;
      }
    }
    await unlessAborted(this.copyNow('it could not be counted where it lies').done, signal);
    return ask(this.#held.session, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await Promise.allSettled([this.#watching, this.#asking]);
  }

  async #watch(): Promise<void> {
    const { access, path, since, signal } = this.#held;
    const over = AbortSignal.any([signal, this.#over.signal]);
    while (this.#copy === null) {
      const wanted = await isBeingWritten(path);
      if (over.aborted) break;
      const isLong = access.context.clock.monotonic() - since >= longestHoldMs;
      if (wanted) this.copyNow('somebody wants to write');
      else if (isLong) this.copyNow('writers that leave no sign may have waited long enough');
      else await pause(betweenLooksMs, over).catch(() => undefined);
    }
    if (signal.aborted) this.#letGo();
  }

  async *#livePieces(): AsyncGenerator<Buffer, void, void> {
    if (this.#copy !== null) return;
    yield* filePieces(this.#held.path, (read) => {
      if (this.#copy !== null) return null;
      const reading = read();
      this.#reading = reading;
      return reading;
    });
  }

  async *#restOf({ path, from, done }: Copy, begin: number): AsyncGenerator<Buffer, void, void> {
    let at = begin;
    if (at < from) throw new Error('what lies before the copy was not read');
    for await (const piece of growingFilePieces(path, done, at)) {
      at += piece.length;
      yield piece;
    }
    const { size } = await stat(path);
    if (at !== size) throw changed(this.#held.access.path);
  }

  /** Asks in a process of its own, which can be ended without letting go of the state. Null: the copy has to be asked. */
  async #withinLive<T>(ask: Ask<T>, signal: AbortSignal): Promise<{ value: T } | null> {
    const { access, session } = this.#held;
    const ended = AbortSignal.any([signal, this.#over.signal]);
    try {
      await using other = await access.open('read', ended);
      await other.ask('hold', {}, ended);
      // It sees the same state only when that was kept until now. Asked with the signal that ends the session anyhow.
      if (!(await session.ask('isFrozen', {}, signal))) return null;
      return { value: await ask(other, ended) };
    } catch (error) {
      if (signal.aborted || (this.#copy === null && ended.aborted)) throw error;
      return null;
    }
  }

  #beginCopy(why: string | null): Copy {
    const { access, folder, clones } = this.#held;
    if (why !== null) access.context.logger.log('info', `dump of ${access.name}: copied from here on, because ${why}`);
    // A clone is of all; and so is what is still to be asked.
    const from = this.#isAnswered && !clones ? this.#at : 0;
    const done = this.#copyFrom(from);
    // Whoever reads or asks learns of a failure.
    done.catch(() => undefined);
    return { path: copyIn(folder), from, done };
  }

  async #copyFrom(from: number): Promise<void> {
    const { folder, signal } = this.#held;
    try {
      await Promise.allSettled([this.#reading]);
      await copyAway(this.#held, { folder, how: 'locked', from }, signal);
    } catch (error) {
      this.#letGo();
      throw error;
    } finally {
      // Whoever asks the live file still keeps writers out as well.
      this.#over.abort();
    }
  }

  #letGoWhenDone(): void {
    if (this.#isRead && this.#isAnswered && this.#copy === null) this.#letGo();
  }

  /** Writers are let in long before the backup is stored, read back and copied elsewhere. */
  #letGo(): void {
    this.#over.abort();
    void this.#held.session[Symbol.asyncDispose]();
  }
}
