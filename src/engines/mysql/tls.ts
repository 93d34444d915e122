import { readFile } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';
import type { ToolFlavour } from './tool-version.ts';

export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface SslSettings {
  mode: SslMode;
  /** A file with the authorities to trust, `system` for those of the machine, or null. */
  ca: string | null;
  cert: string | null;
  key: string | null;
}

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
    ...(ssl.ca === null || ssl.ca === 'system' ? {} : { ca: await readPem(ssl.ca) }),
    ...(ssl.cert === null ? {} : { cert: await readPem(ssl.cert) }),
    ...(ssl.key === null ? {} : { key: await readPem(ssl.key) }),
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
