import { readdir, readFile, realpath } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';
import { mountPoints, plainField } from './mounts.ts';
import type { TreeSettings } from './options.ts';

type Tree = Pick<TreeSettings, 'name' | 'path'>;

/**
 * A folder on a disk that is not there: saved, it is an empty backup that pushes out whole ones; restored into, the disk it lies on now is
 * filled, and what came back is hidden as soon as the right one is mounted. Known from the system's own table and, for a restore,
 * from where the folder lay when it was saved.
 */
export async function refuseNotMounted({ name, path }: Tree, saved: string | null | undefined = null): Promise<void> {
  const real = await realpath(path).catch(() => path);
  const mounted = await mountPoints();
  // The system does not tell.
  if (!mounted.includes('/')) return;
  const table = await readFile('/etc/fstab', 'utf8').catch(() => '');
  const announced = missingMount(table, mounted, real);
  if (announced !== null) {
    throw notMounted({ name, path }, `/etc/fstab says that something is mounted at ${announced}, and it is not`, {
      hint: `Mount it: \`mount ${announced}\`. If nothing belongs there any more, take its line out of /etc/fstab.`,
    });
  }
  if (typeof saved !== 'string' || !holds(saved, real) || mounted.includes(saved)) return;
  if ((await readdir(saved).catch(() => null))?.length !== 0) return;
  throw notMounted(
    { name, path },
    `a disk was mounted at ${saved} when it was saved, and now ${saved} is empty and no mount`,
    {
      hint: `Mount it; in a container, see that the volume is there. If all is to lie on this disk from now on, remove the empty folder first: \`rmdir ${saved}\`.`,
    },
  );
}

/** Where what holds a folder is mounted; null: on the disk of the system itself, or the system does not tell. */
export async function savedMount(path: string): Promise<string | null> {
  const real = await realpath(path).catch(() => path);
  return mountOf(await mountPoints(), real);
}

/** The deepest place that a table in the form of `/etc/fstab` has mounted when the machine starts, that holds the folder and is no mount. */
export function missingMount(table: string, mounted: readonly string[], folder: string): string | null {
  const places = table.split('\n').flatMap((line) => {
    const [, place = '', , options = ''] = line.trim().split(/\s+/);
    const byHand = options.split(',').includes('noauto');
    return line.trim().startsWith('#') || byHand || !place.startsWith('/') ? [] : [trimmed(plainField(place))];
  });
  const missing = places.filter((place) => place !== '/' && holds(place, folder) && !mounted.includes(place));
  return missing.toSorted((a, b) => b.length - a.length)[0] ?? null;
}

function mountOf(mounted: readonly string[], folder: string): string | null {
  const above = mounted.filter((place) => place !== '/' && holds(place, folder));
  return above.toSorted((a, b) => b.length - a.length)[0] ?? null;
}

function holds(place: string, folder: string): boolean {
  return folder === place || folder.startsWith(`${place}/`);
}

function trimmed(place: string): string {
  return place === '/' ? place : place.replace(/\/+$/, '');
}

function notMounted({ name, path }: Tree, why: string, { hint }: { hint: string }): HoldfastError {
  return new HoldfastError('FILES_NOT_MOUNTED', `the disk of the folder ${path} (${name}) is not there: ${why}`, {
    kind: 'refused',
    hint,
  });
}
