import { stat } from 'node:fs/promises';
import type { Command } from '../../base/run-process.ts';
import { containerCommand, type FoundContainer } from './container.ts';

/** Which program a path means, on this machine or in a container: another one after an upgrade, which shows by the file's time and size. */
export async function toolIdentity(path: string, container: FoundContainer | null): Promise<string> {
  if (container) return `${container.id}:${path}`;
  const file = await stat(path).catch(() => null);
  return `${path}:${file?.mtimeMs ?? 0}:${file?.size ?? 0}`;
}

/** A call that needs no secret. */
export function plainCommand(path: string, args: readonly string[], container: FoundContainer | null): Command {
  return container ? containerCommand(container, path, args, {}) : { program: path, args };
}
