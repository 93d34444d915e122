const insert = Buffer.from('INSERT INTO `');
const ends = [Buffer.from(';\n'), Buffer.from(';\r\n')] as const;

export function beginsRows(text: Buffer, at: number): boolean {
  return text.length - at >= insert.length && text.compare(insert, 0, insert.length, at, at + insert.length) === 0;
}

/** Where the statement with rows ends that goes on at `from`; a script may have the line ends of Windows. */
export function endOfRows(text: Buffer, from: number): number {
  const [unix, windows] = ends;
  const end = text.indexOf(unix, from);
  const earlier = text.subarray(from, end === -1 ? undefined : end).indexOf(windows);
  return earlier === -1 ? end : from + earlier;
}

/** How much of an end may stand at the end of this piece. */
export function begunEnd(text: Buffer): number {
  if (text.at(-1) === 0x3b) return 1;
  return text.at(-1) === 0x0d && text.at(-2) === 0x3b ? 2 : 0;
}
