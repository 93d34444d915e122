import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { checkKey } from './keys.ts';
import { stageLost } from './stage-lost.ts';
import type { PutOptions, Stage } from './storage.ts';

export const partialMark = '.partial-';
const heartbeatMs = 30_000;
const cleanUpMs = 120_000;

/** What a stage needs of a place with folders that can be renamed. Paths are like keys, hidden names allowed. */
export interface StageFolders {
  readonly title: string;
  /** Folders of this process's own stages: its writers need no marks to see one another. */
  readonly writing: Set<string>;
  exists(path: string, signal: AbortSignal): Promise<boolean>;
  /** With what is missing above it. */
  makeParents(path: string, signal: AbortSignal): Promise<void>;
  /** False when it is there already. */
  make(path: string, signal: AbortSignal): Promise<boolean>;
  /** All that lies directly in a folder, hidden names included. */
  entries(path: string, signal: AbortSignal): Promise<{ name: string; isFolder: boolean; bytes: number }[]>;
  /** Leaves nothing when it fails. Makes folders below the `stage`, but never that itself: somebody has removed it. */
  write(path: string, content: Readable, options: PutOptions, stage: string): Promise<number>;
  read(path: string, signal: AbortSignal): Promise<Readable>;
  remove(path: string, signal: AbortSignal): Promise<void>;
  removeTree(path: string, signal: AbortSignal): Promise<void>;
  /** Refuses to replace. */
  rename(from: string, to: string, signal: AbortSignal): Promise<void>;
  /** A sign of life. */
  touch(folder: string, mark: string, signal: AbortSignal): Promise<void>;
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
async function claim(folders: StageFolders, prefix: string, folder: string, signal: AbortSignal): Promise<string> {
  if (await folders.exists(folder, signal)) throw taken(prefix, folders.title);
  if (!(await folders.make(folder, signal))) throw taken(prefix, folders.title);
  return leaveMark(folders, prefix, folder, signal);
}

/**
 * Some servers let two writers make the same folder. Each leaves a mark and goes when it sees another's: at most one stays. And by its
 * mark a writer knows in the end that the folder is still the one it began.
 */
async function leaveMark(folders: StageFolders, prefix: string, folder: string, signal: AbortSignal): Promise<string> {
  const name = `.writer-${randomBytes(6).toString('hex')}`;
  const mark = posix.join(folder, name);
  await writeMark(folders, mark, signal);
  if ((await folders.entries(folder, signal)).every((each) => each.name === name)) return mark;
  await folders.remove(mark, signal);
  throw taken(prefix, folders.title);
}

export async function writeMark(folders: StageFolders, mark: string, signal: AbortSignal): Promise<void> {
  const content = Buffer.from(new Date().toISOString());
  const options = { signal, size: content.length };
  await folders.write(mark, Readable.from([content], { objectMode: false }), options, posix.dirname(mark));
}

class RenamedStage implements Stage {
  readonly #folders: StageFolders;
  readonly #prefix: string;
  readonly #folder: string;
  readonly #final: string;
  readonly #mark: string;
  readonly #heartbeat: NodeJS.Timeout;
  #beating: Promise<void> = Promise.resolve();
  #unmarked = false;
  #over = false;

  constructor(folders: StageFolders, prefix: string, at: { folder: string; final: string; mark: string }) {
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
    return { bytes: await this.#folders.write(this.#at(name), content, options, this.#folder) };
  }

  async get(name: string, { signal }: { signal: AbortSignal }): Promise<Readable> {
    return this.#folders.read(this.#at(name), signal);
  }

  async sizes(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    const look = async (below: string): Promise<void> => {
      for (const { name, isFolder, bytes } of await this.#folders.entries(posix.join(this.#folder, below), signal)) {
        if (name.startsWith('.')) continue;
        if (isFolder) await look(posix.join(below, name));
        else found.set(posix.join(below, name), bytes);
      }
    };
    await look('');
    return found;
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
    if (!(await this.#folders.exists(this.#mark, signal))) throw stageLost(this.#prefix, this.#folders.title);
    await this.#folders.remove(this.#mark, signal);
    this.#unmarked = true;
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
    const remove = async () => {
      const signal = AbortSignal.timeout(cleanUpMs);
      // Another writer's by now, if it is there at all.
      if (!this.#unmarked && !(await this.#folders.exists(this.#mark, signal))) return;
      await this.#folders.removeTree(this.#folder, signal);
    };
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
