import { describe, expect, test } from 'vitest';
import { isForEverybody, leastPolicy } from './policy.ts';

interface Statement {
  Action: string[];
  Resource: string[];
  Principal?: unknown;
}
const statements = (
  place: Parameters<typeof leastPolicy>[0],
  options: Partial<Parameters<typeof leastPolicy>[1]> = {},
): Statement[] => leastPolicy(place, { principal: null, versions: false, ...options })['Statement'] as Statement[];
const plain = { bucket: 'backups', prefix: '', objectLock: undefined };

describe('the least rights (N-51)', () => {
  test('are those of the bucket and its objects, and no others', () => {
    expect(statements(plain)).toMatchObject([
      {
        Action: ['s3:ListBucket', 's3:GetBucketLocation', 's3:ListBucketMultipartUploads'],
        Resource: ['arn:aws:s3:::backups'],
      },
      {
        Action: [
          's3:GetObject',
          's3:PutObject',
          's3:DeleteObject',
          's3:AbortMultipartUpload',
          's3:ListMultipartUploadParts',
        ],
        Resource: ['arn:aws:s3:::backups/*'],
      },
    ]);
    expect(statements(plain).some((each) => 'Principal' in each)).toBe(false);
  });

  test('end at the prefix', () => {
    expect(statements({ ...plain, prefix: 'shop/prod' })[1]?.Resource).toEqual(['arn:aws:s3:::backups/shop/prod/*']);
  });

  test('removing old versions for good must be asked for, or follows from object lock', () => {
    const old = ['s3:DeleteObjectVersion', 's3:GetObjectVersion'];
    expect(statements(plain)[1]?.Action.filter((each) => old.includes(each))).toEqual([]);
    expect(statements(plain, { versions: true })[1]?.Action).toEqual(expect.arrayContaining(old));
    const locked = statements({ ...plain, objectLock: { mode: 'compliance', days: 30 } });
    expect(locked[1]?.Action).toEqual(
      expect.arrayContaining([...old, 's3:PutObjectRetention', 's3:GetObjectRetention']),
    );
    expect(locked[0]?.Action).toContain('s3:GetBucketObjectLockConfiguration');
    expect(locked.flatMap((each) => each.Action)).not.toContain('s3:BypassGovernanceRetention');
  });

  test('as a policy of the bucket, they name whom they are for', () => {
    const [first] = statements(plain, { principal: 'arn:aws:iam:::user/holdfast' });
    expect(first?.Principal).toEqual({ AWS: ['arn:aws:iam:::user/holdfast'] });
  });
});

test.each([
  ['everybody', { Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }, true],
  ['everybody, as written by Amazon', [{ Effect: 'Allow', Principal: { AWS: ['*'] } }], true],
  ['one user', [{ Effect: 'Allow', Principal: { AWS: ['arn:aws:iam:::user/x'] } }], false],
  ['nobody', [{ Effect: 'Deny', Principal: '*' }], false],
  ['everybody under a condition', [{ Effect: 'Allow', Principal: '*', Condition: { IpAddress: {} } }], false],
])('a policy for %s', (_name, statement, expected) => {
  expect(isForEverybody(JSON.stringify({ Statement: statement }))).toBe(expected);
});

test('no policy, or one that cannot be read, is not taken for a public one', () => {
  expect([isForEverybody(undefined), isForEverybody('{'), isForEverybody('null')]).toEqual([false, false, false]);
});
