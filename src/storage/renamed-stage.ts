import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pause, throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { checkKey } from './keys.ts';
import { filesBelow, isPutOff, isRefusal, moveStage, usualTiming, type MoveTiming } from './move-stage.ts';
import type { StageFolders } from './stage-folders.ts';
import { stageLost } from './stage-lost.ts';
import type { PutOptions, Stage } from './storage.ts';
import { manifestName, placesOf, writerMark } from './unsealed.ts';

const heartbeatMs = 30_000;
const cleanUpMs = 120_000;

/**
 * Begins `<source>/.partial-<id>/`, which is renamed to `<source>/<id>/` in the end. The manifest waits in `<source>/.sealing-<id>/` and
 * follows when all the rest is there: a server may move a folder file by file, and be stopped in between. The prefix is checked.
 */
export async function renamedStage(
  folders: StageFolders,
  prefix: string,
  signal: AbortSignal,
  timing: MoveTiming = usualTiming,
): Promise<Stage> {
  const { partial: folder, final } = placesOf(prefix);
  if (folders.writing.has(folder)) throw taken(prefix, folders.title);
  folders.writing.add(folder);
  try {
    await folders.makeParents(posix.dirname(final), signal);
    const mark = await claim(folders, prefix, folder, signal);
    if (await folders.exists(final, signal)) {
      await folders.removeTree(folder, signal);
      throw taken(prefix, folders.title);
    }
    return new RenamedStage(folders, prefix, mark, timing);
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
  const name = writerMark + randomBytes(6).toString('hex');
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
  readonly #sealing: string;
  readonly #final: string;
  readonly #mark: string;
  readonly #timing: MoveTiming;
  /** What was put, by name, with its size. */
  readonly #files = new Map<string, number>();
  #heartbeat: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();
  #hasManifest = false;
  #unmarked = false;
  /** The server may still be moving it: what is taken away under its hands is missing in the end. */
  #unclear = false;
  #over = false;

  constructor(folders: StageFolders, prefix: string, mark: string, timing: MoveTiming) {
    const { partial, sealing, final } = placesOf(prefix);
    this.#folders = folders;
    this.#prefix = prefix;
    this.#folder = partial;
    this.#sealing = sealing;
    this.#final = final;
    this.#mark = mark;
    this.#timing = timing;
    this.#beat(partial, mark);
  }

  async put(name: string, content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    if (name === manifestName) return this.#putManifest(content, options);
    const bytes = await this.#folders.write(this.#at(name), content, options, this.#folder);
    this.#files.set(name, bytes);
    return { bytes };
  }

  async get(name: string, { signal }: { signal: AbortSignal }): Promise<Readable> {
    return this.#folders.read(this.#at(name), signal);
  }

  async sizes(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const found = (await filesBelow(this.#folders, this.#folder, signal)) ?? new Map<string, number>();
    if (!this.#hasManifest) return found;
    const waiting = await filesBelow(this.#folders, this.#sealing, signal);
    return new Map([...found, ...(waiting ?? [])]);
  }

  folder(): Promise<string> {
    return Promise.reject(new Error(`${this.#folders.title} has no local folders`));
  }

  adopt(): Promise<void> {
    return Promise.reject(new Error(`${this.#folders.title} has no local folders`));
  }

  async remove(name: string): Promise<void> {
    await this.#folders.remove(this.#at(name), AbortSignal.timeout(cleanUpMs));
    if (name === manifestName) this.#hasManifest = false;
    for (const each of this.#files.keys()) if (each === name || each.startsWith(`${name}/`)) this.#files.delete(each);
  }

  async commit(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    await this.#stopBeating();
    if (!(await this.#folders.exists(this.#mark, signal))) throw stageLost(this.#prefix, this.#folders.title);
    await this.#folders.remove(this.#mark, signal);
    this.#unmarked = true;
    if (this.#hasManifest) this.#beat(this.#sealing, this.#sealingMark());
    await this.#move(signal);
    if (this.#hasManifest) await this.#seal(signal);
    this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    this.#end();
    await this.#stopBeating();
    if (this.#unclear) return;
    const remove = async () => {
      const signal = AbortSignal.timeout(cleanUpMs);
      // Another writer's by now, if they are there at all.
      const isMine = async (mark: string) => this.#unmarked || (await this.#folders.exists(mark, signal));
      if (this.#hasManifest && (await isMine(this.#sealingMark())))
        await this.#folders.removeTree(this.#sealing, signal);
      if (await isMine(this.#mark)) await this.#folders.removeTree(this.#folder, signal);
    };
    // That a connection is gone may show only now. What cannot be removed is found by its name and swept later.
    await remove()
      .catch(remove)
      .catch(() => undefined);
  }

  /** Beside the rest, and only while that is still ours: nobody is to be left a manifest of what was swept. */
  async #putManifest(content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    const { signal } = options;
    try {
      if (!(await this.#folders.exists(this.#mark, signal))) throw stageLost(this.#prefix, this.#folders.title);
      this.#hasManifest = true;
      // Of a writer that died, or of a first try of ours; whoever has the other folder has this one.
      if (!(await this.#folders.make(this.#sealing, signal)))
        await this.#folders.remove(this.#at(manifestName), signal);
      const mark = this.#sealingMark();
      if (!(await this.#folders.exists(mark, signal))) await writeMark(this.#folders, mark, signal);
    } catch (error) {
      content.once('error', () => undefined);
      content.destroy();
      throw error;
    }
    return { bytes: await this.#folders.write(this.#at(manifestName), content, options, this.#sealing) };
  }

  async #move(signal: AbortSignal): Promise<void> {
    const move = { from: this.#folder, to: this.#final, files: this.#files, timing: this.#timing };
    const moved = await moveStage(this.#folders, move, signal);
    if (moved.state === 'moved') return;
    this.#unclear = moved.state === 'unclear';
    throwIfAborted(signal);
    throw moved.state === 'refused' && moved.exists ? taken(this.#prefix, this.#folders.title) : moved.error;
  }

  async #seal(signal: AbortSignal): Promise<void> {
    const [from, to] = [this.#at(manifestName), posix.join(this.#final, manifestName)];
    const move = () => this.#folders.renameFile(from, to, signal);
    await move().catch(async (first: unknown) => {
      let error = first;
      // Should it still come about, all of it is there. Until then, what waits for it is swept when nobody works on it.
      this.#unclear = true;
      for (const until = performance.now() + this.#timing.beginMs; ; await pause(this.#timing.lookMs, signal)) {
        const [waits, lies] = [await this.#hasFile(from, signal), await this.#hasFile(to, signal)];
        if (lies && !waits) break;
        if (isRefusal(error)) throw lies ? taken(this.#prefix, this.#folders.title) : error;
        if (performance.now() >= until) throw error;
        if (!isPutOff(error) || lies) continue;
        await pause(this.#timing.lookMs, signal);
        error = await move().then(
          () => null,
          (again: unknown) => again,
        );
        if (error === null) break;
      }
      this.#unclear = false;
    });
    await this.#stopBeating();
    await this.#folders.removeTree(this.#sealing, signal).catch(() => undefined);
  }

  #hasFile(path: string, signal: AbortSignal): Promise<boolean> {
    // Nobody answers at the moment: then it is not known to lie there.
    return this.#folders.exists(path, signal).catch(() => false);
  }

  #at(name: string): string {
    checkKey(name);
    return posix.join(name === manifestName && this.#hasManifest ? this.#sealing : this.#folder, name);
  }

  #sealingMark(): string {
    return posix.join(this.#sealing, posix.basename(this.#mark));
  }

  #end(): void {
    this.#over = true;
    this.#folders.writing.delete(this.#folder);
  }

  #beat(folder: string, mark: string): void {
    const beat = () => this.#folders.touch(folder, mark, AbortSignal.timeout(heartbeatMs)).catch(() => undefined);
    this.#heartbeat = setInterval(() => {
      this.#beating = this.#beating.then(beat);
    }, heartbeatMs).unref();
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
