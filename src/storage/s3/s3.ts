import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { S3 } from '@aws-sdk/client-s3';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { inParallel } from '../../base/parallel.ts';
import { checkFolder, checkKey, checkPrefix, keyProblem } from '../keys.ts';
import { markedStage, removeUnfinishedMarked, unfinishedMarked } from '../marked-stage.ts';
import type { PutOptions, Stage, Storage, StorageContext, StorageSetup, StoredObject } from '../storage.ts';
import { replayedBytes } from '../with-retry.ts';
import { bucketSetup } from './bucket-setup.ts';
import { Connection } from './connection.ts';
import { download } from './download.ts';
import { isMissing, nameOf, statusOf } from './errors.ts';
import { abortUploads, describeObject, listPages, listUploads, statByListing } from './listing.ts';
import { headersOf, type S3Options } from './options.ts';
import { assertOwn } from './own-answers.ts';
import { tokenName, upload } from './upload.ts';
import { assertLockable, deleteBatch, isFirstVersion, isVersioned, lockAll, versionsOf } from './versions.ts';

/** So many keys are asked about one by one; for more, one listing of what they have in common takes fewer requests. */
const askedSingly = 16;
const atOnce = 8;
const deletedAtOnce = 1000;

export function s3Storage(name: string, options: S3Options, context: StorageContext): Storage {
  return new S3Storage(name, options, context);
}

class S3Storage implements Storage {
  readonly name: string;
  readonly title: string;
  readonly place: string;
  readonly capabilities: Storage['capabilities'];
  readonly setup: StorageSetup;
  readonly #options: S3Options;
  readonly #clock: StorageContext['clock'];
  readonly #prefix: string;
  readonly #connection: Connection;
  #versioned: boolean | undefined;

  constructor(name: string, options: S3Options, { clock }: StorageContext) {
    this.name = name;
    this.#options = options;
    this.#clock = clock;
    this.#connection = new Connection(options);
    this.#prefix = this.#connection.prefix;
    this.title = this.#connection.title;
    this.place = `${this.title} at ${options.endpoint?.toLowerCase() ?? 'Amazon'}`;
    this.setup = bucketSetup(this.#connection);
    this.capabilities = {
      atomicRename: false,
      localFolders: false,
      receiverDigest: true,
      sharedObjects: true,
      lock: options.objectLock ?? null,
    };
  }

  async put(key: string, content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    const { signal, size, expected, ifAbsent = false, readBack = false } = options;
    const token = randomUUID();
    try {
      checkKey(key);
      await this.#connection.prepare(signal);
      if (ifAbsent && (await this.stat(key, signal)) !== null) throw taken(key, this.title);
    } catch (error) {
      content.once('error', () => undefined);
      content.destroy();
      throw error;
    }
    const { maxParts, partSize, concurrency } = this.#options;
    const result = await this.#connection.do(
      signal,
      (s3) =>
        upload({
          s3,
          bucket: this.#options.bucket,
          key: this.#prefix + key,
          content,
          plan: { maxParts, partSize, size, expected },
          concurrency,
          headers: headersOf(this.#options),
          token,
          ifAbsent,
          // The signature covers the content as well, and most services compare it; buckets with locks insist on the digest.
          digests: !readBack || this.#options.objectLock !== undefined,
          patience: { ms: this.#options.idleTimeout, mayPass: (error) => this.#connection.mayPass(s3, error, signal) },
          isGivenAgain: size !== undefined && size <= replayedBytes,
          signal,
        }),
      content,
    );
    if (result.taken) throw taken(key, this.title);
    if (ifAbsent) await this.#assertFirst(key, token, result.versionId, signal);
    return { bytes: result.bytes };
  }

  async get(key: string, options: { signal: AbortSignal; start?: number; end?: number }): Promise<Readable> {
    checkKey(key);
    const { signal, start, end } = options;
    return this.#connection.do(signal, async (s3) => {
      try {
        return await download({
          s3,
          bucket: this.#options.bucket,
          key: this.#prefix + key,
          title: this.title,
          start,
          end,
          signal,
          explain: (error) => this.#connection.explain(error, signal),
        });
      } catch (error) {
        if (isMissing(error)) throw notFound(key, this.title);
        throw error;
      }
    });
  }

