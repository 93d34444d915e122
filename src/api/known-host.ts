import { isIP } from 'node:net';
import type { ListenAddress } from './listen.ts';

/**
 * A page of a stranger can make its own name point to this machine and then read, in a browser here, what only this machine
 * may see (DNS rebinding). Its requests carry its name, so a server on loopback answers to names of this machine only;
 * numbers cannot be made to point elsewhere. Sockets in the file system are out of a browser's reach.
 */
export function isKnownHost(
  header: string | undefined,
  { listen, publicUrl }: { listen: ListenAddress; publicUrl: string | null },
): boolean {
  if ('path' in listen || !isLoopbackName(listen.host)) return true;
  const name = nameOf(header);
  if (name === null) return false;
  return isIP(name) !== 0 || isLoopbackName(name) || (publicUrl !== null && name === nameOf(new URL(publicUrl).host));
}

/** `localhost`, what lies below it, and the numbers that mean it. */
export function isLoopbackName(name: string): boolean {
  const plain = name.toLowerCase();
  return (
    plain === 'localhost' ||
    plain.endsWith('.localhost') ||
    plain === '::1' ||
    (isIP(plain) === 4 && plain.startsWith('127.'))
  );
}

/** The name in a Host header without its port and without the brackets of an IPv6 address; null when it is none. */
export function nameOf(header: string | undefined): string | null {
  const found = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::\d{1,5})?$/i.exec(header ?? '');
  const name = found?.[1] ?? found?.[2];
  // `localhost.` is the same name.
  return name === undefined ? null : name.toLowerCase().replace(/\.$/, '');
}
