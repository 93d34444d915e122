import { Readable } from 'node:stream';
import { lend } from '../../base/reuse.ts';
import { destroyOnAbort } from '../../base/streams.ts';
import { HoldfastError } from '../../base/errors.ts';
import { formatCount } from '../../base/units.ts';
import { toBytes } from './tar/member.ts';
import type { TreeSettings } from './options.ts';
import { listen, returnMemory, startThread } from './thread/thread.ts';
import { TreeDigest } from './tar/tree-digest.ts';
import type { TreeFacts } from './tree-facts.ts';
import type { NameList, PackReport, PackSettings } from './thread/tree-packer.ts';
import { findRoot, keepOutOf } from './root.ts';

/** A tree on its way into a tar. */
export interface PackedTree {
  /** The tar. Fails in the place of its end when files could not be read and the tree is not optional. */
  open(signal: AbortSignal): Readable;
  /** Complete when the stream has ended. */
  facts(): TreeFacts;
  /** Of one line each; complete when the stream has ended. */
  warnings(): string[];
}

/** Reads nothing before `open`. */
export function packTree(tree: TreeSettings): PackedTree {
  let report: PackReport | undefined;
  const complete = () => {
    if (!report) throw new HoldfastError('UNEXPECTED', `the tree ${tree.name} was asked about before it was read`);
    return report;
  };
  return {
    open: (signal) => {
      const stream = new PackStream(tree, (made) => {
        report = made;
      });
      return destroyOnAbort(stream, signal);
    },
    facts: () => factsOf(tree, complete()),
    warnings: () => warningsOf(tree, complete()),
  };
}

/** What the thread needs to know of a tree. */
export async function packSettings(tree: TreeSettings): Promise<PackSettings> {
  const root = await findRoot(tree);
  return { root: toBytes(root), exclude: tree.exclude, keepOut: await keepOutOf(tree, root), optional: tree.optional };
}

class PackStream extends Readable {
  readonly #tree: TreeSettings;
  readonly #done: (report: PackReport) => void;
  /** Of small files: a third of the work on them, and this thread has little to do meanwhile. */
  readonly #digest = new TreeDigest();
  readonly #taken = new Int32Array(new SharedArrayBuffer(4));
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #wanted = false;
  #ended = false;
  #worker: ReturnType<typeof startThread> | undefined;

  constructor(tree: TreeSettings, done: (report: PackReport) => void) {
    super({ highWaterMark: 2 * 1024 * 1024 });
    this.#tree = tree;
    this.#done = done;
  }

  override _construct(callback: (error?: Error | null) => void): void {
    packSettings(this.#tree).then((settings) => {
      if (this.destroyed) return callback();
      this.#worker = startThread({ kind: 'pack', settings, taken: this.#taken });
      listen(this.#worker, {
        chunk: (bytes, members) => {
          for (const [said, from, to] of members) this.#digest.addSaid(said, bytes.subarray(from, to));
          this.#waiting.push(bytes);
          this.#give();
        },
        done: (result) => this.#end(result as PackReport),
        failed: (error) => {
          if (!this.#ended) this.destroy(error);
        },
      });
      callback();
    }, callback);
  }

  override _read(): void {
    this.#wanted = true;
    this.#give();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#ended = true;
    this.#waiting = [];
    if (!this.#worker) return callback(error);
    this.#worker.terminate().then(
      () => callback(error),
      () => callback(error),
    );
  }

  #give(): void {
    while (this.#wanted) {
      const next = this.#waiting.shift();
      if (!next) break;
      this.#wanted = this.push(this.#lent(next));
      Atomics.add(this.#taken, 0, 1);
      Atomics.notify(this.#taken, 0);
    }
    if (this.#ended && this.#waiting.length === 0 && !this.destroyed) this.push(null);
  }

  /** New memory for each megabyte would be work for the collector. */
  #lent({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
    const worker = this.#worker;
    return lend(Buffer.from(buffer, byteOffset, byteLength), (memory) => worker && returnMemory(worker, memory));
  }

  #end(report: PackReport): void {
    const { unreadable } = report;
    if (unreadable.count > 0 && !this.#tree.optional) {
      this.#ended = true;
      this.destroy(unreadableError(this.#tree, unreadable));
      return;
    }
    this.#digest.merge(report.content.digest);
    this.#done({ ...report, content: { ...report.content, digest: this.#digest.hex() } });
    this.#ended = true;
    this.#give();
  }
}

export function unreadableError({ name, path }: TreeSettings, { count, names }: NameList): HoldfastError {
  return new HoldfastError(
    'FILES_UNREADABLE',
    `${formatCount(count, 'file')} of ${name} cannot be read: ${listed({ count, names })}`,
    {
      hint: `Give the user that runs holdfast the right to read everything in ${path}, leave these out with exclude, or set optional: true to go on without them.`,
      details: { count, names },
    },
  );
}

export function factsOf(
  { name, path }: TreeSettings,
  { content, changed, vanished, skipped, unreadable }: PackReport,
): TreeFacts {
  const counts = {
    changed: changed.count,
    vanished: vanished.count,
    skipped: skipped.count,
    unreadable: unreadable.count,
  };
  return { name, path, ...content, ...counts };
}

export function warningsOf(
  { name }: TreeSettings,
  { changed, vanished, skipped, unreadable, leftOut }: PackReport,
): string[] {
  const told: [NameList, string][] = [
    [unreadable, 'could not be read and is missing'],
    [changed, 'changed while it was read, and may be half old and half new'],
    [vanished, 'was removed while the tree was read'],
    [skipped, 'is no file and was skipped'],
    [leftOut, 'belongs to holdfast itself and was left out'],
  ];
  return told
    .filter(([{ count }]) => count > 0)
    .map(([list, what]) => `${name}: ${what} (${formatCount(list.count)}): ${listed(list)}`);
}

function listed({ count, names }: NameList): string {
  const more = count - names.length;
  return names.join(', ') + (more > 0 ? `, and ${formatCount(more)} more` : '');
}
