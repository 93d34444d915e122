import { createHash } from 'node:crypto';
import { Chunks, type Chunk } from './chunks.ts';
import { block, padded } from '../tar/head.ts';

/** What a tar that is read when it is asked for is read for. */
export type Pass = 'digest' | 'send';

/** Who takes the tars that a tree is cut into, one after the other. */
export interface CutSink {
  /** A whole tar, which fits into memory. */
  group(chunks: Chunk[]): void;
  /** A tar that may not fit; null: it is not wanted again, go on. `rawBytes` is null where nobody knows before it is read. */
  ask(rawBytes: number | null): Pass | null;
  chunk(chunk: Chunk): void;
  /** The end of such a tar; the SHA-256 of it where that was asked for. */
  end(sha256: string | null): void;
}

/** A tree that has less is one tar: the whole of it costs less than looking after its parts. */
export const cutFromBytes = 4 * 1024 * 1024;
/** A larger file is a tar of its own, and is not kept in memory. */
export const aloneFromBytes = 4 * 1024 * 1024;
const smallestCut = 128 * 1024;
const largestCut = 8 * 1024 * 1024;
/** Each costs a file, its syncs and a beginning of the compression: with four times as many, small files took half as long again. */
const wantedParts = 128;

/**
 * How long a part shall be, on average at most. What was right before stays right as long as it is not far off: another length is another
 * cut, and everything is stored anew.
 */
export function cutFor(bytes: number, before: number | null): number {
  const wanted = bytes / wantedParts;
  const fit = 2 ** Math.ceil(Math.log2(Math.max(1, wanted)));
  const ideal = Math.min(largestCut, Math.max(smallestCut, fit));
  const known = before !== null && Number.isSafeInteger(before) && before >= smallestCut && before <= largestCut;
  return known && before <= ideal * 4 && before >= ideal / 4 ? before : ideal;
}

/**
 * Whether a part ends before a file. It depends on the file's own path and size alone: what is added or removed elsewhere does not move
 * this cut, so that all other parts stay as they were.
 */
export function cutsBefore(path: string, stored: number, cut: number): boolean {
  return hash(path) < (stored / cut) * 2 ** 32;
}

/** FNV-1a, with the bits mixed once more: paths differ in their last letters. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** The tars of a tree, for the one that packs it. */
export class Cuts {
  readonly cut: number;
  readonly groups: Chunks;
  readonly #sink: CutSink;
  readonly #memory: (() => Buffer) | undefined;
  #chunks: Chunk[] = [];
  #bytes = 0;

  constructor(cut: number, sink: CutSink, memory?: () => Buffer) {
    this.cut = cut;
    this.#sink = sink;
    this.#memory = memory;
    this.groups = new Chunks((chunk) => this.#chunks.push(chunk), memory);
  }

  before(path: string, size: number): void {
    const stored = block + padded(size);
    if (this.#bytes > 0 && cutsBefore(path, stored, this.cut)) this.flush();
    this.#bytes += stored;
  }

  after(): void {
    if (this.#bytes >= this.cut) this.flush();
  }

  flush(): void {
    if (this.#bytes === 0) return;
    this.groups.put(Buffer.alloc(2 * block));
    this.groups.flush();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    this.#sink.group(chunks);
  }

  /** As often as it is wanted: `write` puts the members of one tar, the same each time unless they change meanwhile. */
  alone(rawBytes: number | null, write: (out: Chunks) => void): void {
    for (let pass = this.#sink.ask(rawBytes); pass !== null; pass = this.#sink.ask(rawBytes)) {
      const digest = pass === 'digest' ? createHash('sha256') : null;
      const out = new Chunks(
        (chunk) => (digest ? void digest.update(chunk.bytes) : this.#sink.chunk(chunk)),
        this.#memory,
      );
      write(out);
      out.put(Buffer.alloc(2 * block));
      out.flush();
      this.#sink.end(digest?.digest('hex') ?? null);
    }
  }
}
