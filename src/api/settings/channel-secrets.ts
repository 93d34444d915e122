import { HoldfastError } from '../../base/errors.ts';
import { formatPath, leavesOf, valueAt, type Path } from '../../config/path.ts';
import { isSecretPath } from '../../config/secrets.ts';

const channels = ['alerts', 'channels'];

/** Where a channel delivers to, and how well it makes sure of that. */
const places: readonly Path[] = [
  ['type'],
  ...['url', 'server', 'start', 'success', 'fail'].map((name) => [name]),
  ...['host', 'port', 'tls', 'ca'].map((name) => ['smtp', name]),
];

/**
 * A secret that is not given in full goes only where it went before: with another address, the next message would carry it to whoever is there. It
 * is looked for by its text, so that neither the place in the list nor the name matters.
 */
export function assertSecretsStay(before: unknown, after: unknown, given: ReadonlySet<string>): void {
  const known = secretsOf(before);
  for (const { secret, place, path } of secretsOf(after)) {
    const kept = known.filter((each) => each.secret === secret);
    if (kept.length === 0 || given.has(secret) || kept.some((each) => each.place === place)) continue;
    throw new HoldfastError('SECRET_NEEDED', `${formatPath(path)} was given for another address; give it in full`, {
      kind: 'usage',
      hint: 'A secret that is not given anew goes only where it went before.',
    });
  }
}

interface KeptSecret {
  secret: string;
  place: string;
  path: Path;
}

function secretsOf(tree: unknown): KeptSecret[] {
  const list = valueAt(tree, channels);
  if (!Array.isArray(list)) return [];
  return list.flatMap((channel: unknown, index) => {
    const place = JSON.stringify(places.map((each) => valueAt(channel, each) ?? null));
    return [...leavesOf(channel)].flatMap(([inner, value]) => {
      const path = [...channels, index, ...inner];
      // An address is a secret as a whole: changed, it is another one.
      const isPlace = places.some((each) => formatPath(each) === formatPath(inner));
      return typeof value === 'string' && !isPlace && isSecret(path, value) ? [{ secret: value, place, path }] : [];
    });
  });
}

/** What only a reference tells counts, too: who wrote it did not want it to be read. */
function isSecret(path: Path, value: string): boolean {
  return isSecretPath(path) || /\$\{/.test(value);
}
