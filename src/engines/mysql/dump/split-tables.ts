const marker = Buffer.from('\n--\n-- Table structure for table ');
/** What the tools write after the last table: settings back as they were, and the end mark. */
const footer = Buffer.from('\n/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;');
const heldBytes = 4096;

export type Piece = { kind: 'table' } | { kind: 'bytes'; bytes: Buffer };

/**
 * Parts the script of several tables into one for each, all with the settings that stand at its top. Within values every line break
 * is written as `\n`, so that no row can look like the beginning of a table.
 */
export async function* splitTables(script: AsyncIterable<Buffer>): AsyncIterable<Piece> {
  let head: Buffer[] | null = [];
  let held: Buffer = Buffer.alloc(0);
  const emit = function* (bytes: Buffer): Iterable<Piece> {
    if (bytes.length === 0) return;
    if (head) head.push(bytes);
    else yield { kind: 'bytes', bytes };
  };
  let settings = Buffer.alloc(0);
  for await (const chunk of script) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (let at = held.indexOf(marker); at !== -1; at = held.indexOf(marker)) {
      yield* emit(held.subarray(0, at));
      if (head) settings = Buffer.concat(head);
      head = null;
      yield { kind: 'table' };
      // Past the marker's beginning, so that it is not found again.
      yield { kind: 'bytes', bytes: Buffer.concat([settings, marker]) };
      held = held.subarray(at + marker.length);
    }
    if (held.length <= heldBytes) continue;
    yield* emit(held.subarray(0, held.length - heldBytes));
    // A copy: a few bytes must not keep the whole piece in memory.
    held = Buffer.from(held.subarray(held.length - heldBytes));
  }
  const end = held.lastIndexOf(footer);
  yield* emit(end === -1 ? held : held.subarray(0, end));
}
