import type { S3 } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../base/errors.ts';
import { inParallel } from '../../base/parallel.ts';
import { nameOf, statusOf } from './errors.ts';
import { goesOn } from './goes-on.ts';
import type { S3Options } from './options.ts';
import { asListing } from './own-answers.ts';

export interface Bucket {
  s3: S3;
  bucket: string;
  signal: AbortSignal;
}

export interface Target {
  Key: string;
  VersionId?: string;
}

/** So few keys are asked about one by one; more are found in a listing of what they have in common. */
const singly = 16;
const atOnce = 8;
const dayMs = 86_400_000;

/** Whether a delete without a version would only hide the object. Whoever may not ask is taken to have a plain bucket. */
export async function isVersioned({ s3, bucket, signal }: Bucket): Promise<boolean> {
  try {
    const { Status } = await s3.getBucketVersioning({ Bucket: bucket }, { abortSignal: signal });
    return Status !== undefined;
  } catch (error) {
    if ([400, 403, 404, 405, 501].includes(statusOf(error) ?? 0) && nameOf(error) !== 'NoSuchBucket') return false;
    throw error;
  }
}

/** All versions and delete markers of some keys. */
export async function versionsOf(place: Bucket, keys: readonly string[]): Promise<Target[]> {
  const wanted = new Set(keys);
  const prefixes = keys.length <= singly ? keys : [commonFolder(keys)];
  const found: Target[] = [];
  await inParallel(prefixes, atOnce, async (prefix) => {
    for await (const each of listVersions(place, prefix)) if (wanted.has(each.Key)) found.push(each);
  });
  return found;
}

async function* listVersions({ s3, bucket, signal }: Bucket, prefix: string): AsyncGenerator<Target> {
  let position: { KeyMarker?: string | undefined; VersionIdMarker?: string } = {};
  for (;;) {
    const wanted = { Bucket: bucket, Prefix: prefix, ...position };
    const page = asListing(await s3.listObjectVersions(wanted, { abortSignal: signal }));
    for (const { Key, VersionId } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]) {
      if (Key !== undefined) yield VersionId === undefined ? { Key } : { Key, VersionId };
    }
    const { NextKeyMarker: key, NextVersionIdMarker: version } = page;
    if (!goesOn(page.IsTruncated, [key, version], [position.KeyMarker, position.VersionIdMarker], bucket)) return;
    position = { KeyMarker: key, ...(version === undefined ? {} : { VersionIdMarker: version }) };
  }
}

/**
 * Of several writers that a versioned bucket let in at once, the first one: none since the key was last deleted is older. What a delete
 * marker hides may be there for ever, and is in nobody's way.
 */
export async function isFirstVersion({ s3, bucket, signal }: Bucket, key: string, versionId: string): Promise<boolean> {
  const page = asListing(await s3.listObjectVersions({ Bucket: bucket, Prefix: key }, { abortSignal: signal }));
  const timeOf = ({ LastModified }: { LastModified?: Date | undefined }) => LastModified?.getTime() ?? 0;
  // Newest first.
  const versions = (page.Versions ?? []).filter(({ Key }) => Key === key);
  const at = versions.findIndex(({ VersionId }) => VersionId === versionId);
  const own = versions[at];
  if (!own) return false;
  const deletions = (page.DeleteMarkers ?? []).filter(({ Key }) => Key === key).map(timeOf);
  const deletedAt = Math.max(-1, ...deletions.filter((time) => time <= timeOf(own)));
  return versions.slice(at + 1).every((older) => timeOf(older) <= deletedAt);
}

async function lockedUntil({ s3, bucket, signal }: Bucket, target: Target): Promise<Date | null> {
  try {
    const { ObjectLockRetainUntilDate } = await s3.headObject({ Bucket: bucket, ...target }, { abortSignal: signal });
    return ObjectLockRetainUntilDate ?? null;
  } catch {
    return null;
  }
}

