import type { S3Options } from './options.ts';

type Place = Pick<S3Options, 'bucket' | 'prefix' | 'objectLock'>;

/**
 * What backups, lists, pruning and restores do, and nothing else. The right to list is for the whole bucket: with a condition on the
 * prefix, asking for an object that does not exist is refused instead of answered.
 */
export function leastPolicy(
  { bucket, prefix, objectLock }: Place,
  { principal, versions }: { principal: string | null; versions: boolean },
): Record<string, unknown> {
  const locks = objectLock !== undefined;
  const old = versions || locks;
  const who = principal === null ? {} : { Principal: { AWS: [principal] } };
  const inBucket = [
    's3:ListBucket',
    's3:GetBucketLocation',
    's3:ListBucketMultipartUploads',
    ...(old ? ['s3:GetBucketVersioning', 's3:ListBucketVersions'] : []),
    ...(locks ? ['s3:GetBucketObjectLockConfiguration'] : []),
  ];
  const onObjects = [
    's3:GetObject',
    's3:PutObject',
    's3:DeleteObject',
    's3:AbortMultipartUpload',
    's3:ListMultipartUploadParts',
    ...(old ? ['s3:GetObjectVersion', 's3:DeleteObjectVersion'] : []),
    ...(locks ? ['s3:PutObjectRetention', 's3:GetObjectRetention'] : []),
  ];
  const arn = `arn:aws:s3:::${bucket}`;
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'HoldfastBucket', Effect: 'Allow', ...who, Action: inBucket, Resource: [arn] },
      {
        Sid: 'HoldfastObjects',
        Effect: 'Allow',
        ...who,
        Action: onObjects,
        Resource: [`${arn}/${prefix === '' ? '' : `${prefix}/`}*`],
      },
    ],
  };
}

/** Whether a policy of a bucket lets everybody in, without a condition. */
export function isForEverybody(policy: string | undefined): boolean {
  if (policy === undefined) return false;
  try {
    const { Statement } = JSON.parse(policy) as { Statement?: unknown };
    return [Statement].flat().some((each) => {
      const { Effect, Principal, Condition } = (each ?? {}) as Record<string, unknown>;
      const { AWS = Principal } = (typeof Principal === 'object' && Principal !== null ? Principal : {}) as {
        AWS?: unknown;
      };
      return Effect === 'Allow' && Condition === undefined && [AWS].flat().includes('*');
    });
  } catch {
    return false;
  }
}
