import { readFile } from 'node:fs/promises';
import type { S3 } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../base/errors.ts';
import type { S3Options } from './options.ts';

const connectMs = 10_000;
const attempts = 5;
const sdkAsksBeforeMs = 300_000;
const rereadMs = 60_000;
const ignore = () => undefined;
/** Without one, the SDK now and then writes to the terminal itself. */
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Loads the SDK only when a storage is really used: it would take a third of the program's start. */
export async function openClient(options: S3Options): Promise<S3> {
  const sdk = await import('@aws-sdk/client-s3');
  const credentials = await credentialsOf(options);
  return new sdk.S3({
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...regionOf(options),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(credentials === null ? {} : { credentials }),
    forcePathStyle: usesPathStyle(options),
    // A bucket of Amazon that is elsewhere is found without asking anybody.
    followRegionRedirects: options.endpoint === undefined,
    // Checksums in trailers, the SDK's own default, are not understood by older and partial services; Content-MD5 is by all.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: attempts,
    logger: silent,
    // Only `socketTimeout` ends a request that hangs as well as a body that stalls.
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: options.idleTimeout,
      httpAgent: { keepAlive: true, maxSockets: options.concurrency + 16 },
      httpsAgent: { keepAlive: true, maxSockets: options.concurrency + 16 },
    },
  });
}

/** Names in front of the host need DNS for each bucket, which services of one's own rarely have. */
export function usesPathStyle({ pathStyle, endpoint }: Pick<S3Options, 'pathStyle' | 'endpoint'>): boolean {
  if (pathStyle !== 'auto') return pathStyle;
  return endpoint !== undefined && !/(^|\.)amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}

/** Services of one's own mostly take any region, and the SDK insists on one. */
function regionOf({ region, endpoint }: S3Options): { region?: string } {
  if (region !== undefined) return { region };
  const inAddress = /(?:^|\.)s3[.-]([a-z0-9-]+)\.amazonaws\.com/.exec(endpoint ?? '')?.[1];
  if (inAddress !== undefined) return { region: inAddress };
  return endpoint === undefined ? {} : { region: 'us-east-1' };
}

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

type Given = Credentials | (() => Promise<Credentials & { expiration: Date }>);

async function credentialsOf(options: S3Options): Promise<Given | null> {
  const { accessKey, secretKey, sessionToken, credentialsFile, profile } = options;
  if (accessKey !== undefined && secretKey !== undefined) {
    return {
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    };
  }
  if (accessKey !== undefined || secretKey !== undefined) {
    throw authMissing(`only ${accessKey === undefined ? 'secretKey' : 'accessKey'} of the two keys is set`);
  }
  if (credentialsFile === undefined) return null;
  return rereading(() => readKeys(credentialsFile, profile ?? 'default'));
}

/**
 * Keys that somebody else renews: a daemon runs longer than they are valid. The SDK asks again five minutes before what it was given ends. A file
 * that is just being written changes nothing.
 */
async function rereading(read: () => Promise<Credentials>): Promise<() => Promise<Credentials & { expiration: Date }>> {
  let known = await read();
  return async () => {
    known = await read().catch(() => known);
    return { ...known, expiration: new Date(Date.now() + sdkAsksBeforeMs + rereadMs) };
  };
}

async function readKeys(credentialsFile: string, profile: string): Promise<Credentials> {
  const text = await readFile(credentialsFile, 'utf8').catch((error: unknown) => {
    throw authMissing(`the file ${credentialsFile} cannot be read`, error);
  });
  const found = credentialsIn(text, profile);
  if (found === null) throw authMissing(`${credentialsFile} has no keys for the profile ${profile}`);
  return found;
}

/** The keys of one profile of a credentials file as the tools of Amazon write it. */
export function credentialsIn(text: string, profile: string): Credentials | null {
  const values = new Map<string, string>();
  let inside = false;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    const section = /^\[(?:profile\s+)?([^\]]+)\]$/.exec(line);
    if (section) inside = section[1]?.trim() === profile;
    const pair = /^([a-z_]+)\s*=\s*(.+)$/i.exec(line);
    if (inside && pair) values.set((pair[1] ?? '').toLowerCase(), pair[2] ?? '');
  }
  const accessKeyId = values.get('aws_access_key_id');
  const secretAccessKey = values.get('aws_secret_access_key');
  const sessionToken = values.get('aws_session_token');
  if (accessKeyId === undefined || secretAccessKey === undefined) return null;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function authMissing(what: string, cause?: unknown): HoldfastError {
  return new HoldfastError('STORAGE_AUTH', `no credentials: ${what}`, {
    cause,
    hint: 'Set both `accessKey` and `secretKey` of the storage, or name a file and a profile that have them.',
  });
}
