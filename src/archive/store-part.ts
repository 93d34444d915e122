import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { throwIfAborted } from '../base/abort.ts';
import { inParallel } from '../base/parallel.ts';
import type { Report } from '../base/progress.ts';
import { makeScratchFolder } from '../base/scratch.ts';
import type { AppPart } from '../apps/app.ts';
import type { DumpPart } from '../engines/engine.ts';
import { compressionText } from '../pipeline/codecs.ts';
import { compressor } from '../pipeline/compress.ts';
import { digest } from '../pipeline/digest.ts';
import { encryptor } from '../pipeline/encrypt.ts';
import { meter } from '../pipeline/meter.ts';
import { through } from '../pipeline/pipeline.ts';
import type { Stage } from '../storage/storage.ts';
import { followFolder, type FollowedFolder } from './follow-folder.ts';
import { checkArtifactPath, encryptedExtension } from './format/layout.ts';
import type { Artifact } from './format/manifest.ts';

interface StoreOptions {
  signal: AbortSignal;
  report: Report;
  /** What everything is encrypted to; null: it is not. */
  recipient: string | null;
  /** Of a shared object: what its manifest says of the SHA-256 of its content. */
  contentOf?: (sha256: string) => string;
}

const filesAtOnce = 4;
const readBytes = 1024 * 1024;

/** Meter, compress, encrypt, digest, store; the tool's exit status stands behind the stream's end. */
export async function storeStream(
  stage: Pick<Stage, 'put'>,
  path: string,
  part: Extract<DumpPart, { kind: 'stream' }> | AppPart,
  { signal, report, recipient, contentOf }: StoreOptions,
): Promise<Artifact> {
  const raw = meter((bytes) =>
    report({
      kind: 'progress',
      step: part.role === 'database' || part.role === 'globals' ? 'dump' : part.role,
      part: part.name,
      bytes,
      total: null,
    }),
  );
  const stored = digest();
  const compress = compressor(part.compression, signal);
  const encrypt = recipient === null ? null : await encryptor([recipient]);
  const whole = contentOf ? digest() : null;
  const stages = [raw.stream, whole?.stream ?? null, compress, encrypt, stored.stream];
  await stage.put(path, through(part.open(signal), stages, signal), { signal, readBack: true });
  return {
    path,
    role: part.role,
    format: part.format,
    ...compressionFacts(part),
    encryption: recipient === null ? null : 'age',
    object: null,
    ...(contentOf && whole ? { content: contentOf(whole.result().sha256) } : {}),
    rawBytes: compress ? raw.bytes() : null,
    ...stored.result(),
  };
}

/** The tool writes the folder itself; then every file of it is an artifact. Reading them and syncing them overlap. */
export async function storeFolder(
  stage: Stage,
  name: string,
  part: Extract<DumpPart, { kind: 'folder' }>,
  { signal, report }: Omit<StoreOptions, 'recipient'>,
): Promise<Artifact[]> {
  const folder = await stage.folder(name);
  await using followed = followFolder(folder, (bytes) =>
    report({ kind: 'progress', step: 'dump', part: name, bytes, total: null }),
  );
  await part.write(folder, signal);
  throwIfAborted(signal);
  const [artifacts] = await settleBoth(digestFolder({ folder, name, part, followed }, signal), stage.adopt(name));
  return artifacts;
}

/** The same where the stage has no folder to give, or nothing may lie there readable: through a private folder of ours. */
export async function storeFolderFiles(
  stage: Stage,
  name: string,
  part: Extract<DumpPart, { kind: 'folder' }>,
  options: StoreOptions & { scratch: string },
): Promise<Artifact[]> {
  const { signal, report, scratch, recipient } = options;
  const folder = await makeScratchFolder(scratch, 'part-');
  try {
    await using followed = followFolder(folder, (bytes) =>
      report({ kind: 'progress', step: 'dump', part: name, bytes, total: null }),
    );
    await part.write(folder, signal);
    throwIfAborted(signal);
    await followed[Symbol.asyncDispose]();
    const artifacts: Artifact[] = [];
    await inParallel(await filesIn(folder), filesAtOnce, async (file) => {
      const path = pathIn(name, folder, file) + (recipient === null ? '' : encryptedExtension);
      checkArtifactPath(path);
      const stored = digest();
      const encrypt = recipient === null ? null : await encryptor([recipient]);
      const { size } = await stat(file);
      const content = through(createReadStream(file, { highWaterMark: readBytes }), [encrypt, stored.stream], signal);
      await stage.put(path, content, { signal, readBack: true, ...(encrypt ? { expected: size } : { size }) });
      artifacts.push({
        path,
        role: part.role,
        format: part.format,
        ...compressionFacts(part),
        encryption: encrypt ? 'age' : null,
        object: null,
        rawBytes: null,
        ...stored.result(),
      });
      await rm(file);
    });
    return artifacts.toSorted((left, right) => (left.path < right.path ? -1 : 1));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface FolderOfPart {
  folder: string;
  name: string;
  part: Extract<DumpPart, { kind: 'folder' }>;
  followed: FollowedFolder;
}

async function digestFolder({ folder, name, part, followed }: FolderOfPart, signal: AbortSignal): Promise<Artifact[]> {
  const files = await filesIn(folder);
  const buffers = Array.from({ length: filesAtOnce }, () => Buffer.allocUnsafeSlow(readBytes));
  const artifacts: Artifact[] = [];
  await inParallel(files, filesAtOnce, async (file, worker) => {
    const path = pathIn(name, folder, file);
    checkArtifactPath(path);
    const { role, format } = part;
    const result = await followed.digest(file, buffers[worker] ?? Buffer.alloc(readBytes), signal);
    artifacts.push({
      path,
      role,
      format,
      ...compressionFacts(part),
      encryption: null,
      object: null,
      rawBytes: null,
      ...result,
    });
  });
  return artifacts.toSorted((left, right) => (left.path < right.path ? -1 : 1));
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

function pathIn(name: string, folder: string, file: string): string {
  return `${name}/${relative(folder, file).split(sep).join('/')}`;
}

function compressionFacts(part: DumpPart | AppPart): Pick<Artifact, 'compression' | 'compressedBy'> {
  const outside = part.kind === 'stream' ? compressionText(part.compression) : null;
  if (outside !== null) return { compression: outside, compressedBy: 'archive' };
  const inside = part.compressedByTool && compressionText(part.compressedByTool);
  return { compression: inside, compressedBy: inside === null ? null : 'tool' };
}

/** Waits for both even when one fails: nothing may still use the folder when it is removed. */
async function settleBoth<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const both = Promise.all([first, second]);
  both.catch(() => undefined); // it may reject long before the other has ended; then it is thrown below
  await Promise.allSettled([first, second]);
  return both;
}
