import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { fileSink } from '../base/file-sink.ts';
import { inParallel } from '../base/parallel.ts';
import { makeScratch, makeScratchFolder } from '../base/scratch.ts';
import { formatBytes } from '../base/units.ts';
import type { DumpFormat, StoredDump } from '../engines/engine.ts';
import { parseCompression, type Codec } from '../pipeline/codecs.ts';
import { decompressor } from '../pipeline/compress.ts';
import { through } from '../pipeline/pipeline.ts';
import type { Storage } from '../storage/storage.ts';
import { artifactKey, encryptedExtension } from './format/layout.ts';
import type { Artifact, Manifest } from './format/manifest.ts';

export interface DumpPlace {
  manifest: Manifest;
  /** One, or the files of a directory dump. */
  artifacts: readonly [Artifact, ...Artifact[]];
  storage: Storage;
  scratch: string;
  /** The stored bytes, failing in the place of the end when they are not the manifest's. */
  open(artifact: Artifact, signal: AbortSignal): Promise<Readable>;
  /** The stage that makes its bytes plain; null where they are. */
  decrypt(artifact: Artifact, signal: AbortSignal): Promise<Transform | null>;
  /** Reads it to its end, unless that has been done, and rejects when its bytes are not the manifest's. */
  ensureWhole(artifact: Artifact, signal: AbortSignal): Promise<void>;
}

type Local = { path: string } & AsyncDisposable;

const readsAtOnce = 4;

/** A dump of a backup as an engine wants to read it. */
export function storedDump(place: DumpPlace): StoredDump {
  const { manifest, artifacts } = place;
  const [first] = artifacts;
  const { rawBytes } = first;
  const format = first.format as DumpFormat;
  const directory = format === 'directory';
  return {
    format,
    // What was imported is still what somebody else wrote.
    trusted: manifest.trigger !== 'import',
    rawBytes: directory ? null : rawBytes,
    open: async (signal) => {
      if (!directory) return openRaw(place, first, signal);
      throw new HoldfastError('UNEXPECTED', 'a directory dump cannot be read as one stream');
    },
    locally: (signal, { only } = { only: null }) =>
      directory ? folderLocally(filesOf(place, only), signal) : fileLocally(place, signal),
  };
}

/** The same place with less in it. */
function filesOf(place: DumpPlace, only: readonly string[] | null): DumpPlace {
  if (only === null) return place;
  const [first, ...rest] = place.artifacts.filter((artifact) => isOneOf(artifact, only));
  return first ? { ...place, artifacts: [first, ...rest] } : place;
}

/** Whether a file of a directory dump is among those named; compression and encryption have put extensions behind its name. */
export function isOneOf({ path }: Pick<Artifact, 'path'>, names: readonly string[]): boolean {
  const name = path.slice(path.indexOf('/') + 1);
  return names.some((each) => name === each || name.startsWith(`${each}.`));
}

/** What was given to the archive, as it was given. */
export async function openRaw(
  place: Pick<DumpPlace, 'open' | 'decrypt'>,
  artifact: Artifact,
  signal: AbortSignal,
): Promise<Readable> {
  // Before anything is opened: it may ask a person.
  const decrypt = await place.decrypt(artifact, signal);
  const stored = await place.open(artifact, signal);
  return through(stored, [decrypt, decompressor(outerCodec(artifact), signal)], signal);
}

/** What the archive has put around what the tool wrote. */
function outerCodec({ path, compression, compressedBy }: Artifact): Codec {
  if (compressedBy !== 'archive' || compression === null) return 'none';
  const known = parseCompression(compression);
  if (known) return known.codec;
  throw new HoldfastError(
    'COMPRESSION_UNKNOWN',
    `${path} is compressed with ${compression}, which this program does not know`,
    {
      hint: 'Upgrade Holdfast.',
    },
  );
}

async function fileLocally(place: DumpPlace, signal: AbortSignal): Promise<Local> {
  const [artifact] = place.artifacts;
  if (outerCodec(artifact) === 'none' && artifact.encryption === null && artifact.object === null) {
    const path = localPathOf(place, artifact.path);
    if (path !== null) {
      await checkAll(place, signal);
      return { path, [Symbol.asyncDispose]: async () => undefined };
    }
  }
  return stage(place.scratch, artifact.rawBytes ?? artifact.bytes, async (folder) => {
    const path = join(folder, 'dump');
    await copy(() => openRaw(place, artifact, signal), path);
    return path;
  });
}

async function folderLocally(place: DumpPlace, signal: AbortSignal): Promise<Local> {
  const name = place.artifacts[0].path.split('/')[0] ?? '';
  const isPlain = place.artifacts.every(({ encryption, object }) => encryption === null && object === null);
  const path = isPlain ? localPathOf(place, name) : null;
  if (path !== null) {
    await checkAll(place, signal);
    return { path, [Symbol.asyncDispose]: async () => undefined };
  }
  const bytes = place.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  return stage(place.scratch, bytes, async (folder) => {
    await inParallel(place.artifacts, readsAtOnce, async (artifact) => {
      const { path: stored, encryption } = artifact;
      const isNamed = encryption !== null && stored.endsWith(encryptedExtension);
      const target = join(folder, isNamed ? stored.slice(0, -encryptedExtension.length) : stored);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      const decrypt = await place.decrypt(artifact, signal);
      await copy(async () => through(await place.open(artifact, signal), [decrypt], signal), target);
    });
    return join(folder, name);
  });
}

function localPathOf({ manifest, storage }: DumpPlace, path: string): string | null {
  return storage.localPath(artifactKey(manifest.source, manifest.id, path));
}

/** A tool is given a path only when all bytes behind it are those of the manifest. */
async function checkAll(place: DumpPlace, signal: AbortSignal): Promise<void> {
  await inParallel(place.artifacts, readsAtOnce, (artifact) => place.ensureWhole(artifact, signal));
}

async function stage(scratch: string, bytes: number, fill: (folder: string) => Promise<string>): Promise<Local> {
  makeScratch(scratch);
  const { bavail, bsize } = await statfs(scratch);
  if (bavail * bsize < bytes) {
    throw new HoldfastError(
      'SCRATCH_FULL',
      `the dump must be laid out in ${scratch}, which needs ${formatBytes(bytes)} and has ${formatBytes(bavail * bsize)} left`,
      { hint: 'Free some space there, point TMPDIR to a larger disk, or restore with one job, which streams.' },
    );
  }
  const folder = await makeScratchFolder(scratch, 'dump-');
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    return { path: await fill(folder), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw toHoldfastError(error);
  }
}

/** Opened last: what is open must be read. */
async function copy(content: () => Promise<Readable>, path: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await pipeline(await content(), fileSink(file));
}
