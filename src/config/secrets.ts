import { Secret, withoutSecrets } from '../base/secret.ts';
import { formatPath, leavesOf, mapLeaves, type Path } from './path.ts';

export const mask = '••••••';

/** Whether a key or a variable is named like something secret. */
export function isSecretName(name: string): boolean {
  // rclone's settings by variable: RCLONE_CONFIG_B2_KEY, RCLONE_CONFIG_NAS_PASS.
  if (/^RCLONE_.*(KEY|PASS|PASSWORD2|SAS_URL)$/.test(name)) return true;
  return /(pass(word|phrase|wd)?|pw|secret|token|credentials?|(access|secret|private|api|signing)_?key)(_file)?$/i.test(
    name,
  );
}

export function isSecretPath(path: Path): boolean {
  const last = path.findLast((part) => typeof part === 'string');
  return typeof last === 'string' && (isSecretName(last) || isChannelAddress(path) || isChannelHeader(path));
}

/** Whoever knows where a webhook or a ping is posted to can post there: the token is part of the address. */
function isChannelAddress(path: Path): boolean {
  return isChannelOption(path) && path.length === 4 && /^(url|start|success|fail)$/.test(String(path[3]));
}

function isChannelHeader(path: Path): boolean {
  const [name] = path.slice(4);
  return isChannelOption(path) && path[3] === 'headers' && /auth|key|token|secret|pass|cookie/i.test(String(name));
}

function isChannelOption([first, second]: Path): boolean {
  return first === 'alerts' && second === 'channels';
}

/** An address without its password: `postgres://shop:••••••@db/shop`. */
export function maskAddress(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/?#]*:).*(@[^@]*)$/is, `$1${mask}$2`)
    .replaceAll(/([?&][^=&]*(?:password|passphrase|secret|token|key)[^=&]*=)[^&]*/gi, `$1${mask}`);
}

/** The passwords inside an address, as written and as meant; a private key written in place of its path is one, too. */
export function passwordsIn(address: string): string[] {
  const written = [
    address.includes('PRIVATE KEY-----') ? address : undefined,
    /^[a-z][a-z0-9+.-]*:\/\/[^:/?#]*:(.*)@[^@]*$/is.exec(address)?.[1],
    /^[a-z][a-z0-9+.-]*:\/\/.*[?&]password=([^&]*)/is.exec(address)?.[1],
  ].filter((password) => password !== undefined && password !== '');
  return [...new Set(written.flatMap((password) => [password ?? '', decoded(password ?? '')]))];
}

/** From here on, every error and every tool's output is cleaned of the secrets among these settings. */
export function registerSecrets(tree: unknown): void {
  for (const [path, value] of leavesOf(tree)) {
    if (typeof value !== 'string') continue;
    for (const secret of isSecretPath(path) ? [value] : passwordsIn(value)) void new Secret(secret);
  }
}

/** The same settings, with everything secret in a form that cannot leak by accident. */
export function hideSecrets(tree: unknown, references: ReadonlyMap<string, { secret: boolean }>): unknown {
  return mapLeaves(tree, (path, value) => {
    if (typeof value !== 'string' || value === '') return value;
    const secret =
      isSecretPath(path) || passwordsIn(value).length > 0 || references.get(formatPath(path))?.secret === true;
    return secret ? new Secret(value) : value;
  });
}

/** Whether a secret itself stands in a text as it was written, not only references to where it is kept. */
export function isLiteralSecret(path: Path, written: unknown): boolean {
  if (typeof written !== 'string' || written === '') return false;
  return (isSecretPath(path) ? [written] : passwordsIn(written)).some(
    (secret) => !/^(\$\{(file:[^}]+|\w+)\})+$/.test(secret),
  );
}

/** A value as it may be shown: `••••••` for a secret, dots in place of passwords inside of addresses. */
export function showable(path: Path, value: unknown): unknown {
  if (isChannelAddress(path) && (typeof value === 'string' || value instanceof Secret)) {
    // Which service it is helps, and is no secret.
    const url = URL.parse(value instanceof Secret ? value.reveal() : value);
    return url?.host ? `${url.protocol}//${url.host}/${mask}` : mask;
  }
  if (value instanceof Secret) {
    const text = value.reveal();
    return !isSecretPath(path) && text.includes('://') ? maskAddress(text) : mask;
  }
  if (value === null || value === undefined || value === '') return value;
  if (isSecretPath(path)) return mask;
  return typeof value === 'string' ? withoutSecrets(maskAddress(value)) : value;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
