import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import { formatBytes, formatCount } from '../../base/units.ts';
import type { AppCheck, AppContext } from '../app.ts';
import { findLeftovers, isPrevious } from './place/leftovers.ts';
import { refuseNotMounted } from './not-mounted.ts';
import type { TreeSettings } from './options.ts';
import { packSettings } from './pack-tree.ts';
import { runJob } from './thread/thread.ts';

/** What `doctor` says of the trees: whether they are there, whether all of them can be read, and what restores left beside them. */
export async function checkTrees(
  trees: readonly TreeSettings[],
  context: AppContext,
  signal: AbortSignal,
): Promise<AppCheck[]> {
  const checks: AppCheck[] = [];
  for (const tree of trees) {
    throwIfAborted(signal);
    checks.push(await checkTree(tree, signal), ...(await checkLeftovers(tree)));
  }
  checks.push(await checkScratch(context.scratch));
  return checks;
}

async function checkTree(tree: TreeSettings, signal: AbortSignal): Promise<AppCheck> {
  const name = `files ${tree.name}`;
  try {
    await refuseNotMounted(tree);
    const settings = await packSettings(tree);
    const { files, unreadable } = await runJob({ kind: 'look', settings }, signal);
    if (unreadable.count === 0) return { name, result: 'ok', detail: `${tree.path}: ${formatCount(files, 'file')}` };
    return {
      name,
      result: tree.optional ? 'warning' : 'failed',
      detail: `${tree.path}: ${formatCount(unreadable.count)} of ${formatCount(files, 'file')} cannot be read: ${unreadable.names.slice(0, 5).join(', ')}`,
      hint: `Give the user that runs holdfast the right to read everything in ${tree.path}, or leave these out with exclude.`,
    };
  } catch (error) {
    throwIfAborted(signal);
    const { code, message, hint } = toHoldfastError(error);
    const result = tree.optional && code === 'FILES_MISSING' ? 'warning' : 'failed';
    return { name, result, detail: message, ...(hint === undefined ? {} : { hint }) };
  }
}

async function checkLeftovers({ name, path }: TreeSettings): Promise<AppCheck[]> {
  const found = await findLeftovers(path);
  if (found.length === 0) return [];
  const live = await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
  const previous = found.findLast(isPrevious);
  if (!live && previous !== undefined) {
    return [
      {
        name: `files ${name} left over`,
        result: 'failed',
        detail: `a restore was ended between two renames: ${path} is not there, and what lived is ${previous}`,
        hint: `To go back: mv '${previous}' '${path}'. Then remove ${found.filter((other) => other !== previous).join(', ') || 'nothing else'}.`,
      },
    ];
  }
  return [
    {
      name: `files ${name} left over`,
      result: 'warning',
      detail: `restores left ${found.join(', ')}`,
      hint: 'Remove them when nothing in them is needed and no restore is running.',
    },
  ];
}

async function checkScratch(scratch: string): Promise<AppCheck> {
  for (let path = scratch; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return { name: 'scratch', result: 'ok', detail: `${formatBytes(bavail * bsize)} free in ${scratch} for drills` };
    } catch (error) {
      if (path === dirname(path)) return { name: 'scratch', result: 'failed', detail: toHoldfastError(error).message };
    }
  }
}
