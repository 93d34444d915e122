import { createHash, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { isLoopbackName, nameOf } from './known-host.ts';

export interface Asker {
  authorization: string | undefined;
  host: string | undefined;
  /** Undefined for a socket in the file system, whose rights decide who reaches it. */
  remoteAddress: string | undefined;
  /** A proxy says that it asks for somebody else. */
  forwarded: boolean;
}

/**
 * With a token, whoever shows it. Without one, this machine only: never what a proxy passes on, and since not every proxy
 * says that it is one, nobody as long as `publicUrl` says that one stands before us. Throws for everybody else.
 */
export function assertMayReadMetrics(
  asker: Asker,
  { metricsToken, publicUrl }: { metricsToken: string | null; publicUrl: string | null },
): void {
  if (metricsToken !== null) {
    const shown = /^Bearer ([\x21-\x7E]{1,1000})$/i.exec(asker.authorization ?? '')?.[1];
    if (shown !== undefined && isSame(shown, metricsToken)) return;
    throw new HoldfastError('TOKEN_WRONG', 'this needs a bearer token, and the one shown is missing or wrong', {
      kind: 'refused',
      hint: 'Send the value of `server.metricsToken` as `Authorization: Bearer ...`.',
    });
  }
  if (publicUrl === null && isFromHere(asker)) return;
  throw new HoldfastError('METRICS_LOCAL_ONLY', 'without a token, metrics are told to this machine only', {
    kind: 'refused',
    hint: 'Set `server.metricsToken` (or HOLDFAST_METRICS_TOKEN) and show it as a bearer token.',
  });
}

function isFromHere({ remoteAddress, host, forwarded }: Asker): boolean {
  const from = remoteAddress?.replace(/^::ffff:/i, '');
  const asked = nameOf(host);
  return !forwarded && asked !== null && isLoopbackName(asked) && (from === undefined || isLoopbackName(from));
}

/** Digests have one length, so the comparison tells nothing, not even that of the token. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
