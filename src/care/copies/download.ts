import { copyBackup, openArtifact, readSealed, type Copied } from '../../archive/copy.ts';
import type { Artifact } from '../../archive/format/manifest.ts';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { expectDigest } from '../../pipeline/digest.ts';
import { through } from '../../pipeline/pipeline.ts';
import { orRemoved, wasRemoved } from '../proof/removed-meanwhile.ts';
import type { Storage } from '../../storage/storage.ts';
import { noteDamaged, noteReceived, type CopiesTask } from './copies.ts';
import { clearStage, holdCopy } from './copy-lock.ts';

export interface DownloadTask extends CopiesTask {
  id: string;
  /** Where it is read from, in the order to be tried. */
  from: readonly Storage[];
  to: Storage;
  /** Asked before something that lies there is replaced; rejects to keep it. */
  confirmReplace: () => Promise<void>;
}

/** A stage in a folder of this machine is looked at with the clock that wrote it. */
const silentMs = 2 * 60_000;

/** Fetches a whole backup, its keys included, so that the folder is a storage like any other. Whole or nothing. */
export async function downloadBackup(task: DownloadTask): Promise<Copied & { from: string }> {
  const { source, id, to, report } = task;
  await using lease = await holdCopy(task);
  const { signal } = lease;
  const started = performance.now();
  const { confirmReplace } = task;
  const clear = () => clearStage({ ...task, signal }, false, silentMs);
  const copied = await fromFirst({ ...task, signal }, (from) =>
    copyBackup({
      from,
      to,
      source: source.name,
      id,
      alone: true,
      replace: 'anything',
      confirmReplace,
      clear,
      signal,
      report,
    }),
  );
  if (source.storages.includes(to)) noteReceived(task, id, to, (performance.now() - started) / 1000);
  return copied;
}

/** Fetches one artifact, as it is stored, or a folder of them (`database.dir`). Whole or nothing. */
export async function downloadArtifact(
  task: DownloadTask & { path: string },
): Promise<{ from: string; bytes: number; artifacts: string[] }> {
  await using lease = await holdCopy(task);
  const inside = { ...task, signal: lease.signal };
  return await fromFirst(inside, async (from) => {
    const { manifest } = await readSealed(from, task.source.name, task.id, lease.signal);
    const chosen = manifest.artifacts.filter(({ path }) => path === task.path || path.startsWith(`${task.path}/`));
    const [first] = chosen;
    if (!first) throw noArtifact(task, manifest.artifacts);
    if (first.path === task.path) await fetchFile(inside, from, first);
    else await fetchFolder(inside, from, chosen);
    return { bytes: chosen.reduce((sum, { bytes }) => sum + bytes, 0), artifacts: chosen.map(({ path }) => path) };
  });
}

type Fetching = DownloadTask & { path: string };

async function fetchFile(task: Fetching, from: Storage, artifact: Artifact): Promise<void> {
  const { to, signal, confirmReplace } = task;
  if ((await to.stat(artifact.path, signal)) !== null) await confirmReplace();
  await to.put(artifact.path, await read(task, from, artifact), { signal, size: artifact.bytes });
}

async function fetchFolder(task: Fetching, from: Storage, artifacts: readonly Artifact[]): Promise<void> {
  const { to, path, signal } = task;
  await using stage = await to.stage(`${path}/`, signal);
  for (const artifact of artifacts) {
    const name = artifact.path.slice(path.length + 1);
    await stage.put(name, await read(task, from, artifact), { signal, size: artifact.bytes });
  }
  await stage.commit(signal);
}

async function read({ source, id, signal }: Fetching, from: Storage, artifact: Artifact) {
  const content = await openArtifact(from, source.name, id, artifact, signal);
  return through(content, [expectDigest(artifact, artifact.path)], signal);
}

/** The next place is tried where one does not answer or turns out damaged; what the operator said no to is not asked again. */
async function fromFirst<T>(task: DownloadTask, fetch: (from: Storage) => Promise<T>): Promise<T & { from: string }> {
  const { source, id, from: places, signal } = task;
  let failure: { error: unknown } | undefined;
  for (const place of places) {
    try {
      return { ...(await fetch(place)), from: place.name };
    } catch (error) {
      throwIfAborted(signal);
      const known = await orRemoved({ source, storage: place, id, signal }, error);
      if (known instanceof HoldfastError && (known.kind === 'refused' || known.kind === 'usage')) throw known;
      await noteDamaged(task, place, known);
      if (!failure || wasRemoved(failure.error)) failure = { error: known };
    }
  }
  throw failure?.error;
}

function noArtifact({ id, path }: Fetching, artifacts: readonly Artifact[]): HoldfastError {
  const names = [...new Set(artifacts.map((artifact) => artifact.path.split('/')[0] ?? artifact.path))];
  return new HoldfastError('ARTIFACT_UNKNOWN', `the backup ${id} has no artifact ${JSON.stringify(path)}`, {
    kind: 'usage',
    hint: `It has: ${names.join(', ')}.`,
  });
}
