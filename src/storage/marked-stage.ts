import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pause, throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { checkFolder, checkKey, checkPrefix } from './keys.ts';
import type { PutOptions, Stage, Storage } from './storage.ts';

/** Lies in a prefix as long as somebody writes it. */
export const markName = 'writing.json';
/** Lies in a prefix that is being removed. */
const removingName = 'removing.json';
/** What is written last, and makes the rest count. */
const manifestName = 'manifest.json';
const heartbeatMs = 30_000;
const cleanupMs = 120_000;
const looks = 6;
const lookAgainMs = 100;

type Plain = Pick<Storage, 'put' | 'get' | 'list' | 'stat' | 'delete' | 'removeFolder' | 'title'>;

export interface MarkedStageHooks {
  /** What a storage does to everything that was put, before the mark goes (locks). */
  beforeCommit?: (keys: readonly string[], signal: AbortSignal) => Promise<void>;
}

/** A stage for storages that cannot rename: a mark tells that the prefix is being written, and the manifest, written last, that it is whole. */
export async function markedStage(
  storage: Plain,
  prefix: string,
  signal: AbortSignal,
  hooks: MarkedStageHooks = {},
): Promise<Stage> {
  checkFolder(prefix);
  throwIfAborted(signal);
  for await (const _object of storage.list(prefix, signal)) throw taken(prefix, storage.title);
  const stage = new MarkedStage(storage, prefix, hooks);
  await stage.begin(signal);
  return stage;
}

/**
 * The prefixes directly below that hold a mark but no manifest: begun and never finished, or half removed. Without a mark it may be
 * what somebody copies there, with times of long ago.
 */
export async function unfinishedMarked(
  storage: Plain,
  prefix: string,
  signal: AbortSignal,
): Promise<{ prefix: string; touchedAt: Date }[]> {
  checkPrefix(prefix);
  const touched = new Map<string, Date>();
  const finished = new Set<string>();
  const marked = new Set<string>();
  for await (const { key, modifiedAt } of storage.list(prefix, signal)) {
    const path = key.slice(prefix.length);
    const slash = path.indexOf('/');
    if (slash === -1) continue;
    const below = path.slice(0, slash + 1);
    const name = path.slice(slash + 1);
    if (name === manifestName) finished.add(below);
    if (isMark(name)) marked.add(below);
    const before = touched.get(below);
    if (before === undefined || before < modifiedAt) touched.set(below, modifiedAt);
  }
  return [...touched]
    .filter(([below]) => marked.has(below) && !finished.has(below))
    .map(([below, touchedAt]) => ({ prefix: prefix + below, touchedAt }));
}

function isMark(name: string): boolean {
  return name === markName || name === removingName;
}

/** Removes what a stage left; not when it was finished meanwhile. The mark goes last, so that the rest stays recognisable. */
export async function removeUnfinishedMarked(storage: Plain, prefix: string, signal: AbortSignal): Promise<void> {
  checkFolder(prefix);
  throwIfAborted(signal);
  if ((await storage.stat(prefix + manifestName, signal)) !== null) return;
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix, signal)) keys.push(key);
  const names = keys.map((key) => key.slice(prefix.length));
  if (names.includes(manifestName) || !names.some(isMark)) return;
  await removeMarkLast(storage, prefix, keys, signal);
}

class MarkedStage implements Stage {
  readonly #storage: Plain;
  readonly #prefix: string;
  readonly #hooks: MarkedStageHooks;
  readonly #token = randomUUID();
  readonly #names = new Set<string>();
  #heartbeat: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();
  #lost: HoldfastError | undefined;
  #over = false;

  constructor(storage: Plain, prefix: string, hooks: MarkedStageHooks) {
    this.#storage = storage;
    this.#prefix = prefix;
    this.#hooks = hooks;
  }

