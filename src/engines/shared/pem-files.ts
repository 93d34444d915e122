import { readFile } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';

export interface PemFiles {
  /** A file with the authorities to trust, `system` for those of the machine, or null. */
  ca: string | null;
  cert: string | null;
  key: string | null;
}

/** What is in them, for a driver. */
export async function readPemFiles({ ca, cert, key }: PemFiles): Promise<{ ca?: string; cert?: string; key?: string }> {
  return {
    ...(ca === null || ca === 'system' ? {} : { ca: await readPem(ca) }),
    ...(cert === null ? {} : { cert: await readPem(cert) }),
    ...(key === null ? {} : { key: await readPem(key) }),
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
