import { HoldfastError } from '../base/errors.ts';

/** What object stores allow, and less than any file system does below a root of usual length. */
const longestKey = 1024;
const longestSegment = 255;

/**
 * Refuses keys that could leave the storage, hide in it, or be another key somewhere else. Names that begin with a dot belong
 * to the storages themselves.
 */
export function checkKey(key: string): void {
  const problem = keyProblem(key);
  if (problem !== null) throw invalidKey(key, problem);
}

/** A prefix is empty, or a key with `/` behind it. */
export function checkPrefix(prefix: string): void {
  if (prefix === '') return;
  if (!prefix.endsWith('/')) throw invalidKey(prefix, 'a prefix must end with "/"');
  checkKey(prefix.slice(0, -1));
}

/** A prefix that is not the whole storage. */
export function checkFolder(prefix: string): void {
  if (prefix === '') throw invalidKey(prefix, 'it is empty');
  checkPrefix(prefix);
}

export function keyProblem(key: string): string | null {
  if (key === '') return 'it is empty';
  if (Buffer.byteLength(key) > longestKey) return `it is longer than ${longestKey} bytes`;
  if (!key.isWellFormed()) return 'it is not valid Unicode';
  if (/[\p{Cc}\u2028\u2029]/u.test(key)) return 'it contains control characters';
  // A backslash is a separator on other systems.
  if (key.includes('\\')) return 'it contains a backslash';
  for (const segment of key.split('/')) {
    if (segment === '') return 'it has an empty segment';
    if (segment.startsWith('.')) return `the segment "${segment}" begins with a dot`;
    if (Buffer.byteLength(segment) > longestSegment) return `a segment is longer than ${longestSegment} bytes`;
  }
  return null;
}

function invalidKey(key: string, problem: string): HoldfastError {
  return new HoldfastError(
    'STORAGE_KEY_INVALID',
    `${JSON.stringify(key.slice(0, 200))} is not a usable key: ${problem}`,
    {
      kind: 'refused',
    },
  );
}
