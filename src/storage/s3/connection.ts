import type { Readable } from 'node:stream';
import type { S3 } from '@aws-sdk/client-s3';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { openClient } from './client.ts';
import { nameOf, s3Error, statusOf, type S3Place } from './errors.ts';
import type { S3Options } from './options.ts';
import type { Bucket } from './versions.ts';

/** One bucket and the client that talks to it, opened by the first call. All that goes wrong leaves it as our own error. */
export class Connection implements AsyncDisposable {
  readonly options: S3Options;
  /** Put before every key; empty, or with `/` at its end. */
  readonly prefix: string;
  readonly title: string;
  #client: Promise<S3> | undefined;
  #ready = false;
  #seen = false;

  constructor(options: S3Options) {
    const { bucket, prefix } = options;
    this.options = options;
    this.prefix = prefix === '' ? '' : `${prefix}/`;
    this.title = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  }

  /** `content` is what the call stores: it is stopped when the call fails, and what it fails with itself stays as it is. */
  async do<T>(signal: AbortSignal, work: (s3: S3) => Promise<T>, content?: Readable): Promise<T> {
    try {
      throwIfAborted(signal);
      this.#client ??= openClient(this.options);
      const s3 = await this.#client.catch((error: unknown) => {
        this.#client = undefined;
        throw error;
      });
      return await work(s3).catch(async (error: unknown) => {
        if (content !== undefined || !(await this.#asksForNewKeys(s3, error, signal))) throw error;
        return work(s3);
      });
    } catch (error) {
      content?.destroy();
      throw isForeign(error, content) ? error : this.explain(error, signal);
    }
  }

  explain(error: unknown, signal: AbortSignal): HoldfastError {
    return s3Error(error, this.#place(), signal);
  }

  /** Whether what was uploaded so far need not have been in vain. Who is silent has been waited for by the client itself. */
  async mayPass(s3: S3, error: unknown, signal: AbortSignal): Promise<boolean> {
    const { code, retryable } = this.explain(error, signal);
    return (retryable && code !== 'STORAGE_TIMEOUT') || this.#asksForNewKeys(s3, error, signal);
  }

  bucket(s3: S3, signal: AbortSignal): Bucket {
    return { s3, bucket: this.options.bucket, signal };
  }

  /** Creates the bucket when that is asked for. */
  async prepare(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#ready || !this.options.createBucket) return;
    await this.create(signal);
    this.#ready = true;
  }

  /** Whether it was missing. */
  async create(signal: AbortSignal): Promise<boolean> {
    return this.do(signal, async (s3) => {
      try {
        await s3.headBucket({ Bucket: this.options.bucket }, { abortSignal: signal });
        return false;
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
        await this.#create(s3, signal);
        return true;
      }
    });
  }

  /** A bucket that is made when something is first put into it is empty until then. */
  isEmptyYet(error: unknown): boolean {
    return this.options.createBucket && error instanceof HoldfastError && error.code === 'STORAGE_BUCKET_MISSING';
  }

  /** The bucket is there: something in it, or the absence of something, was told. */
  seen(): void {
    this.#seen = true;
  }

  /** A HEAD has no words: that the bucket is missing looks the same as that the object is. */
  async assertBucket(s3: S3, signal: AbortSignal): Promise<void> {
    if (this.#seen || this.options.createBucket) return;
    try {
      await s3.headBucket({ Bucket: this.options.bucket }, { abortSignal: signal });
      this.#seen = true;
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      throw Object.assign(new Error('no such bucket', { cause: error }), { name: 'NoSuchBucket' });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    client?.destroy();
    this.#client = undefined;
  }

  /** Somebody may have exchanged those that are refused since they were last asked for; what stands in the configuration stays. */
  async #asksForNewKeys(s3: S3, error: unknown, signal: AbortSignal): Promise<boolean> {
    if (this.options.accessKey !== undefined || signal.aborted) return false;
    if (this.explain(error, signal).code !== 'STORAGE_AUTH') return false;
    return s3.config.credentials({ forceRefresh: true }).then(
      () => true,
      () => false,
    );
  }

  #place(): S3Place {
    const { bucket, endpoint = null, region = null } = this.options;
    return { title: this.title, bucket, endpoint, region };
  }

  async #create(s3: S3, signal: AbortSignal): Promise<void> {
    const { bucket, objectLock, region, endpoint } = this.options;
    const elsewhere = endpoint === undefined && region !== undefined && region !== 'us-east-1';
    const wanted = {
      Bucket: bucket,
      ...(objectLock === undefined ? {} : { ObjectLockEnabledForBucket: true }),
      ...(elsewhere ? { CreateBucketConfiguration: { LocationConstraint: region as 'eu-central-1' } } : {}),
    };
    await s3.createBucket(wanted, { abortSignal: signal }).catch((error: unknown) => {
      // Another one of ours was quicker.
      if (nameOf(error) !== 'BucketAlreadyOwnedByYou') throw error;
    });
  }
}

/** What whoever produces the content failed with is theirs to explain. */
function isForeign(error: unknown, content: Readable | undefined): boolean {
  if (content === undefined || content.errored !== error) return false;
  return (error as { $metadata?: unknown }).$metadata === undefined;
}
