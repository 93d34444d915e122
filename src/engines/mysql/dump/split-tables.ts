import { giveBack } from '../../../base/reuse.ts';

const marker = Buffer.from('\n--\n-- Table structure for table ');
/** A library searches for so few bytes from line break to line break, and for all of them at once in four times that time. */
const markerStart = marker.subarray(0, 4);
/** What the tools write after the last table: settings back as they were, and the end mark. */
const footer = Buffer.from('\n/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;');
const heldBytes = 4096;

export type Piece = { kind: 'table' } | { kind: 'bytes'; bytes: Buffer };

export interface TableSplitter {
  /** What is to be written now. What it was given is in it as it came, not a copy. */
  take(chunk: Buffer): Piece[];
  /** The rest, when all was taken. */
  end(): Piece[];
}

/**
 * Parts the script of several tables into one for each, all with the settings that stand at its top. Within values every line break
 * is written as `\n`, so that no row can look like the beginning of a table.
 */
export function splitTables(): TableSplitter {
  /** Until the first table. */
  let head: Buffer[] | null = [];
  let settings = Buffer.alloc(0);
  /** Looked through, and not passed on: a table may begin with its last bytes, and the end of the script is left out. */
  let held: Buffer = Buffer.alloc(0);

  const passOn = function* (bytes: Buffer): Iterable<Piece> {
    if (bytes.length === 0) return;
    if (head) head.push(copied(bytes));
    else yield { kind: 'bytes', bytes };
  };
  const begin = function* (): Iterable<Piece> {
    if (head) settings = Buffer.concat(head);
    head = null;
    yield { kind: 'table' };
    yield { kind: 'bytes', bytes: Buffer.concat([settings, marker]) };
  };
  /** Tables that begin within what is held. */
  const part = function* (): Iterable<Piece> {
    for (let at = findMarker(held); at !== -1; at = findMarker(held)) {
      yield* passOn(held.subarray(0, at));
      yield* begin();
      giveBack(held.subarray(at, at + marker.length));
      held = held.subarray(at + marker.length);
    }
  };
  const takeLarge = function* (chunk: Buffer): Iterable<Piece> {
    const before = held.subarray(-(marker.length - 1));
    const at = findMarker(Buffer.concat([before, chunk.subarray(0, marker.length - 1)]));
    if (at === -1) {
      yield* passOn(held);
      held = chunk;
    } else {
      const start = held.length - before.length + at;
      const rest = marker.length - (held.length - start);
      yield* passOn(held.subarray(0, start));
      yield* begin();
      giveBack(held.subarray(start));
      giveBack(chunk.subarray(0, rest));
      held = chunk.subarray(rest);
    }
    yield* part();
  };
  const takeSmall = function* (chunk: Buffer): Iterable<Piece> {
    held = Buffer.concat([copied(held), copied(chunk)]);
    yield* part();
    if (held.length <= 2 * heldBytes) return;
    yield* passOn(held.subarray(0, -heldBytes));
    held = held.subarray(-heldBytes);
  };
  const finish = function* (): Iterable<Piece> {
    const end = held.lastIndexOf(footer);
    yield* passOn(end === -1 ? held : held.subarray(0, end));
  };
  return {
    take: (chunk) => [...(held.length < heldBytes || chunk.length < heldBytes ? takeSmall(chunk) : takeLarge(chunk))],
    end: () => [...finish()],
  };
}

function findMarker(bytes: Buffer): number {
  for (let at = bytes.indexOf(markerStart); at !== -1; at = bytes.indexOf(markerStart, at + 1)) {
    if (bytes.subarray(at, at + marker.length).equals(marker)) return at;
  }
  return -1;
}

/** What it lay in may be used again. */
function copied(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  giveBack(bytes);
  return copy;
}