  async begin(signal: AbortSignal): Promise<void> {
    try {
      await this.#writeMark(signal, true);
      await this.#assertMine(signal);
    } catch (error) {
      // A reply may have been lost after the mark was written.
      if (!isTaken(error)) await this.#removeOwnMark().catch(() => undefined);
      throw error;
    }
    this.#heartbeat = setInterval(() => {
      this.#beating = this.#beating.then(() => this.#beat());
    }, heartbeatMs).unref();
  }

  async put(name: string, content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    try {
      checkKey(name);
      if (this.#lost) throw this.#lost;
      // Some storages cannot refuse a second mark; then the one written last stands, and the other writer learns of it here.
      if (this.#names.size === 0 || name === manifestName) await this.#assertMine(options.signal);
    } catch (error) {
      content.once('error', () => undefined);
      content.destroy();
      throw error;
    }
    this.#names.add(name);
    return this.#storage.put(this.#prefix + name, content, options);
  }

  async get(name: string, { signal }: { signal: AbortSignal }): Promise<Readable> {
    checkKey(name);
    return this.#storage.get(this.#prefix + name, { signal });
  }

  async sizes(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for await (const { key, bytes } of this.#storage.list(this.#prefix, signal)) {
      if (key !== this.#prefix + markName) found.set(key.slice(this.#prefix.length), bytes);
    }
    return found;
  }

  folder(): Promise<string> {
    return Promise.reject(new Error(`${this.#storage.title} has no local folders`));
  }

  adopt(): Promise<void> {
    return Promise.reject(new Error(`${this.#storage.title} has no local folders`));
  }

  async remove(name: string): Promise<void> {
    checkKey(name);
    const signal = AbortSignal.timeout(cleanupMs);
    const keys = [...this.#names]
      .filter((each) => each === name || each.startsWith(`${name}/`))
      .map((each) => this.#prefix + each);
    await this.#storage.delete(keys, signal);
    for (const each of this.#names) if (each === name || each.startsWith(`${name}/`)) this.#names.delete(each);
  }

  async commit(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#lost) throw this.#lost;
    await this.#assertMine(signal);
    await this.#hooks.beforeCommit?.(
      [...this.#names].map((name) => this.#prefix + name),
      signal,
    );
    throwIfAborted(signal);
    await this.#stopBeating();
    this.#over = true;
    // What was put is whole: a mark that could not be removed harms nothing beside a manifest.
    await this.#storage.delete([this.#prefix + markName], signal).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#stopBeating();
    // What cannot be removed now is found by its missing manifest and swept later; the error that led here is the one to tell.
    await this.#removeEverything().catch(() => undefined);
  }

  async #removeEverything(): Promise<void> {
    const signal = AbortSignal.timeout(cleanupMs);
    const token = await this.#readToken(signal);
    // Another writer's prefix by now: what lies there may be his.
    if (token !== null && token !== this.#token) return;
    const keys = [...this.#names].map((name) => this.#prefix + name);
    await removeMarkLast(this.#storage, this.#prefix, keys, signal);
  }

  async #removeOwnMark(): Promise<void> {
    const signal = AbortSignal.timeout(cleanupMs);
    if ((await this.#readToken(signal)) === this.#token) await this.#storage.delete([this.#prefix + markName], signal);
  }

  async #beat(): Promise<void> {
    const signal = AbortSignal.timeout(heartbeatMs);
    try {
      await this.#assertMine(signal);
      await this.#writeMark(signal, false);
    } catch (error) {
      // The network may be down for a moment; the transfer itself will tell when it stays so.
      if (isTaken(error)) this.#lost = error;
    }
  }

  async #stopBeating(): Promise<void> {
    clearInterval(this.#heartbeat);
    // One that is under way would write the mark again after it was removed.
    await this.#beating;
  }

  async #writeMark(signal: AbortSignal, ifAbsent: boolean): Promise<void> {
    const mark = { token: this.#token, pid: process.pid, host: hostname(), at: new Date().toISOString() };
    const content = Buffer.from(JSON.stringify(mark));
    const stream = Readable.from([content], { objectMode: false });
    await this.#storage.put(this.#prefix + markName, stream, { signal, size: content.length, ifAbsent });
  }

  /** Another writer's mark may be on top for a moment, until that one has seen that it came second. */
  async #assertMine(signal: AbortSignal): Promise<void> {
    for (let look = 1; ; look += 1) {
      if ((await this.#readToken(signal)) === this.#token) return;
      if (look === looks) throw taken(this.#prefix, this.#storage.title);
      await pause(lookAgainMs, signal);
    }
  }

  async #readToken(signal: AbortSignal): Promise<string | null> {
    try {
      const mark = (await json(await this.#storage.get(this.#prefix + markName, { signal }))) as { token?: unknown };
      return typeof mark?.token === 'string' ? mark.token : '';
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'STORAGE_NOT_FOUND') return null;
      // Not ours, whatever it is.
      if (error instanceof SyntaxError) return '';
      throw error;
    }
  }
}

/** The manifest goes first, so that no half is taken for a whole. */
async function removeMarkLast(
  storage: Plain,
  prefix: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const manifest = prefix + manifestName;
  const mark = prefix + markName;
  if (keys.includes(manifest)) await storage.delete([manifest], signal);
  await storage.delete(
    keys.filter((key) => key !== manifest && key !== mark),
    signal,
  );
  await storage.delete([mark], signal);
  await storage.removeFolder(prefix, signal);
}

function taken(prefix: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_TAKEN', `${prefix} exists already in ${title}, or is being written`, {
    kind: 'busy',
  });
}

function isTaken(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && error.code === 'STORAGE_TAKEN';
}
