import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { runProcess } from '../base/run-process.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import type { Check } from '../engines/engine.ts';
import type { Storage, StoredObject } from '../storage/storage.ts';

/** Retention stops working where clocks are further apart. */
const clockToleranceMs = 5 * 60_000;
const scarceBytes = 1024 ** 3;
const scarcePart = 0.05;

/** Does to a storage what backups do to it, with a probe that is removed again, and looks at what surrounds it. */
export async function examineStorage(storage: Storage, clock: Clock, signal: AbortSignal): Promise<Check[]> {
  const { modifiedAt, ms } = await probeStorage(storage, clock, signal);
  return [
    {
      name: 'usable',
      result: 'ok',
      detail: `${storage.title}: wrote, read, listed and deleted a probe in ${formatDuration(ms)}`,
    },
    clockCheck(modifiedAt, clock),
    ...(await spaceCheck(storage, signal)),
    ...(await gitCheck(storage, signal)),
  ];
}

/** Does to a small object all that is ever done to a backup. */
async function probeStorage(
  storage: Storage,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ modifiedAt: Date; ms: number }> {
  const started = clock.monotonic();
  const folder = `holdfast-probe-${randomBytes(4).toString('hex')}/`;
  const key = `${folder}probe`;
  const content = randomBytes(1024);
  try {
    await storage.put(key, Readable.from([content]), { signal, size: content.length });
    const read = await buffer(await storage.get(key, { signal }));
    if (!read.equals(content)) throw probeFailed(storage, 'what was read is not what was written');
    const object = await findListed(storage, key, { folder, signal });
    if (!object) throw probeFailed(storage, 'what was written is not listed');
    await storage.delete([key], signal);
    if (await storage.stat(key, signal)) throw probeFailed(storage, 'what was deleted is still there');
    return { modifiedAt: object.modifiedAt, ms: clock.monotonic() - started };
  } finally {
    await removeProbe(storage, key, folder);
  }
}

async function findListed(
  storage: Storage,
  key: string,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<StoredObject | null> {
  for await (const object of storage.list(folder, signal)) if (object.key === key) return object;
  return null;
}

/** Also when the examination was stopped half-way: the probe must not stay. */
async function removeProbe(storage: Storage, key: string, folder: string): Promise<void> {
  const soon = AbortSignal.timeout(5000);
  try {
    await storage.delete([key], soon);
    await storage.removeFolder(folder, soon);
  } catch {
    // Whatever keeps it from being removed is what the probe has just reported.
  }
}

function probeFailed(storage: Storage, message: string): HoldfastError {
  return new HoldfastError('STORAGE_UNRELIABLE', `${storage.title}: ${message}`, {
    kind: 'integrity',
    hint: 'Do not keep backups there before this is understood.',
  });
}

function clockCheck(modifiedAt: Date, clock: Clock): Check {
  const apart = Math.abs(clock.now().getTime() - modifiedAt.getTime());
  const detail = `this machine and the storage are ${formatDuration(apart)} apart`;
  if (apart <= clockToleranceMs) return { name: 'clock', result: 'ok', detail };
  return {
    name: 'clock',
    result: 'warning',
    detail,
    hint: 'Synchronise the clocks; until then nothing is removed by retention.',
  };
}

async function spaceCheck(storage: Storage, signal: AbortSignal): Promise<Check[]> {
  const free = await storage.free(signal);
  if (!free) return [];
  const detail = `${formatBytes(free.bytes)} of ${formatBytes(free.total)} free`;
  if (free.bytes >= scarceBytes && free.bytes >= free.total * scarcePart)
    return [{ name: 'space', result: 'ok', detail }];
  return [{ name: 'space', result: 'warning', detail, hint: 'Make room, or keep fewer backups (retention).' }];
}

/** Backups in a work tree are one `git add .` away from being published. */
async function gitCheck(storage: Storage, signal: AbortSignal): Promise<Check[]> {
  const inside = storage.localPath('probe');
  if (inside === null) return [];
  const folder = dirname(inside);
  const tree = await workTreeAround(folder);
  if (tree === null || (await isIgnored(folder, tree, signal))) return [];
  return [
    {
      name: 'git',
      result: 'warning',
      detail: `${folder} lies in the git work tree ${tree} and is not ignored`,
      hint: 'Add it to .gitignore, or keep backups outside of the work tree.',
    },
  ];
}

async function workTreeAround(folder: string): Promise<string | null> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await stat(join(at, '.git')).catch(() => null);
    if (found) return at;
    if (at === dirname(at)) return null;
  }
}

async function isIgnored(folder: string, tree: string, signal: AbortSignal): Promise<boolean> {
  try {
    await runProcess({ program: 'git', args: ['-C', tree, 'check-ignore', '-q', '--', `${folder}/`] }, { signal });
    return true;
  } catch {
    // Not ignored, no git, or a tree of another user: only "ignored" is an answer that reassures.
    return false;
  }
}
