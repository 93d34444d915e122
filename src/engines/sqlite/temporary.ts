import { join } from 'node:path';
import { throwIfAborted } from '../../base/abort.ts';
import type { Access } from './access.ts';

/** A folder of its own: nothing there can be mistaken for something that lives. */
export async function openTemporary(
  access: Access,
  signal: AbortSignal,
): Promise<{ access: Access } & AsyncDisposable> {
  throwIfAborted(signal);
  const { path, ...resource } = await access.folder();
  return { access: access.at(join(path, access.name)), ...resource };
}
