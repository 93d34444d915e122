import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { checkKey } from './keys.ts';
import type { PutOptions, Stage } from './storage.ts';

export const partialMark = '.partial-';
const heartbeatMs = 30_000;
const cleanUpMs = 120_000;

/** What a stage needs of a place with folders that can be renamed. Paths are like keys, hidden names allowed. */
export interface StageFolders {
  readonly title: string;
  /** Whether a mark is left even where two writers cannot make the same folder: where a folder has no time of its own. */
  readonly alwaysMarked: boolean;
  /** Folders of this process's own stages: its writers need no marks to see one another. */
  readonly writing: Set<string>;
  exists(path: string, signal: AbortSignal): Promise<boolean>;
  /** With what is missing above it. */
  makeParents(path: string, signal: AbortSignal): Promise<void>;
  /** False when it is there already. */
  make(path: string, signal: AbortSignal): Promise<boolean>;
  /** All names in a folder, hidden ones included. */
  names(path: string, signal: AbortSignal): Promise<string[]>;
  /** Leaves nothing when it fails. */
  write(path: string, content: Readable, options: PutOptions): Promise<number>;
  read(path: string, signal: AbortSignal): Promise<Readable>;
  remove(path: string, signal: AbortSignal): Promise<void>;
  removeTree(path: string, signal: AbortSignal): Promise<void>;
  /** Refuses to replace. */
  rename(from: string, to: string, signal: AbortSignal): Promise<void>;
  /** A sign of life. */
  touch(folder: string, mark: string | null, signal: AbortSignal): Promise<void>;
}

export function partialFolder(prefix: string): string {
  const path = prefix.slice(0, -1);
  return posix.join(posix.dirname(path), partialMark + posix.basename(path));
}

/** Begins `<source>/.partial-<id>/`, which is renamed to `<source>/<id>/` in the end. The prefix is checked. */
export async function renamedStage(folders: StageFolders, prefix: string, signal: AbortSignal): Promise<Stage> {
  const final = prefix.slice(0, -1);
  const folder = partialFolder(prefix);
  if (folders.writing.has(folder)) throw taken(prefix, folders.title);
  folders.writing.add(folder);
  try {
    await folders.makeParents(posix.dirname(final), signal);
    const mark = await claim(folders, prefix, folder, signal);
    if (await folders.exists(final, signal)) {
      await folders.removeTree(folder, signal);
      throw taken(prefix, folders.title);
    }
    return new RenamedStage(folders, prefix, { folder, final, mark });
  } catch (error) {
    folders.writing.delete(folder);
    throw error;
  }
}

/** Whoever can create the folder owns the name, partial and final. */
async function claim(
  folders: StageFolders,
  prefix: string,
  folder: string,
  signal: AbortSignal,
): Promise<string | null> {
  if (await folders.exists(folder, signal)) throw taken(prefix, folders.title);
  if (!(await folders.make(folder, signal))) throw taken(prefix, folders.title);
  const honest = !(await folders.make(folder, signal));
  return honest && !folders.alwaysMarked ? null : leaveMark(folders, prefix, folder, signal);
}

/** Some servers let two writers make the same folder. Each leaves a mark and goes when it sees another's: at most one stays. */
async function leaveMark(folders: StageFolders, prefix: string, folder: string, signal: AbortSignal): Promise<string> {
  const name = `.writer-${randomBytes(6).toString('hex')}`;
  const mark = posix.join(folder, name);
  await writeMark(folders, mark, signal);
  if ((await folders.names(folder, signal)).every((each) => each === name)) return mark;
  await folders.remove(mark, signal);
  throw taken(prefix, folders.title);
}

export async function writeMark(folders: StageFolders, mark: string, signal: AbortSignal): Promise<void> {
  const content = Buffer.from(new Date().toISOString());
  await folders.write(mark, Readable.from([content], { objectMode: false }), { signal, size: content.length });
}

class RenamedStage implements Stage {
  readonly #folders: StageFolders;
  readonly #prefix: string;
  readonly #folder: string;
  readonly #final: string;
  readonly #mark: string | null;
  readonly #heartbeat: NodeJS.Timeout;
  #beating: Promise<void> = Promise.resolve();
  #over = false;

  constructor(folders: StageFolders, prefix: string, at: { folder: string; final: string; mark: string | null }) {
    this.#folders = folders;
    this.#prefix = prefix;
    this.#folder = at.folder;
    this.#final = at.final;
    this.#mark = at.mark;
    const beat = () => folders.touch(at.folder, at.mark, AbortSignal.timeout(heartbeatMs)).catch(() => undefined);
    this.#heartbeat = setInterval(() => {
      this.#beating = this.#beating.then(beat);
    }, heartbeatMs).unref();
  }

  async put(name: string, content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    return { bytes: await this.#folders.write(this.#at(name), content, options) };
  }

  async get(name: string, { signal }: { signal: AbortSignal }): Promise<Readable> {
    return this.#folders.read(this.#at(name), signal);
  }

  folder(): Promise<string> {
    return Promise.reject(new Error(`${this.#folders.title} has no local folders`));
  }

  adopt(): Promise<void> {
    return Promise.reject(new Error(`${this.#folders.title} has no local folders`));
  }

  async remove(name: string): Promise<void> {
    await this.#folders.remove(this.#at(name), AbortSignal.timeout(cleanUpMs));
  }

  async commit(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    await this.#stopBeating();
    if (this.#mark !== null) await this.#folders.remove(this.#mark, signal);
    try {
      await this.#folders.rename(this.#folder, this.#final, signal);
    } catch (error) {
      // The answer may be what was lost, not the rename.
      if (!(await this.#folders.exists(this.#final, signal))) throw error;
      if (await this.#folders.exists(this.#folder, signal)) throw taken(this.#prefix, this.#folders.title);
    }
    this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    this.#end();
    await this.#stopBeating();
    const remove = () => this.#folders.removeTree(this.#folder, AbortSignal.timeout(cleanUpMs));
    // That a connection is gone may show only now. What cannot be removed is found by its name and swept later.
    await remove()
      .catch(remove)
      .catch(() => undefined);
  }

  #at(name: string): string {
    checkKey(name);
    return posix.join(this.#folder, name);
  }

  #end(): void {
    this.#over = true;
    this.#folders.writing.delete(this.#folder);
  }

  async #stopBeating(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#beating;
  }
}

function taken(prefix: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_TAKEN', `${prefix} exists already in ${title}, or is being written`, {
    kind: 'busy',
  });
}
