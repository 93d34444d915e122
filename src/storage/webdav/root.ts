import { posix } from 'node:path';
import { inParallel } from '../../base/parallel.ts';
import type { Client } from './client.ts';
import { noServer, notAFolder, notFound, notMoved, otherName, taken, webdavError } from './errors.ts';
import { stageLost } from '../stage-lost.ts';
import { readListing, wanted, wantedQuota, type Entry } from './listing.ts';

const atOnce = 8;
const cleanUpMs = 10_000;

/** The folder on the server that the storage lies in, and what can be done in it. Paths are like keys, hidden names allowed. */
export class Root {
  readonly client: Client;
  readonly title: string;
  readonly writing = new Set<string>();
  /** Folders seen or made, so that a thousand files in one are not a thousand questions. */
  readonly #known = new Set<string>();
  readonly #making = new Map<string, Promise<void>>();

  constructor(client: Client) {
    this.client = client;
    this.title = client.title;
  }

  /** What is undone after a failure or a signal: with a little time of its own, and the failure is what counts. */
  async cleanUp(work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    await work(AbortSignal.timeout(cleanUpMs)).catch(() => undefined);
  }

  async facts(path: string, signal: AbortSignal): Promise<Entry | null> {
    const entries = await this.#properties(path, '0', wanted, signal);
    return entries?.find((entry) => entry.path === path) ?? null;
  }

  /**
   * What lies directly in a folder, hidden names included; null when it does not exist. Asked level by level: most servers refuse more.
   * That the server does not tell what something is fails all of it, unless nothing depends on what is called so.
   */
  async entries(
    path: string,
    signal: AbortSignal,
    mayBeUntold: (name: string) => boolean = () => false,
  ): Promise<Entry[] | null> {
    const entries = await this.#properties(path === '' ? '' : `${path}/`, '1', wanted, signal);
    const own = entries?.find((entry) => entry.path === path);
    if (own !== undefined && !own.isFolder) {
      if (path === '') throw notAFolder(path, this.title);
      return null;
    }
    const inside = entries?.filter((entry) => posix.dirname(`/${entry.path}`) === `/${path}` && entry.path !== '');
    const missed = inside?.find((entry) => entry.untold !== null && !mayBeUntold(posix.basename(entry.path)));
    if (missed?.untold) throw missed.untold;
    return inside ?? null;
  }

