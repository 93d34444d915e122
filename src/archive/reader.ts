import type { Readable, Transform } from 'node:stream';
import { toHoldfastError, HoldfastError } from '../base/errors.ts';
import { inParallel } from '../base/parallel.ts';
import type { Report } from '../base/progress.ts';
import type { Saved } from '../apps/app.ts';
import type { StoredDump } from '../engines/engine.ts';
import { digestOf, digestProblem, expectDigest } from '../pipeline/digest.ts';
import { decryptor } from '../pipeline/encrypt.ts';
import { through } from '../pipeline/pipeline.ts';
import type { Storage } from '../storage/storage.ts';
import type { Keys } from './keys/keys.ts';
import { partName } from './format/layout.ts';
import type { Artifact, Manifest } from './format/manifest.ts';
import { openStored } from './open-stored.ts';
import { readManifest } from './format/read-manifest.ts';
import { openRaw, storedDump } from './stored-dump.ts';

export { readManifest } from './format/read-manifest.ts';

/** A backup in a storage, opened for reading. Its manifest is checked; its artifacts are as they are read. */
export interface StoredBackup {
  readonly manifest: Manifest;
  readonly storage: Storage;
  /** Whether what lies in it can be read: it is not encrypted, or something was given that may open it. */
  readonly readable: boolean;
  /** The dump of the database; rejects with `NO_DUMP` when this backup has none. */
  dump(): StoredDump;
  /** Roles and tablespaces, or null when this backup has none. */
  globals(): StoredDump | null;
  /** File trees, or what an application gave, as it wants to read them; null when this backup has none. */
  saved(role: 'files' | 'app'): Saved | null;
  /** Opens the key of what is encrypted, which the first read would do; rejects as `Keys.unlock`. */
  unlock(signal: AbortSignal): Promise<void>;
  /** The plain bytes of an artifact, still compressed where the archive did that. */
  openPlain(artifact: Artifact, signal: AbortSignal): Promise<Readable>;
  /** The stored bytes of an artifact; fails in the place of the end when they are not those of the manifest. */
  open(artifact: Artifact, signal: AbortSignal): Promise<Readable>;
  /** Reads every (wanted) artifact to its end and never stops at the first that is damaged. */
  checkDigests(report: Report, signal: AbortSignal, wanted?: (artifact: Artifact) => boolean): Promise<DigestCheck[]>;
}

export interface DigestCheck {
  artifact: string;
  check: 'checksum';
  ok: boolean;
  detail: string;
}

export interface ArchivePlace {
  storage: Storage;
  source: string;
  id: string;
  keys: Keys;
  /** For dumps a tool must seek in and that do not lie as plain local files. */
  scratch: string;
  signal: AbortSignal;
}

const readsAtOnce = 4;

export async function openArchive({ storage, source, id, keys, scratch, signal }: ArchivePlace): Promise<StoredBackup> {
  const manifest = await readManifest(storage, source, id, signal);
  const isKnown = (scheme: unknown) => scheme === null || scheme === 'age';
  const schemes = [manifest.encryption?.['scheme'] ?? null, ...manifest.artifacts.map(({ encryption }) => encryption)];
  if (!schemes.every(isKnown) || (manifest.encryption !== null && keyFileOf(manifest) === null)) {
    throw new HoldfastError(
      'ENCRYPTION_UNKNOWN',
      `the backup ${source}/${id} is encrypted in a way this program does not know`,
      {
        hint: 'Upgrade Holdfast.',
      },
    );
  }
  return new Archive({ manifest, storage, keys, scratch });
}

function keyFileOf({ encryption }: Manifest): string | null {
  const file = encryption?.['key'];
  return typeof file === 'string' ? file : null;
}

interface Opened {
  manifest: Manifest;
  storage: Storage;
  keys: Keys;
  scratch: string;
}

class Archive implements StoredBackup {
  readonly manifest: Manifest;
  readonly storage: Storage;
  readonly readable: boolean;
  readonly #keys: Keys;
  readonly #scratch: string;
  /** Artifacts found whole since this archive was opened. */
  readonly #whole = new Set<string>();

  constructor({ manifest, storage, keys, scratch }: Opened) {
    this.manifest = manifest;
    this.storage = storage;
    this.readable = keys.canRead || manifest.artifacts.every(({ encryption }) => encryption === null);
    this.#keys = keys;
    this.#scratch = scratch;
  }

  dump(): StoredDump {
    const dump = this.#dumpOf('database');
    if (dump) return dump;
    throw new HoldfastError('NO_DUMP', `the backup ${this.manifest.id} holds no database`, {
      kind: 'usage',
      hint: `Its folders come back with \`holdfast restore files ${this.manifest.id}\`.`,
    });
  }

  globals(): StoredDump | null {
    return this.#dumpOf('globals');
  }

