import { silentLogger } from '../../src/base/logger.ts';
import { systemClock } from '../../src/base/clock.ts';
import { s3Options } from '../../src/storage/s3/options.ts';
import { s3Storage } from '../../src/storage/s3/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import type { S3Access } from './s3-server.ts';

/** A storage of this kind, as the configuration would make it. */
export function storageAt(
  access: Omit<S3Access, 'configFile'>,
  bucket: string,
  settings: Record<string, unknown> = {},
): Storage {
  const { endpoint, accessKey, secretKey } = access;
  const options = s3Options.parse({ type: 's3', bucket, endpoint, accessKey, secretKey, ...settings });
  return s3Storage('s3', options, { clock: systemClock, logger: silentLogger, scratch: '/nonexistent' });
}
