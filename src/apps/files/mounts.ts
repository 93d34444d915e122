import { readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
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

/** What something is mounted on cannot be given another name. Where the system does not tell of mounts, that shows at the exchange. */
export async function refuseMountAt(path: string): Promise<void> {
  const real = await realpath(path).catch(() => path);
  if ((await mountPoints()).includes(real)) throw cannotMove(path);
}

/** Of a folder whose entries change places one by one. */
export async function refuseMountedEntries(folder: string): Promise<void> {
  const real = await realpath(folder).catch(() => folder);
  const entry = (await mountsIn(real)).find((path) => dirname(path) === real);
  if (entry !== undefined) throw cannotMove(entry);
}

function cannotMove(mount: string): HoldfastError {
  return new HoldfastError(
    'FOLDER_HOLDS_MOUNT',
    `${mount} is a mount, and cannot change places with what is restored`,
    {
      kind: 'refused',
      hint: 'Unmount it until then (in a container, leave that volume out), or restore into another folder: `holdfast restore files ID --to FOLDER`.',
    },
  );
}

/** Blanks and the like are written in octal there. */
export function plainField(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 8)));
}