  saved(role: 'files' | 'app'): Saved | null {
    const artifacts = this.manifest.artifacts.filter((artifact) => artifact.role === role);
    const facts = role === 'files' ? this.manifest.files : this.manifest.app;
    if (artifacts.length === 0) return null;
    const byName = new Map(artifacts.map((artifact) => [partName(artifact), artifact]));
    const place = {
      open: (artifact: Artifact, signal: AbortSignal) => this.open(artifact, signal),
      decrypt: (artifact: Artifact, signal: AbortSignal) => this.#decrypt(artifact, signal),
    };
    return {
      facts: facts ?? {},
      parts: [...byName].map(([name, { rawBytes, bytes }]) => ({ name, rawBytes, bytes })),
      open: async (name, signal) => {
        const artifact = byName.get(name);
        if (artifact) return openRaw(place, artifact, signal);
        throw new HoldfastError('ARTIFACT_MISSING', `the backup ${this.manifest.id} has no ${name}`, {
          kind: 'integrity',
          hint: 'Use another backup.',
        });
      },
    };
  }

  async unlock(signal: AbortSignal): Promise<void> {
    const file = keyFileOf(this.manifest);
    if (file === null || this.manifest.artifacts.every(({ encryption }) => encryption === null)) return;
    await this.#keys.unlock(this.storage, this.manifest.source, file, signal);
  }

  async openPlain(artifact: Artifact, signal: AbortSignal): Promise<Readable> {
    const decrypt = await this.#decrypt(artifact, signal);
    return through(await this.open(artifact, signal), [decrypt], signal);
  }

  async open(artifact: Artifact, signal: AbortSignal): Promise<Readable> {
    const check = expectDigest(artifact, artifact.path);
    check.once('end', () => this.#whole.add(artifact.path));
    return through(await this.#get(artifact, signal), [check], signal);
  }

  async checkDigests(
    report: Report,
    signal: AbortSignal,
    wanted: (artifact: Artifact) => boolean = () => true,
  ): Promise<DigestCheck[]> {
    const artifacts = this.manifest.artifacts.filter(wanted);
    const total = artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
    const tell = tellSum((part, bytes) => report({ kind: 'progress', step: 'checksum', part, bytes, total }));
    const checks = new Map<string, DigestCheck>();
    await inParallel(artifacts, readsAtOnce, async (artifact) => {
      const { path } = artifact;
      try {
        await this.#check(artifact, signal, (bytes) => tell(path, bytes));
        checks.set(path, {
          artifact: path,
          check: 'checksum',
          ok: true,
          detail: `sha256 ${artifact.sha256.slice(0, 12)}`,
        });
      } catch (error) {
        checks.set(path, { artifact: path, check: 'checksum', ok: false, detail: damageOf(error) });
      }
    });
    report({ kind: 'progress', step: 'checksum', part: '', bytes: total, total });
    return artifacts.map(({ path }) => checks.get(path)).filter((check) => check !== undefined);
  }

  async #check(artifact: Artifact, signal: AbortSignal, tell: (bytes: number) => void): Promise<void> {
    const actual = await digestOf(await this.#get(artifact, signal), tell);
    const problem = digestProblem(artifact, actual, artifact.path);
    if (problem) throw problem;
    this.#whole.add(artifact.path);
  }

  async #decrypt({ path, encryption }: Artifact, signal: AbortSignal): Promise<Transform | null> {
    if (encryption === null) return null;
    const { source, id } = this.manifest;
    const file = keyFileOf(this.manifest);
    if (file === null) {
      throw new HoldfastError('MANIFEST_DAMAGED', `the manifest of ${source}/${id} names no key for ${path}`, {
        kind: 'integrity',
        hint: 'Use another copy of this backup, or another backup.',
      });
    }
    return decryptor([await this.#keys.unlock(this.storage, source, file, signal)], path);
  }

  async #get(artifact: Artifact, signal: AbortSignal): Promise<Readable> {
    try {
      return await openStored(this.storage, this.manifest, artifact, { signal });
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'ARTIFACT_MISSING') throw error;
      // Where it was looked for is known to whoever opened this backup.
      throw new HoldfastError('ARTIFACT_MISSING', `${artifact.path} is missing`, {
        kind: 'integrity',
        cause: error,
        hint: 'Use another copy or another backup.',
      });
    }
  }

  #dumpOf(role: Artifact['role']): StoredDump | null {
    const { manifest, storage } = this;
    const artifacts = manifest.artifacts.filter((artifact) => artifact.role === role);
    const [first] = artifacts;
    if (!first) return null;
    return storedDump({
      manifest,
      artifacts: [first, ...artifacts.slice(1)],
      storage,
      scratch: this.#scratch,
      open: (artifact, signal) => this.open(artifact, signal),
      decrypt: (artifact, signal) => this.#decrypt(artifact, signal),
      ensureWhole: async (artifact, until) => {
        if (!this.#whole.has(artifact.path)) await this.#check(artifact, until, () => undefined);
      },
    });
  }
}

/** Only damage is a finding; an unreachable storage says nothing about the backup. */
function damageOf(error: unknown): string {
  const known = toHoldfastError(error);
  if (known.kind !== 'integrity') throw known;
  return known.message;
}

/** Adds up what several parts tell, at most ten times a second. */
function tellSum(tell: (part: string, sum: number) => void): (part: string, bytes: number) => void {
  const parts = new Map<string, number>();
  let sum = 0;
  let toldAt = 0;
  return (part, bytes) => {
    sum += bytes - (parts.get(part) ?? 0);
    parts.set(part, bytes);
    const now = performance.now();
    if (now - toldAt < 100) return;
    toldAt = now;
    tell(part, sum);
  };
}