  async *list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    for await (const page of listPages(this.#connection, { Prefix: this.#prefix + prefix }, signal)) {
      for (const object of page.objects) {
        const found = describeObject(this.#connection, object);
        if (found) yield found;
      }
    }
  }

  async folders(prefix: string, signal: AbortSignal): Promise<string[]> {
    checkPrefix(prefix);
    const full = this.#prefix + prefix;
    const names: string[] = [];
    for await (const page of listPages(this.#connection, { Prefix: full, Delimiter: '/' }, signal)) {
      names.push(...page.prefixes.map((each) => each.slice(full.length, -1)));
    }
    return names.filter((name) => keyProblem(name) === null);
  }

  async stat(key: string, signal: AbortSignal): Promise<StoredObject | null> {
    checkKey(key);
    return this.#connection.do(signal, async (s3) => {
      try {
        const answer = await s3.headObject(
          { Bucket: this.#options.bucket, Key: this.#prefix + key },
          { abortSignal: signal },
        );
        assertOwn(answer);
        this.#connection.seen();
        const { ContentLength, LastModified, ObjectLockRetainUntilDate } = answer;
        return {
          key,
          bytes: ContentLength ?? 0,
          modifiedAt: LastModified ?? new Date(0),
          ...(ObjectLockRetainUntilDate === undefined ? {} : { lockedUntil: ObjectLockRetainUntilDate }),
        };
      } catch (error) {
        if (!isMissing(error)) {
          const explained = await this.#inWords(s3, key, error, signal);
          const isEmptyYet = this.#options.createBucket && nameOf(explained) === 'NoSuchBucket';
          if (!isMissing(explained) && !isEmptyYet) throw explained;
        }
        await this.#connection.assertBucket(s3, signal);
        return null;
      }
    });
  }

  async statMany(keys: readonly string[], signal: AbortSignal): Promise<(StoredObject | null)[]> {
    for (const key of keys) checkKey(key);
    const found = new Map<string, StoredObject | null>();
    const left = keys.length > askedSingly ? await statByListing(this.#connection, keys, found, signal) : keys;
    await inParallel(left, atOnce, async (key) => {
      found.set(key, await this.stat(key, signal));
    });
    return keys.map((key) => found.get(key) ?? null);
  }

  async delete(keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (const key of keys) checkKey(key);
    if (keys.length === 0) return;
    const full = keys.map((key) => this.#prefix + key);
    await this.#connection.do(signal, async (s3) => {
      const place = this.#connection.bucket(s3, signal);
      this.#versioned ??= await isVersioned(place);
      const targets = this.#versioned ? await versionsOf(place, full) : full.map((Key) => ({ Key }));
      for (let from = 0; from < targets.length; from += deletedAtOnce) {
        await deleteBatch(place, targets.slice(from, from + deletedAtOnce), this.#clock.now());
      }
    });
  }

  async removeFolder(prefix: string, signal: AbortSignal): Promise<void> {
    checkFolder(prefix);
    throwIfAborted(signal);
    // There are no folders, only keys.
  }

  async stage(prefix: string, signal: AbortSignal): Promise<Stage> {
    checkFolder(prefix);
    await this.#connection.prepare(signal);
    const { objectLock } = this.#options;
    if (objectLock === undefined) return markedStage(this, prefix, signal);
    await this.#connection.do(signal, (s3) => assertLockable(this.#connection.bucket(s3, signal)));
    return markedStage(this, prefix, signal, {
      beforeCommit: (keys, during) =>
        this.#connection.do(during, (s3) =>
          lockAll(
            this.#connection.bucket(s3, during),
            keys.map((key) => this.#prefix + key),
            objectLock,
            this.#clock.now(),
          ),
        ),
    });
  }

  async unfinished(prefix: string, signal: AbortSignal): Promise<{ prefix: string; touchedAt: Date }[]> {
    checkPrefix(prefix);
    const found = new Map((await unfinishedMarked(this, prefix, signal)).map((each) => [each.prefix, each.touchedAt]));
    for (const { Key, Initiated } of await listUploads(this.#connection, prefix, signal)) {
      const path = Key.slice(this.#prefix.length + prefix.length);
      if (!path.includes('/')) continue;
      const folder = prefix + path.slice(0, path.indexOf('/') + 1);
      const before = found.get(folder);
      if (keyProblem(folder.slice(0, -1)) === null && (before === undefined || before < Initiated)) {
        found.set(folder, Initiated);
      }
    }
    return [...found].map(([folder, touchedAt]) => ({ prefix: folder, touchedAt }));
  }

  async removeUnfinished(prefix: string, signal: AbortSignal): Promise<void> {
    checkFolder(prefix);
    await abortUploads(this.#connection, await listUploads(this.#connection, prefix, signal), signal);
    await removeUnfinishedMarked(this, prefix, signal);
  }

  async clearUploads(prefix: string, begunBefore: Date, signal: AbortSignal): Promise<void> {
    checkFolder(prefix);
    const uploads = await listUploads(this.#connection, prefix, signal);
    const old = uploads.filter(({ Initiated }) => Initiated < begunBefore);
    await abortUploads(this.#connection, old, signal);
  }

  localPath(key: string): null {
    checkKey(key);
    return null;
  }

  async free(signal: AbortSignal): Promise<null> {
    throwIfAborted(signal);
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  /** A HEAD that fails does not say why; the same as a GET does. */
  async #inWords(s3: S3, key: string, error: unknown, signal: AbortSignal): Promise<unknown> {
    if (![400, 403, 404].includes(statusOf(error) ?? 0)) return error;
    const asked = { Bucket: this.#options.bucket, Key: this.#prefix + key, Range: 'bytes=0-0' };
    return s3.getObject(asked, { abortSignal: signal }).then(
      ({ Body }) => {
        if (Body instanceof Readable) Body.destroy();
        return error;
      },
      (explained: unknown) => explained,
    );
  }

  /** Where the service does not honour the condition, the last writer's object lies there, or several versions do. */
  async #assertFirst(key: string, token: string, versionId: string | undefined, signal: AbortSignal): Promise<void> {
    const Key = this.#prefix + key;
    await this.#connection.do(signal, async (s3) => {
      const place = this.#connection.bucket(s3, signal);
      if (versionId !== undefined && versionId !== 'null') {
        if (await isFirstVersion(place, Key, versionId)) return;
        await deleteBatch(place, [{ Key, VersionId: versionId }], this.#clock.now());
        throw taken(key, this.title);
      }
      const { Metadata } = await s3.headObject({ Bucket: place.bucket, Key }, { abortSignal: signal });
      if (Metadata?.[tokenName] !== token) throw taken(key, this.title);
    });
  }
}

function notFound(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_NOT_FOUND', `${key} does not exist in ${title}`);
}

function taken(key: string, title: string): HoldfastError {
  return new HoldfastError('STORAGE_TAKEN', `${key} exists already in ${title}`, { kind: 'busy' });
}
