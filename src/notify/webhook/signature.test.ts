import { expect, test } from 'vitest';
import { signatureHeaders } from './signature.ts';

// The second case of RFC 4231.
test('N-d14: HMAC-SHA-256 over the bytes, as others compute it', () => {
  const body = new TextEncoder().encode('what do ya want for nothing?');
  const headers = signatureHeaders('Jefe', body, new Date(1_700_000_000_999));
  expect(headers['x-signature-256']).toBe('sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  expect(headers['x-holdfast-timestamp']).toBe('1700000000');
});

test('the second signature is over the time, too', () => {
  const body = new TextEncoder().encode('{}');
  const at = (seconds: number) => signatureHeaders('secret', body, new Date(seconds * 1000));
  expect(at(1)['x-signature-256']).toBe(at(2)['x-signature-256']);
  expect(at(1)['x-holdfast-signature']).not.toBe(at(2)['x-holdfast-signature']);
});
