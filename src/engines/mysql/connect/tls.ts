import { readPemFiles } from '../../shared/pem-files.ts';
import type { Ssl } from '../../shared/server-settings.ts';
import type { ToolFlavour } from './tool-version.ts';

export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export type SslSettings = Ssl<SslMode>;

export interface TlsOptions {
  rejectUnauthorized: boolean;
  verifyIdentity: boolean;
  ca?: string;
  cert?: string;
  key?: string;
}

/** The transports to try. A unix socket needs none. */
export async function tlsAttempts(address: {
  socket: string | null;
  ssl: SslSettings;
}): Promise<(TlsOptions | false)[]> {
  const { mode } = address.ssl;
  if (address.socket !== null || mode === 'disable') return [false];
  const tls = await tlsOptions(address.ssl);
  return mode === 'prefer' ? [tls, false] : [tls];
}

async function tlsOptions(ssl: SslSettings): Promise<TlsOptions> {
  return {
    rejectUnauthorized: ssl.mode.startsWith('verify'),
    verifyIdentity: ssl.mode === 'verify-full',
    ...(await readPemFiles(ssl)),
  };
}

/** The same for the tools' option file. `encrypted` is what the driver's own connection came to: tools have no `prefer` they agree on. */
export function tlsToolOptions(ssl: SslSettings, encrypted: boolean, flavour: ToolFlavour): Record<string, string> {
  const files = {
    ...(ssl.ca === null || ssl.ca === 'system' ? {} : { 'ssl-ca': ssl.ca }),
    ...(ssl.cert === null ? {} : { 'ssl-cert': ssl.cert }),
    ...(ssl.key === null ? {} : { 'ssl-key': ssl.key }),
  };
  if (flavour === 'mysql') {
    if (!encrypted) return { 'ssl-mode': 'DISABLED' };
    const modes = { 'verify-ca': 'VERIFY_CA', 'verify-full': 'VERIFY_IDENTITY' } as const;
    const mode = ssl.mode === 'verify-ca' || ssl.mode === 'verify-full' ? modes[ssl.mode] : 'REQUIRED';
    return { 'ssl-mode': mode, ...files };
  }
  if (!encrypted) return { ssl: '0' };
  // MariaDB's clients check the chain of a certificate whenever they have an authority for it; the name only with this option.
  return { ssl: '1', 'ssl-verify-server-cert': ssl.mode === 'verify-full' ? '1' : '0', ...files };
}
