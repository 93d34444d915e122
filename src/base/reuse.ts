/**
 * Memory that content lies in on its way through a stream, used again when whoever consumes the content says that it did. Left to the
 * garbage collector, the megabytes that a dump allocates each second make it look through everything all the time. Whoever
 * never says so loses nothing: the memory is collected then.
 */
const free = new Map<number, ArrayBuffer[]>();
/** Of each size, kept for the next dump however long that takes. */
const mostFreeBytes = 8 * 1024 * 1024;

/** On the memory itself, bytes of content in it that nobody has consumed yet. What is only a key of a map outlives the quick collections. */
const left = Symbol('left');
/** Where memory of another owner goes when it was given back. */
const home = Symbol('home');
type TakeBack = (memory: ArrayBuffer) => void;
type Lent = ArrayBufferLike & { [left]?: number | undefined; [home]?: TakeBack | undefined };

/** With whatever it held before. */
export function reusedMemory(bytes: number): Buffer<ArrayBuffer> {
  const memory = free.get(bytes)?.pop();
  return memory ? Buffer.from(memory) : Buffer.allocUnsafeSlow(bytes);
}

/**
 * From here on the content has one reader after the other, and the memory under it nothing else in it. Without `takeBack` it is kept
 * for whoever asks for some of its size next.
 */
export function lend(content: Buffer, takeBack?: TakeBack): Buffer {
  const memory: Lent = content.buffer;
  memory[left] = content.length;
  memory[home] = takeBack;
  return content;
}

/** Some of the content was consumed, and will not be looked at again by anybody. */
export function giveBack(content: Uint8Array): void {
  const memory: Lent = content.buffer;
  const before = memory[left];
  if (before === undefined) return;
  memory[left] = before - content.length;
  if (memory[left] > 0) return;
  memory[left] = undefined;
  if (!(memory instanceof ArrayBuffer)) return;
  const takeBack = memory[home] ?? keep;
  takeBack(memory);
}

/** On the memory itself: its content is written once, from its beginning to its end, and read once. */
const passing = Symbol('passing');
type Passing = Lent & { [passing]?: true };

/** Of memory that its maker does not come back to once it is full: whoever reads its content last may free it (`letGo`). */
export function markPassing(content: Uint8Array): void {
  const memory: Passing = content.buffer;
  memory[passing] = true;
}

/**
 * Nobody looks at the content any more. What was marked is freed at once: the collector would come to it only after tens of
 * megabytes, since all it sees of each is a small object.
 */
export function letGo(content: Uint8Array): void {
  const memory: Passing = content.buffer;
  const isLast = content.byteOffset + content.byteLength === memory.byteLength;
  // All of it was read before its last part, which the maker has left behind.
  if (memory[passing] && isLast && memory instanceof ArrayBuffer && !memory.detached) memory.transfer(0);
}

/** Both, for whoever is the last to look at content from anywhere. */
export function doneWith(content: Uint8Array): void {
  giveBack(content);
  letGo(content);
}

function keep(memory: ArrayBuffer): void {
  const some = free.get(memory.byteLength) ?? [];
  free.set(memory.byteLength, some);
  if ((some.length + 1) * memory.byteLength <= mostFreeBytes) some.push(memory);
}
