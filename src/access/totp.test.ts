import { describe, expect, test } from 'vitest';
import { codeAt, newRecoveryCodes, newTotpSecret, totpAddress, totpStep } from './totp.ts';

/** `12345678901234567890` of the vectors of RFC 6238, in base 32. */
const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

test.each([
  [59, '287082'],
  [1111111109, '081804'],
  [1111111111, '050471'],
  [1234567890, '005924'],
  [2000000000, '279037'],
  [20000000000, '353130'],
])('the code of second %i is that of the standard', (seconds, code) => {
  expect(codeAt(secret, Math.floor(seconds / 30))).toBe(code);
});

describe('a code', () => {
  const now = new Date(1_111_111_111_000);
  const step = Math.floor(now.getTime() / 30_000);

  test.each([
    ['of now', 0, step],
    ['of the step before', -1, step - 1],
    ['of the step after', 1, step + 1],
    ['of a minute ago', -2, null],
    ['of a minute ahead', 2, null],
  ])('%s', (_when, offset, expected) => {
    expect(totpStep(secret, codeAt(secret, step + offset), now, null)).toBe(expected);
  });

  test('S24 works once', () => {
    const code = codeAt(secret, step);
    expect(totpStep(secret, code, now, step)).toBeNull();
    expect(totpStep(secret, code, now, step - 1)).toBe(step);
  });

  test.each(['', '12345', '1234567', 'abcdef', '٠٥٠٤٧١'])('that is none is refused: %s', (code) => {
    expect(totpStep(secret, code, now, null)).toBeNull();
  });

  test('may be typed with a gap', () => {
    expect(totpStep(secret, '050 471', now, null)).toBe(step);
  });
});

test('a new secret works with an authenticator, and names installation and user', () => {
  const fresh = newTotpSecret();
  expect(fresh).toMatch(/^[A-Z2-7]{32}$/);
  const address = new URL(totpAddress(fresh, 'ada & co', 'web 1'));
  expect(address.protocol).toBe('otpauth:');
  expect(decodeURIComponent(address.pathname)).toBe('/Holdfast web 1:ada & co');
  expect(address.searchParams.get('secret')).toBe(fresh);
  expect(address.href).not.toContain('+');
});

test('recovery codes are ten different ones that can be read out', () => {
  const codes = newRecoveryCodes();
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) expect(code).toMatch(/^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
});
