/**
 * Memory that content lies in on its way through a stream, used again when whoever consumes the content says that it did. Left to the
 * garbage collector, the megabytes that a dump allocates each second make it look through everything all the time. Whoever
 * never says so loses nothing: the memory is collected then.
 */
const free = new Map<number, ArrayBuffer[]>();
/** Of each size, kept for the next dump however long that takes. */
const mostFreeBytes = 8 * 1024 * 1024;

interface Lent {
  /** Bytes of content in it that nobody has consumed yet. */
  left: number;
  back: (memory: ArrayBuffer) => void;
}

/** On the memory itself: what is only a key of a map outlives the quick collections, and dumps would need more memory. */
const mark = Symbol('lent');
type Marked = ArrayBufferLike & { [mark]?: Lent | undefined };

/** With whatever it held before. */
export function reusedMemory(bytes: number): Buffer {
  const memory = free.get(bytes)?.pop();
  return memory ? Buffer.from(memory) : Buffer.allocUnsafeSlow(bytes);
}

/** From here on the content has one reader after the other, and the memory under it nothing else in it. */
export function lend(content: Buffer, back: (memory: ArrayBuffer) => void = keep): Buffer {
  const memory: Marked = content.buffer;
  memory[mark] = { left: content.length, back };
  return content;
}

/** Some of the content was consumed, and will not be looked at again by anybody. */
export function giveBack(content: Uint8Array): void {
  const memory: Marked = content.buffer;
  const found = memory[mark];
  if (!found) return;
  found.left -= content.length;
  if (found.left > 0) return;
  memory[mark] = undefined;
  if (memory instanceof ArrayBuffer) found.back(memory);
}

function keep(memory: ArrayBuffer): void {
  const some = free.get(memory.byteLength) ?? [];
  free.set(memory.byteLength, some);
  if ((some.length + 1) * memory.byteLength <= mostFreeBytes) some.push(memory);
}
