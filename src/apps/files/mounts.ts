import { readFile, realpath } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';

/** Every place of this machine where something is mounted; nothing where the system does not tell. */
export async function mountPoints(): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return table.split('\n').map((line) => plainField(line.split(' ')[4] ?? ''));
}

/** What is mounted somewhere below a folder: it was not made by whoever removes the folder. */
export async function mountsIn(folder: string): Promise<string[]> {
  const real = await realpath(folder).catch(() => folder);
  return (await mountPoints()).filter((path) => path.startsWith(`${real}/`));
}

export function holdsMount(path: string, mount: string): HoldfastError {
  return new HoldfastError('FOLDER_HOLDS_MOUNT', `${mount} is mounted in ${path}, which is therefore not removed`, {
    kind: 'refused',
    hint: `Unmount it first, then remove ${path} by hand.`,
  });
}

/** Blanks and the like are written in octal there. */
export function plainField(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 8)));
}
