import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemErrno } from './errors.ts';

/**
 * Makes a folder and what is missing above it; existing ones are left as they are. One by one, because Node's recursive `mkdir` never ends
 * where the system answers ENOENT although the parent is there (`/proc`).
 */
export function makeFolders(path: string, mode = 0o777): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolders(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process was quicker.
    if (systemErrno(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}
