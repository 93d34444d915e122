/** A file that goes into a tar. */
export interface TarEntry {
  path: string;
  bytes: number;
  /** Each piece may be good only until the next is asked for. */
  open(): AsyncIterable<Buffer>;
}

const block = 512;
/** What the number field of the old format can hold. */
const mostOctal = 8 ** 11 - 1;

/** In pieces; its length is known before, so that whoever gets it sees how far it is and whether it was cut. */
export function tarOf(
  entries: readonly TarEntry[],
  madeAt: Date,
): { pieces: AsyncGenerator<Buffer, void, void>; bytes: number } {
  const heads = entries.map((entry) => headOf(entry, madeAt));
  const bytes = entries.reduce((sum, entry, at) => sum + (heads[at]?.length ?? 0) + padded(entry.bytes), 2 * block);
  return { pieces: parts(entries, heads), bytes };
}

async function* parts(entries: readonly TarEntry[], heads: readonly Buffer[]): AsyncGenerator<Buffer, void, void> {
  for (const [at, entry] of entries.entries()) {
    yield heads[at] ?? Buffer.alloc(0);
    yield* entry.open();
    yield Buffer.alloc(padded(entry.bytes) - entry.bytes);
  }
  yield Buffer.alloc(2 * block);
}

function headOf({ path, bytes }: TarEntry, madeAt: Date): Buffer {
  const plain = Buffer.byteLength(path) <= 100 && /^[\x20-\x7E]+$/.test(path);
  const said = [
    ...(plain ? [] : [record('path', path)]),
    ...(bytes > mostOctal ? [record('size', String(bytes))] : []),
  ];
  const own = ustar({ path: plain ? path : 'file', bytes: Math.min(bytes, mostOctal), kind: '0' }, madeAt);
  if (said.length === 0) return own;
  const more = Buffer.from(said.join(''));
  const rest = Buffer.alloc(padded(more.length) - more.length);
  return Buffer.concat([ustar({ path: 'pax', bytes: more.length, kind: 'x' }, madeAt), more, rest, own]);
}

/** `30 path=...\n`, where the number counts itself. */
function record(key: string, value: string): string {
  const text = ` ${key}=${value}\n`;
  const length = Buffer.byteLength(text);
  const digits = String(length + String(length).length).length;
  return `${length + digits}${text}`;
}

function ustar({ path, bytes, kind }: { path: string; bytes: number; kind: string }, madeAt: Date): Buffer {
  const head = Buffer.alloc(block);
  const octal = (value: number, at: number, length: number) =>
    head.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  head.write(path, 0, 'latin1');
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes, 124, 12);
  octal(Math.floor(madeAt.getTime() / 1000), 136, 12);
  head.write('        ', 148, 'latin1');
  head.write(kind, 156, 'latin1');
  head.write('ustar\x0000', 257, 'latin1');
  head.write(
    `${[...head]
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  return head;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / block) * block;
}
