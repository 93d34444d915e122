import { Readable } from 'node:stream';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Report } from '../base/progress.ts';
import { digestOf, digestProblem, expectDigest } from '../pipeline/digest.ts';
import { through } from '../pipeline/pipeline.ts';
import type { Stage, Storage } from '../storage/storage.ts';
import { assertStaged } from './assert-staged.ts';
import { readHold, writeHold, type Hold } from './hold.ts';
import { copyKeys } from './keys/key-files.ts';
import { backupPrefix, drillsPrefix, manifestKey, manifestName } from './format/layout.ts';
import { isNewer, parseManifest, type Artifact, type Manifest } from './format/manifest.ts';
import { openStored } from './open-stored.ts';
import { placeOf, type StageCopy } from './copy-place.ts';
import { removeBackup } from './remove.ts';
import { unsharable } from './objects/condemned.ts';
import { assertObjects } from './objects/sharing.ts';
import { readSmall } from './format/small-files.ts';

export interface CopyTask {
  from: Storage;
  to: Storage;
  source: string;
  id: string;
  /** What several backups share lies in the backup's own folder as well: it stands alone wherever it is taken. */
  alone?: boolean;
  /** What may go for it: nothing, a copy that is damaged, or whatever lies there under its id. */
  replace: 'nothing' | 'damaged' | 'anything';
  /** Asked before anything goes; rejects to keep it. */
  confirmReplace?: (there: 'damaged' | 'other') => Promise<void>;
  /** Shared objects at the receiver that may be damaged, for all that they are as long as they should be. */
  doubtful?: ReadonlySet<string>;
  /** Removes a stage of the same backup that nobody works on any more. */
  clear?: () => Promise<void>;
  signal: AbortSignal;
  report: Report;
}

export interface Copied {
  /** `present`: it lay there already, and every byte of it was read and found right. */
  state: 'copied' | 'present';
  bytes: number;
}

const artifactsAtOnce = 4;

/** Copies a sealed backup, with its key, its hold and its drills. It becomes visible whole or not at all. */
export async function copyBackup(task: CopyTask): Promise<Copied> {
  const { from, to, source, id, replace, signal } = task;
  const { content, manifest } = await readSealed(from, source, id, signal);
  const bytes = manifest.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  const there = await lookAt(task, content, manifest);
  if (there === 'whole') {
    await copyMarks(task, null);
    return { state: 'present', bytes };
  }
  if (there !== 'nothing' && (replace === 'nothing' || (there === 'other' && replace !== 'anything'))) {
    throw inTheWay(task, there);
  }
  let hold: Hold | null = null;
  if (there !== 'nothing') {
    // What lies there goes only for something that was read to its end and is whole.
    await task.confirmReplace?.(there);
    await checkArtifacts(task, from, manifest);
    hold = await readHold(to, source, id, signal);
    await removeBackup(to, source, id, signal);
  }
  await using stage = await openStage(task);
  const shared = await copyArtifacts(manifest.artifacts, {
    stage,
    to,
    source,
    // What was damaged there may have been what it shared.
    trust: (object) => there === 'nothing' && !task.doubtful?.has(object),
    unsharable: task.alone ? null : await unsharable(to, source, id, signal),
    open: (artifact) => openArtifact(from, source, id, artifact, signal),
    signal,
    report: task.report,
  });
  await sealCopy({ ...task, stage, manifest, content, shared });
  await copyMarks(task, hold);
  return { state: 'copied', bytes };
}

/** Looking for what died is dear where everything has to be listed for it, so it comes second. */
async function openStage({ to, source, id, clear, signal }: CopyTask): Promise<Stage> {
  const prefix = backupPrefix(source, id);
  try {
    return await to.stage(prefix, signal);
  } catch (error) {
    if (!clear || !(error instanceof HoldfastError) || error.code !== 'STORAGE_TAKEN') throw error;
    await clear();
    return await to.stage(prefix, signal);
  }
}

/**
 * Takes the artifacts as they come; each is checked as it is read, and again as the receiver has it. Returns what lies
 * there as a shared object.
 */
export async function copyArtifacts(
  artifacts: Iterable<Artifact> | AsyncIterable<Artifact>,
  copy: StageCopy,
): Promise<Artifact[]> {
  const { to, open, signal, report } = copy;
  const shared: Artifact[] = [];
  let done = 0;
  await drain(artifacts, artifactsAtOnce, async (artifact) => {
    throwIfAborted(signal);
    const { path, bytes } = artifact;
    const place = await placeOf(artifact, copy);
    if (place === 'there' || place.shared) shared.push(artifact);
    if (place !== 'there') {
      const content = through(await open(artifact), [expectDigest(artifact, path)], signal);
      await place.put(content, { signal, size: bytes });
      if (!to.capabilities.receiverDigest) await checkReceived(await place.get(), to, artifact);
    }
    done += bytes;
    report({ kind: 'progress', step: `copy to ${to.name}`, part: path, bytes: done, total: null });
  });
  return shared;
}

