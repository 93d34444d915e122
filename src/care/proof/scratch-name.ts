/** PostgreSQL cuts names at 63 bytes without an error worth relying on, MySQL at 64 characters. */
const longest = 63;

/**
 * A name for a database of ours beside `database`: recognisable, unique through `suffix`, and never longer than servers take,
 * counted in bytes and cut between characters.
 */
export function nameBeside(database: string, word: string, suffix: string): string {
  const tail = `_${word}_${suffix.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')}`;
  let head = '';
  for (const character of database) {
    if (Buffer.byteLength(head + character + tail) > longest) break;
    head += character;
  }
  return head + tail;
}
