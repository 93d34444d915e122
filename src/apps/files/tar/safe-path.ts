import { hostile } from './errors.ts';

/** A path of a tar, relative to the tree and free of detours; refuses what leads out of it. GNU tar writes `./` before every name. */
export function safePath(path: string): string {
  const plain = path.replace(/^(?:\.\/)+/, '').replace(/^\.$/, '');
  if (plain === '') return '';
  if (plain.startsWith('/')) throw hostile('an absolute path', path);
  if (plain.includes('\0')) throw hostile('a path with a NUL', path);
  const parts = plain.split('/');
  if (parts.includes('..')) throw hostile('a path that leads out of its folder', path);
  if (parts.includes('') || parts.includes('.')) throw hostile('a path that is written with detours', path);
  return plain;
}
