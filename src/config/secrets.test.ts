import { describe, expect, test } from 'vitest';
import { Secret } from '../base/secret.ts';
import type { Path } from './path.ts';
import { isSecretPath, showable } from './secrets.ts';

const channel = (...rest: Path): Path => ['alerts', 'channels', 0, ...rest];

describe('S23: what carries a secret in a channel of alerts', () => {
  test.each<[Path, boolean]>([
    [channel('url'), true],
    [channel('success'), true],
    [channel('start'), true],
    [channel('fail'), true],
    [channel('secret'), true],
    [channel('token'), true],
    [channel('smtp', 'password'), true],
    [channel('headers', 'Authorization'), true],
    [channel('headers', 'X-Api-Key'), true],
    [channel('headers', 'Accept'), false],
    [channel('server'), false],
    [channel('smtp', 'host'), false],
    [channel('type'), false],
    [['storages', 'cloud', 'url'], false],
    [['server', 'publicUrl'], false],
  ])('%j: %s', (path, secret) => {
    expect(isSecretPath(path)).toBe(secret);
  });

  test.each([
    ['https://hooks.slack.com/services/T0/B0/geheim', 'https://hooks.slack.com/••••••'],
    ['http://10.0.0.5:8080/hook?key=geheim', 'http://10.0.0.5:8080/••••••'],
    ['https://me:geheim@example.com/hook', 'https://example.com/••••••'],
    ['geheim', '••••••'],
  ])('of an address, the host may be seen: %s', (address, shown) => {
    expect(showable(channel('url'), address)).toBe(shown);
    expect(showable(channel('url'), new Secret(address))).toBe(shown);
  });
});
