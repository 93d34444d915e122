import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Second factor by time (RFC 6238), with what every authenticator takes: SHA-1, six digits, thirty seconds. */
const stepMs = 30_000;
const digits = 6;
/** Clocks of telephones are off by some seconds. */
const toleratedSteps = 1;
/** A clock that was set back by no more than this may see codes again that were used. */
const wrongSteps = 20;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** In base 32, as people may have to type it. */
export function newTotpSecret(): string {
  return encode(randomBytes(20));
}

/** What an authenticator reads from a picture. */
export function totpAddress(secret: string, user: string, instance: string): string {
  const label = `${encodeURIComponent(`Holdfast ${instance}`)}:${encodeURIComponent(user)}`;
  const query = new URLSearchParams({ secret, issuer: `Holdfast ${instance}`, digits: String(digits), period: '30' });
  return `otpauth://totp/${label}?${query.toString().replaceAll('+', '%20')}`;
}

/**
 * The step a code belongs to, or null when it is wrong. Steps up to `lastStep` were used, and no code works twice. One that lies ahead of
 * all that could be used now is of a clock that was ahead, and must keep nobody out until that time comes.
 */
export function totpStep(secret: string, code: string, now: Date, lastStep: number | null): number | null {
  const given = code.replaceAll(/\s/g, '');
  if (!/^\d{6}$/.test(given)) return null;
  const current = Math.floor(now.getTime() / stepMs);
  const used = lastStep !== null && lastStep <= current + wrongSteps ? lastStep : null;
  for (let step = current - toleratedSteps; step <= current + toleratedSteps; step += 1) {
    if (used !== null && step <= used) continue;
    if (timingSafeEqual(Buffer.from(codeAt(secret, step)), Buffer.from(given))) return step;
  }
  return null;
}

export function codeAt(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', decode(secret)).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0x0f;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits).padStart(digits, '0');
}

/** For when the telephone is lost: each works once. */
export function newRecoveryCodes(count = 10): string[] {
  return Array.from({ length: count }, () =>
    encode(randomBytes(10))
      .toLowerCase()
      .replace(/(.{4})(?=.)/g, '$1-'),
  );
}

function encode(bytes: Buffer): string {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

function decode(text: string): Buffer {
  const bits = Array.from(text.toUpperCase().replaceAll(/[^A-Z2-7]/g, ''))
    .map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
