import { HoldfastError } from '../base/errors.ts';
import type { House } from '../house.ts';

export function isS3Address(text: string): boolean {
  return text.startsWith('s3://');
}

/** `s3://bucket/path/of.dump` in a bucket that is configured, fetched for as long as the house is open. */
export async function fetchDump(house: House, address: string, signal: AbortSignal): Promise<string> {
  const { storagePlace } = await import('../archive/foreign/place.ts');
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]+)\/+(.+)$/.exec(address) ?? [];
  for (const storage of house.storages) {
    const options = house.loaded.config.storages[storage.name];
    if (options?.type !== 's3' || options.bucket !== bucket) continue;
    const prefix = options.prefix === '' ? '' : `${options.prefix}/`;
    if (!path.startsWith(prefix)) continue;
    const key = path.slice(prefix.length);
    const found = await storage.stat(key, signal);
    if (!found)
      throw notThere(address, 'there is no such object', 'See what the bucket holds with `holdfast import --from`.');
    const file = { path: key, bytes: found.bytes, modifiedAt: found.modifiedAt };
    return (await storagePlace(storage, '', house.scratch).locally(file, signal)).path;
  }
  throw notThere(
    address,
    'no storage is configured for that place',
    'Configure the bucket as a storage, with a prefix that the address begins with or none.',
  );
}

/** Where the storages of this machine keep what they keep. */
export function localFolders(house: House): string[] {
  return Object.values(house.loaded.config.storages).flatMap((options) =>
    options.type === 'local' ? [options.path] : [],
  );
}

function notThere(address: string, why: string, hint: string): HoldfastError {
  return new HoldfastError('FILE_NOT_FOUND', `${address} cannot be fetched: ${why}`, { kind: 'usage', hint });
}
