import { readFile } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';

/** libpq's modes, with libpq's meaning, for the driver and the tools alike. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface SslSettings {
  mode: SslMode;
  /** A file with the authorities to trust, `system` for those of the machine, or null. */
  ca: string | null;
  cert: string | null;
  key: string | null;
}

export interface TlsOptions {
  rejectUnauthorized: boolean;
  ca?: string;
  cert?: string;
  key?: string;
  checkServerIdentity?: () => undefined;
}

/** The transports to try, in libpq's order. Through a unix socket there is only one. */
export async function tlsAttempts(address: { host: string; ssl: SslSettings }): Promise<(TlsOptions | false)[]> {
  const { mode } = address.ssl;
  if (address.host.startsWith('/') || mode === 'disable') return [false];
  const tls = await tlsOptions(address.ssl);
  if (mode === 'allow') return [false, tls];
  return mode === 'prefer' ? [tls, false] : [tls];
}

async function tlsOptions(ssl: SslSettings): Promise<TlsOptions> {
  const verify = ssl.mode === 'verify-full' || ssl.mode === 'verify-ca' || (ssl.mode === 'require' && ssl.ca !== null);
  return {
    rejectUnauthorized: verify,
    ...(ssl.ca === null || ssl.ca === 'system' ? {} : { ca: await readPem(ssl.ca) }),
    ...(ssl.cert === null ? {} : { cert: await readPem(ssl.cert) }),
    ...(ssl.key === null ? {} : { key: await readPem(ssl.key) }),
    ...(ssl.mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new HoldfastError('DATABASE_TLS_FILE', `the file ${path} for TLS to the database could not be read`, {
      kind: 'usage',
      cause: error,
      hint: 'Correct the path under ssl, or give the user that runs holdfast the right to read it.',
    });
  }
}

/** The same settings for libpq. */
export function tlsEnvironment(ssl: SslSettings): Record<string, string> {
  return {
    PGSSLMODE: ssl.mode,
    ...(ssl.ca === null ? {} : { PGSSLROOTCERT: ssl.ca }),
    ...(ssl.cert === null ? {} : { PGSSLCERT: ssl.cert }),
    ...(ssl.key === null ? {} : { PGSSLKEY: ssl.key }),
  };
}
