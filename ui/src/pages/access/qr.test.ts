import { encode } from 'uqr';
import { expect, test } from 'vitest';
import { inGroups, qrCode } from './qr.ts';

test('the picture of a second factor has every dark module, and a quiet zone around it', () => {
  const text = 'otpauth://totp/Holdfast%20web-1:ada?secret=ABCDEFGHIJKLMNOP&issuer=Holdfast%20web-1';
  const { size, path } = qrCode(text);
  const { data } = encode(text, { ecc: 'M', border: 4 });
  const drawn = data.map((row) => row.map(() => false));
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    drawn[Number(y)]?.fill(true, Number(x), Number(x) + Number(length));
  }
  expect(drawn).toEqual(data);
  expect(size).toBe(data.length);
  expect(data.slice(0, 4).flat()).not.toContain(true);
});

test('a secret is shown in groups of four', () => {
  expect(inGroups('ABCDEFGHIJ')).toBe('ABCD EFGH IJ');
  expect(inGroups('ABCD')).toBe('ABCD');
});
