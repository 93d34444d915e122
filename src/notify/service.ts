import { Secret, withoutSecrets } from '../base/secret.ts';
import type { ChannelContext } from './channel.ts';
import type { CommonOptions } from './fields.ts';

const mask = '••••••';

/** The other side of a channel, as far as calls and errors must know it. */
export interface Service {
  /** The channel's name, for errors: the address says too much. */
  readonly title: string;
  readonly timeoutMs: number;
  readonly version: string;
  /** A text without the address, tokens and passwords of this channel. */
  hide(text: string): string;
}

export function serviceOf(
  kind: string,
  options: CommonOptions,
  context: ChannelContext,
  secrets: readonly (string | undefined)[],
): Service {
  const hidden = secrets
    .filter((secret) => secret !== undefined && secret !== '')
    .flatMap((secret) => (secret === undefined ? [] : [secret, ...partsOfAddress(secret)]))
    // The longest first: a part of one would leave the rest of it standing.
    .sort((left, right) => right.length - left.length);
  for (const secret of secrets) if (secret !== undefined && secret.length > 7) void new Secret(secret);
  return {
    title: options.name ?? kind,
    timeoutMs: options.timeout,
    version: context.version,
    hide: (text) => withoutSecrets(hidden.reduce((clean, secret) => clean.replaceAll(secret, mask), text)),
  };
}

/** Where in the address of a webhook its token stands nobody knows, and a service may quote any part of it. */
function partsOfAddress(text: string): string[] {
  if (!/^https?:/i.test(text)) return [];
  const url = URL.parse(text);
  if (url === null) return [];
  const words = [...url.pathname.split('/'), ...[...url.searchParams].map(([, value]) => value)];
  const telling = words.filter((word) => word.length >= 16 || (word.length >= 8 && /[A-Z\d]/.test(word)));
  return [url.href, `${url.pathname}${url.search}`, ...telling].filter((part) => part.length >= 8);
}
