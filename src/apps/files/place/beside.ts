import { hash } from 'node:crypto';

/** What a file system of Linux takes, in bytes. */
const longestName = 255;
/** `.before-2026-11-20_05-15-00-999`; what is being laid down has less. */
const longestEnding = 31;

/**
 * How the name of a folder begins beside that folder, where something is added to it: the name itself, or where that leaves no room,
 * as much of it as there is, with a mark that tells it from others that begin like it.
 */
export function beginningBeside(name: string): string {
  const room = longestName - longestEnding;
  if (Buffer.byteLength(name) <= room) return name;
  const mark = `~${hash('sha256', name).slice(0, 8)}`;
  let head = '';
  for (const character of name) {
    if (Buffer.byteLength(head + character + mark) > room) break;
    head += character;
  }
  return head + mark;
}
