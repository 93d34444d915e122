import { readPemFiles } from '../../shared/pem-files.ts';
import type { Ssl } from '../../shared/server-settings.ts';

/** libpq's modes, with libpq's meaning, for the driver and the tools alike. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export type SslSettings = Ssl<SslMode>;

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
    ...(await readPemFiles(ssl)),
    ...(ssl.mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
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