/** At most a thousand. What is gone already is fine; what is locked is told with its time. */
export async function deleteBatch(place: Bucket, targets: Target[], now: Date): Promise<void> {
  const wanted = { Bucket: place.bucket, Delete: { Objects: targets, Quiet: true } };
  try {
    const { Errors = [] } = await place.s3.deleteObjects(wanted, { abortSignal: place.signal });
    for (const { Key = '', VersionId, Code = '', Message } of Errors) {
      const target = VersionId === undefined ? { Key } : { Key, VersionId };
      await judge(place, target, Object.assign(new Error(Message ?? Code), { name: Code }), now);
    }
  } catch (error) {
    // Ceph asks for the right on the bucket, where Amazon and everybody else ask for it on each object. Some services insist on the digest
    // that the SDK does not send any more, and some do not know this request at all.
    if (![400, 403, 405, 501].includes(statusOf(error) ?? 0)) throw error;
    await inParallel(targets, atOnce, async (target) => {
      try {
        await place.s3.deleteObject({ Bucket: place.bucket, ...target }, { abortSignal: place.signal });
      } catch (single) {
        await judge(place, target, single, now);
      }
    });
  }
}

async function judge(place: Bucket, target: Target, error: unknown, now: Date): Promise<void> {
  const code = nameOf(error);
  if (code === 'NoSuchKey' || code === 'NoSuchVersion') return;
  const until = code === 'AccessDenied' ? await lockedUntil(place, target) : null;
  if (until !== null && until > now) throw locked(target.Key, until);
  throw error;
}

function locked(key: string, until: Date): HoldfastError {
  return new HoldfastError('STORAGE_LOCKED', `${key} is locked until ${until.toISOString()}`, {
    kind: 'refused',
    hint: 'Object lock keeps it from being removed; it goes with a later pruning.',
    details: { until: until.toISOString() },
  });
}

/**
 * Locks what lies under the keys, and reads back that it is. Some services drop the lock that is asked for at the beginning of a
 * multipart upload without a word, so it is set afterwards, on the version.
 */
export async function lockAll(
  place: Bucket,
  keys: readonly string[],
  lock: NonNullable<S3Options['objectLock']>,
  now: Date,
): Promise<void> {
  const { s3, bucket, signal } = place;
  const until = new Date(Math.floor((now.getTime() + lock.days * dayMs) / 1000) * 1000);
  const Mode = lock.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE';
  await inParallel(keys, atOnce, async (key) => {
    const { VersionId } = await s3.headObject({ Bucket: bucket, Key: key }, { abortSignal: signal });
    const target = { Bucket: bucket, Key: key, VersionId };
    await s3.putObjectRetention({ ...target, Retention: { Mode, RetainUntilDate: until } }, { abortSignal: signal });
    const { Retention } = await s3.getObjectRetention(target, { abortSignal: signal });
    const real = Retention?.RetainUntilDate?.getTime() ?? 0;
    if (Retention?.Mode === Mode && real >= until.getTime() - 1000) return;
    throw new HoldfastError('STORAGE_LOCK_MISSING', `the service did not lock ${key}, although it said so`, {
      hint: 'Leave `objectLock` out, or use a service that has it.',
    });
  });
}

export async function assertLockable({ s3, bucket, signal }: Bucket): Promise<void> {
  const { ObjectLockConfiguration } = await s3.getObjectLockConfiguration({ Bucket: bucket }, { abortSignal: signal });
  if (ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled') return;
  throw Object.assign(new Error('object lock is not enabled'), { name: 'ObjectLockConfigurationNotFoundError' });
}

/** The longest prefix, up to a `/`, that all keys begin with. */
export function commonFolder(keys: readonly string[]): string {
  let common = keys[0] ?? '';
  for (const key of keys) {
    let same = 0;
    while (same < common.length && common[same] === key[same]) same += 1;
    common = common.slice(0, same);
  }
  return common.slice(0, common.lastIndexOf('/') + 1);
}
