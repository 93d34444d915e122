import { throwIfAborted } from '../../base/abort.ts';
import type { StorageSetup } from '../storage.ts';
import type { Connection } from './connection.ts';
import { isForEverybody, leastPolicy } from './policy.ts';

/**
 * A new bucket is private at every service. Blocking public access on top is left alone: at Amazon it is on already, and Ceph then refuses
 * what the policy of a bucket allows.
 */
export function bucketSetup(connection: Connection): StorageSetup {
  return {
    create: async (signal) => {
      const created = await connection.create(signal);
      return { created, warnings: await publicWarnings(connection, signal) };
    },
    policy: (options) => leastPolicy(connection.options, options),
  };
}

async function publicWarnings(connection: Connection, signal: AbortSignal): Promise<string[]> {
  const { bucket: Bucket } = connection.options;
  // Not the service's own verdict: Ceph takes every policy for a public one.
  const policy = await ifKnown(signal, () =>
    connection.do(signal, (s3) => s3.getBucketPolicy({ Bucket }, { abortSignal: signal })),
  );
  const acl = await ifKnown(signal, () =>
    connection.do(signal, (s3) => s3.getBucketAcl({ Bucket }, { abortSignal: signal })),
  );
  const everybody = /\/(AllUsers|AuthenticatedUsers)$/;
  const isPublic =
    isForEverybody(policy?.Policy) || acl?.Grants?.some(({ Grantee }) => everybody.test(Grantee?.URI ?? '')) === true;
  return isPublic ? [`the bucket ${Bucket} is open to everybody; take its public grants or its policy away`] : [];
}

/** Services of one's own have a part of this, and whoever may create a bucket need not be allowed to ask about it. */
async function ifKnown<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch {
    throwIfAborted(signal);
    return null;
  }
}
