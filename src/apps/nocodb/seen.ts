import type { RecordKey } from './tree-format.ts';

/** Which records there were already. */
export interface Seen {
  readonly size: number;
  /** False: it was there before. */
  add(key: RecordKey): boolean;
  has(key: RecordKey): boolean;
}

const chunkBits = 16;
const chunkBytes = 2 ** chunkBits / 8;
/** 32 MB. Ids that lie further apart than that are kept one by one. */
const mostChunks = 4096;

/** Ids of a table are dense as a rule: a bit for each takes 125 KB for a million. Everything else is kept as text. */
export function seenKeys(): Seen {
  const chunks = new Map<number, Uint8Array>();
  const others = new Set<number | string>();
  let size = 0;
  const chunkOf = (id: number, make: boolean) => {
    const at = Math.floor(id / 2 ** chunkBits);
    const found = chunks.get(at);
    if (found || !make || chunks.size >= mostChunks) return found;
    const fresh = new Uint8Array(chunkBytes);
    chunks.set(at, fresh);
    return fresh;
  };
  const other = (key: RecordKey) => (typeof key === 'number' ? key : JSON.stringify(key));
  return {
    get size() {
      return size;
    },
    has: (key) => {
      const chunk = isId(key) ? chunkOf(key, false) : undefined;
      return isId(key) && chunk ? bitOf(chunk, key) : others.has(other(key));
    },
    add: (key) => {
      const chunk = isId(key) ? chunkOf(key, true) : undefined;
      if (isId(key) && chunk) {
        if (bitOf(chunk, key)) return false;
        const bit = key % 2 ** chunkBits;
        chunk[bit >> 3] = (chunk[bit >> 3] ?? 0) | (1 << (bit & 7));
      } else {
        if (others.has(other(key))) return false;
        others.add(other(key));
      }
      size += 1;
      return true;
    },
  };
}

function isId(key: RecordKey): key is number {
  return typeof key === 'number' && Number.isSafeInteger(key) && key >= 0;
}

function bitOf(chunk: Uint8Array, id: number): boolean {
  const bit = id % 2 ** chunkBits;
  return ((chunk[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
}
