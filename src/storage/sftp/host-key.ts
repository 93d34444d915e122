import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { unusableFile } from './errors.ts';

export interface TrustedKeys {
  /** Why a key is not the server's, or null when it is. */
  problem(key: Buffer): string | null;
  /** The kinds of key that are known; null when any may be shown. */
  kinds: readonly string[] | null;
}

/** What `hostKey` allows: one fingerprint, or what a known_hosts file says of this host. */
export async function trustedKeys(hostKey: string, host: string, port: number): Promise<TrustedKeys> {
  if (hostKey.startsWith('SHA256:')) {
    const wanted = hostKey.replace(/=+$/, '');
    return {
      kinds: null,
      problem: (key) => (fingerprint(key) === wanted ? null : `but ${wanted} is what hostKey says`),
    };
  }
  const text = await readFile(hostKey, 'utf8').catch((error: unknown) => {
    throw unusableFile(hostKey, 'known_hosts file', error);
  });
  return fromKnownHosts(text, host, port);
}

export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** As ssh reads such a file: hashed names, `[host]:port`, patterns and revoked keys included. Authorities are not looked at. */
export function fromKnownHosts(text: string, host: string, port: number): TrustedKeys {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
  const known: { kind: string; key: Buffer }[] = [];
  const revoked: Buffer[] = [];
  for (const line of text.split(/\r?\n/)) {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
    const [hosts, kind, key] = words;
    if (hosts === undefined || hosts.startsWith('#') || kind === undefined || key === undefined) continue;
    if (!names(hosts, name)) continue;
    if (marker === '@revoked') revoked.push(Buffer.from(key, 'base64'));
    else if (marker === undefined) known.push({ kind, key: Buffer.from(key, 'base64') });
  }
  return {
    kinds: [...new Set(known.map(({ kind }) => kind))],
    problem: (shown) => {
      if (revoked.some((key) => key.equals(shown))) return 'which is revoked in the known_hosts file';
      if (known.some(({ key }) => key.equals(shown))) return null;
      return known.length === 0
        ? `but the known_hosts file does not know ${name}`
        : `but the known_hosts file has another one for ${name}`;
    },
  };
}

function names(hosts: string, name: string): boolean {
  if (hosts.startsWith('|1|')) {
    const [salt, hash] = hosts.slice(3).split('|');
    const wanted = Buffer.from(hash ?? '', 'base64');
    const found = createHmac('sha1', Buffer.from(salt ?? '', 'base64'))
      .update(name)
      .digest();
    return wanted.length === found.length && timingSafeEqual(wanted, found);
  }
  let named = false;
  for (const pattern of hosts.toLowerCase().split(',')) {
    if (!matches(pattern.replace(/^!/, ''), name)) continue;
    if (pattern.startsWith('!')) return false;
    named = true;
  }
  return named;
}

function matches(pattern: string, name: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name);
}
