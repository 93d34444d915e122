import { describe, expect, test } from 'vitest';
import { interrupted } from '../../base/errors.ts';
import { s3Error } from './errors.ts';

const place = { title: 's3://b/p', bucket: 'b', endpoint: 'https://s3.example.com', region: 'eu-central-1' };

function failure(name: string, status?: number, more: object = {}): Error {
  return Object.assign(new Error('UnknownError'), {
    name,
    ...(status === undefined ? {} : { $metadata: { httpStatusCode: status } }),
    ...more,
  });
}

describe('S9 an error says which of endpoint, region, credentials, bucket, rights and clock is wrong', () => {
  test.each([
    ['SignatureDoesNotMatch', 403, 'STORAGE_AUTH', 'secretKey'],
    ['InvalidAccessKeyId', 403, 'STORAGE_AUTH', 'accessKey'],
    ['UserSuspended', 403, 'STORAGE_AUTH', 'accessKey'],
    ['ExpiredToken', 400, 'STORAGE_AUTH', 'sessionToken'],
    ['CredentialsProviderError', undefined, 'STORAGE_AUTH', 'accessKey'],
    ['AccessDenied', 403, 'STORAGE_DENIED', 'rights'],
    ['Forbidden', 403, 'STORAGE_DENIED', 'rights'],
    ['InvalidObjectState', 403, 'STORAGE_ARCHIVED', 'archive class'],
    ['NoSuchBucket', 404, 'STORAGE_BUCKET_MISSING', 'createBucket'],
    ['PermanentRedirect', 301, 'STORAGE_REGION', 'region'],
    ['AuthorizationHeaderMalformed', 400, 'STORAGE_REGION', 'region'],
    ['RequestTimeTooSkewed', 403, 'STORAGE_CLOCK', 'clock'],
    ['QuotaExceeded', 403, 'STORAGE_FULL', 'quota'],
    ['SlowDown', 503, 'STORAGE_BUSY', 'concurrency'],
    ['TimeoutError', undefined, 'STORAGE_TIMEOUT', 'idleTimeout'],
    ['BadDigest', 400, 'STORAGE_FAULT', 'network'],
    ['InternalError', 500, 'STORAGE_FAULT', 'again'],
    ['ObjectLockConfigurationNotFoundError', 404, 'STORAGE_LOCK_MISSING', 'objectLock'],
  ])('%s (%s) is %s', (name, status, code, named) => {
    const error = s3Error(failure(name, status), place);
    expect(error).toMatchObject({ code, hint: expect.stringContaining(named) });
    expect(error.message).not.toMatch(/^[A-Z]|\.$|UnknownError/);
  });

  test.each([
    ['ECONNREFUSED', 'STORAGE_UNREACHABLE'],
    ['ENOTFOUND', 'STORAGE_UNREACHABLE'],
    ['ECONNRESET', 'STORAGE_UNREACHABLE'],
    ['ETIMEDOUT', 'STORAGE_TIMEOUT'],
    ['EPROTO', 'STORAGE_UNREACHABLE'],
  ])('%s is %s', (code, ours) => {
    const error = s3Error(Object.assign(new Error('failed'), { code }), place);
    expect(error).toMatchObject({ code: ours, message: expect.stringContaining('https://s3.example.com') });
  });

  test('a certificate that is not trusted is no passing trouble', () => {
    const error = s3Error(
      Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      place,
    );
    expect(error).toMatchObject({
      code: 'STORAGE_UNREACHABLE',
      retryable: false,
      hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
  });

  test('the right region is named where the service tells it', () => {
    expect(s3Error(failure('AuthorizationHeaderMalformed', 400, { Region: 'eu-west-1' }), place).hint).toContain(
      'eu-west-1',
    );
  });
});

test('what may pass by itself can be tried again, what is set wrong cannot', () => {
  const retryable = (name: string, status: number) => s3Error(failure(name, status), place).retryable;
  expect(['SlowDown', 'ServiceUnavailable', 'InternalError'].map((name) => retryable(name, 503))).toEqual([
    true,
    true,
    true,
  ]);
  expect(['AccessDenied', 'NoSuchBucket', 'InvalidRequest'].map((name) => retryable(name, 403))).toEqual([
    false,
    false,
    false,
  ]);
});

test('a signal is told in its own words', () => {
  const signal = AbortSignal.abort(interrupted());
  expect(s3Error(failure('AbortError'), place, signal)).toMatchObject({ code: 'INTERRUPTED' });
});