  async quota(signal: AbortSignal): Promise<Entry['quota']> {
    return (await this.#properties('', '0', wantedQuota, signal))?.[0]?.quota ?? null;
  }

  /** Creates a folder and what is missing above it, the root included; `below` a stage, which must be there. */
  async makeFolder(path: string, signal: AbortSignal, below: string | null = null): Promise<void> {
    if (path === '.') return this.makeFolder('', signal);
    // Two at once are refused by servers that lock what they change.
    while (this.#making.has(path)) await this.#making.get(path)?.catch(() => undefined);
    if (this.#known.has(path)) return;
    const making = this.#makeFolder(path, signal, below).finally(() => this.#making.delete(path));
    this.#making.set(path, making);
    await making;
  }

  async #makeFolder(path: string, signal: AbortSignal, below: string | null): Promise<void> {
    if (await this.#isFolder(path, signal)) {
      this.#known.add(path);
      return;
    }
    if (path === below) throw stageLost(path, this.title);
    if (path === '') await this.#makeAboveRoot(signal);
    else await this.makeFolder(posix.dirname(path), signal, below);
    if (!(await this.make(path, signal)) && !(await this.#isFolder(path, signal))) throw notAFolder(path, this.title);
    this.#known.add(path);
  }

  /** False when something of that name is there already. */
  async make(path: string, signal: AbortSignal): Promise<boolean> {
    const status = await this.client.status('MKCOL', path === '' ? '' : `${path}/`, { signal });
    if (status === 201 || status === 200 || status === 204) return true;
    // Of two that make it at once, some servers tell the second one that it may not, or that something is locked.
    if ((await this.facts(path, signal)) !== null) return false;
    throw status === 405 ? notAFolder(path, this.title) : webdavError(status, path, this.title);
  }

  /** What was true of folders need not be once some are gone. */
  forget(): void {
    this.#known.clear();
  }

  /** A file, or a folder with everything in it. */
  async remove(path: string, signal: AbortSignal): Promise<void> {
    const status = await this.client.status('DELETE', path, { signal });
    if (status >= 300 && status !== 404) throw webdavError(status, path, this.title);
    // With 207 the server names what it could not remove.
    if (status === 207) throw webdavError(403, path, this.title);
  }

  async removeTree(path: string, signal: AbortSignal): Promise<void> {
    this.forget();
    if ((await this.facts(path, signal)) === null) return;
    await this.remove(`${path}/`, signal);
  }

  async move(
    from: string,
    to: string,
    options: { replace: boolean; folder: boolean; signal: AbortSignal },
  ): Promise<void> {
    const { replace, folder, signal } = options;
    const end = folder ? '/' : '';
    const headers = { destination: this.client.urlOf(`${to}${end}`), overwrite: replace ? 'T' : 'F' };
    const status = await this.client.status('MOVE', `${from}${end}`, { signal, headers });
    if (status === 412) throw taken(to, this.title);
    if (status >= 300 || status === 207) throw webdavError(status === 207 ? 403 : status, to, this.title);
    if (status === 201 || status === 204) return;
    // That it will do so (202), or a page that something on the way gave (200).
    if ((await this.facts(from, signal)) === null && (await this.facts(to, signal)) !== null) return;
    throw notMoved(to, this.title);
  }

  /** Removes a folder and those in it as far as nothing lies in them but what `isLeftover` knows. */
  async removeEmpty(path: string, isLeftover: (name: string) => boolean, signal: AbortSignal): Promise<boolean> {
    const entries = await this.entries(path, signal);
    if (entries === null) return true;
    let empty = true;
    await inParallel(entries, atOnce, async (entry) => {
      const name = posix.basename(entry.path);
      // A hidden folder is a stage of another writer.
      if (entry.isFolder && !name.startsWith('.')) {
        if (!(await this.removeEmpty(entry.path, isLeftover, signal))) empty = false;
      } else if (!entry.isFolder && isLeftover(name)) await this.remove(entry.path, signal);
      else empty = false;
    });
    this.forget();
    // Removing a folder removes all that is in it: it is done only where nothing was seen.
    if (empty) {
      // Servers that keep a listing for a while find out only now that something else lies there.
      const status = await this.client.status('DELETE', `${path}/`, { signal });
      if (status === 405 || status === 409 || status === 207) return false;
      if (status >= 300 && status !== 404) throw webdavError(status, path, this.title);
    }
    return empty;
  }

  async #properties(path: string, depth: '0' | '1', body: string, signal: AbortSignal): Promise<Entry[] | null> {
    const answer = await this.client.ask('PROPFIND', path, { signal, headers: headersOf(depth), body });
    if (answer.statusCode === 207) {
      const text = await this.client.text(answer, signal);
      const entries = await readListing(text, this.client);
      const own = entries.find((entry) => `${entry.path}/` === path.replace(/\/?$/, '/'));
      if (own?.untold) throw own.untold;
      if (own) return entries;
      // It is gone by now. What lies elsewhere altogether is not nothing.
      if (entries.length === 0 && / (404|410)\b/.test(text)) return null;
      throw otherName(path, this.title);
    }
    const isFile = answer.statusCode === 301 && depth === '1' && this.client.isOnlyASlashAway(answer, path);
    if (answer.statusCode === 404 || isFile) {
      answer.resume();
      if (!isFile) await this.assertServer(signal);
      return null;
    }
    // A folder asked for without its slash; or, at the root, a server that lives elsewhere.
    if (answer.statusCode === 301 && path !== '' && !path.endsWith('/')) {
      answer.resume();
      return this.#properties(`${path}/`, depth, body, signal);
    }
    // What Apache says of a file that is asked for as a folder.
    if (answer.statusCode === 400 && (await this.#isFileFromAbove(signal))) {
      answer.resume();
      throw notAFolder('', this.title);
    }
    throw this.client.refuse(answer, path);
  }

  /**
   * That something is not there counts when the server is: a proxy whose server is just being restarted says so of everything, and all
   * backups would be gone.
   */
  async assertServer(signal: AbortSignal): Promise<void> {
    const ask = { signal, headers: headersOf('0'), body: wanted };
    if ((await this.client.status('PROPFIND', '', ask)) !== 404) return;
    using above = this.client.aboveRoot();
    if (above === null) throw noServer(this.title);
    // The folder of the storage comes with the first write.
    await new Root(above).assertServer(signal);
  }

  async #isFileFromAbove(signal: AbortSignal): Promise<boolean> {
    const above = this.client.aboveRoot();
    if (above === null) return false;
    const name = posix.basename(decodeURIComponent(new URL(this.client.urlOf('')).pathname));
    return (await new Root(above).facts(name, signal))?.isFolder === false;
  }

  async #isFolder(path: string, signal: AbortSignal): Promise<boolean> {
    const facts = await this.facts(path, signal);
    if (facts !== null && !facts.isFolder) throw notAFolder(path, this.title);
    return facts !== null;
  }

  /** The server's own part of the address must be there; what the operator put below it may not be yet. */
  async #makeAboveRoot(signal: AbortSignal): Promise<void> {
    const above = this.client.aboveRoot();
    if (above === null) throw notFound('the folder', this.title);
    const parent = new Root(above);
    if ((await parent.facts('', signal)) === null) await parent.makeFolder('', signal);
  }
}

function headersOf(depth: '0' | '1'): Record<string, string> {
  return { depth, 'content-type': 'application/xml; charset=utf-8' };
}