/** The manifest as it is, byte by byte, as the last file; with it the copy becomes visible. */
export async function sealCopy({
  stage,
  from,
  to,
  source,
  manifest,
  content,
  shared,
  signal,
}: Pick<CopyTask, 'from' | 'to' | 'source' | 'signal'> & {
  stage: Stage;
  /** What `copyArtifacts` returned. */
  shared: readonly Artifact[];
  manifest: Manifest;
  content: Buffer;
}): Promise<void> {
  const key = manifest.encryption?.['key'];
  if (typeof key === 'string') await copyKeys(from, to, source, key, signal);
  await assertObjects(to, source, shared, signal);
  const elsewhere = new Set(shared.map(({ path }) => path));
  const staged = manifest.artifacts.filter(({ path }) => !elsewhere.has(path));
  await assertStaged(stage, { ...manifest, artifacts: staged }, signal);
  const body = Readable.from([content], { objectMode: false });
  await stage.put(manifestName, body, { signal, size: content.length });
  if (!to.capabilities.receiverDigest) {
    const received = Buffer.concat(await (await stage.get(manifestName, { signal })).toArray());
    if (!received.equals(content)) throw unreliable(to, manifestName);
  }
  throwIfAborted(signal);
  await stage.commit(signal);
}

/** The manifest of a backup, checked, with its bytes. */
export async function readSealed(
  storage: Storage,
  source: string,
  id: string,
  signal: AbortSignal,
): Promise<{ content: Buffer; manifest: Manifest }> {
  const content = await readSmall(storage, manifestKey(source, id), signal);
  if (content) return { content, manifest: parseManifest(content, { source, id }) };
  throw new HoldfastError('BACKUP_NOT_FOUND', `there is no backup ${id} of ${source} in ${storage.name}`, {
    kind: 'usage',
    hint: '`holdfast list` shows what there is.',
  });
}

export function openArtifact(
  storage: Storage,
  source: string,
  id: string,
  artifact: Artifact,
  signal: AbortSignal,
): Promise<Readable> {
  return openStored(storage, { source, id }, artifact, { signal });
}

type There = 'nothing' | 'whole' | 'damaged' | 'other';

async function lookAt({ to, source, id, signal, report }: CopyTask, content: Buffer, manifest: Manifest) {
  const there = await readSmall(to, manifestKey(source, id), signal);
  if (there === null) return 'nothing' satisfies There;
  if (!there.equals(content)) return (isManifest(there, source, id) ? 'other' : 'damaged') satisfies There;
  try {
    await checkArtifacts({ source, id, signal, report }, to, manifest);
    return 'whole' satisfies There;
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === 'integrity') return 'damaged' satisfies There;
    throw error;
  }
}

function isManifest(content: Buffer, source: string, id: string): boolean {
  try {
    return parseManifest(content, { source, id }).id === id;
  } catch (error) {
    return isNewer(error);
  }
}

async function checkArtifacts(
  { source, id, signal, report }: Pick<CopyTask, 'source' | 'id' | 'signal' | 'report'>,
  storage: Storage,
  manifest: Manifest,
): Promise<void> {
  const total = manifest.artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  await drain(manifest.artifacts, artifactsAtOnce, async (artifact) => {
    const actual = await digestOf(await openArtifact(storage, source, id, artifact, signal), () => undefined);
    const problem = digestProblem(artifact, actual, `${artifact.path} in ${storage.name}`);
    if (problem) throw problem;
    done += artifact.bytes;
    report({ kind: 'progress', step: `check ${storage.name}`, part: artifact.path, bytes: done, total });
  });
}

/** Where the receiver itself compared a digest, what it took is what was sent. */
async function checkReceived(received: Readable, to: Storage, artifact: Artifact): Promise<void> {
  const actual = await digestOf(received, () => undefined);
  if (digestProblem(artifact, actual, artifact.path) !== null) throw unreliable(to, artifact.path);
}

function unreliable(to: Storage, what: string): HoldfastError {
  return new HoldfastError('STORAGE_UNRELIABLE', `${to.name} did not give back ${what} as it was written`, {
    kind: 'integrity',
    hint: 'Look at this storage with `holdfast doctor` before you rely on it.',
  });
}

function inTheWay({ to, source, id }: CopyTask, there: 'damaged' | 'other'): HoldfastError {
  return there === 'damaged'
    ? new HoldfastError('COPY_DAMAGED', `the copy of ${source}/${id} in ${to.name} is damaged`, {
        kind: 'integrity',
        hint: `Replace it with \`holdfast copy ${id} --to ${to.name} --replace\`.`,
      })
    : new HoldfastError('COPY_DIFFERS', `${to.name} has another backup under the name ${source}/${id}`, {
        kind: 'refused',
        hint: 'Two installations write under the same name of a source. Give one of them another name or prefix.',
      });
}

/** A hold and the drills belong to the backup, not to the place; they are added, never taken away. */
async function copyMarks({ from, to, source, id, signal }: CopyTask, kept: Hold | null): Promise<void> {
  const hold = (await readHold(from, source, id, signal)) ?? kept;
  if (hold && (await readHold(to, source, id, signal)) === null) await writeHold(to, source, id, hold, signal);
  for await (const { key, bytes } of from.list(drillsPrefix(source, id), signal)) {
    if ((await to.stat(key, signal)) !== null) continue;
    await to.put(key, await from.get(key, { signal }), { signal, size: bytes });
  }
}

/** Several at once from something that may still grow. The first failure stops what has not begun. */
async function drain<T>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const shared = (async function* () {
    yield* items;
  })();
  let failure: { error: unknown } | undefined;
  const worker = async () => {
    for (let next = await shared.next(); !next.done && !failure; next = await shared.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failure) throw failure.error;
}
