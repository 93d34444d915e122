import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { HoldfastError } from '../base/errors.ts';

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** 32 MiB and about a quarter of a second for every guess: as strong as 2^17 with a single lane, in memory a small machine has. */
const cost = { N: 2 ** 15, r: 8, p: 3 };
const keyBytes = 32;
/** Whoever sends many logins at once must not fill the memory with them. */
const atOnce = 2;
export const shortestPassword = 10;
const longestPassword = 1000;

/** `scrypt$15$8$3$<salt>$<key>` */
export async function hashPassword(password: string): Promise<string> {
  assertPassword(password);
  const salt = randomBytes(16);
  const key = await inTurn(() => deriveKey(password, salt, cost));
  return ['scrypt', Math.log2(cost.N), cost.r, cost.p, salt.toString('base64'), key.toString('base64')].join('$');
}

/** Takes as long whether there is such a hash or not: how long a login takes must not tell which users exist. */
export async function isPassword(password: string, hash: string | null): Promise<boolean> {
  const known = parseHash(hash);
  const { salt, key, ...factors } = known ?? { salt: Buffer.alloc(16), key: Buffer.alloc(keyBytes), ...cost };
  const text = password.length > longestPassword ? '' : password;
  const derived = await inTurn(() => deriveKey(text, salt, factors));
  return timingSafeEqual(derived, key) && known !== null;
}

export function assertPassword(password: string): void {
  const problem =
    password.length < shortestPassword
      ? `needs at least ${shortestPassword} characters`
      : password.length > longestPassword
        ? `has more than ${longestPassword} characters`
        : new Set(password).size < 4
          ? 'is the same few characters again and again'
          : null;
  if (problem === null) return;
  throw new HoldfastError('PASSWORD_WEAK', `the password ${problem}`, {
    kind: 'usage',
    hint: 'A few words in a row are easy to remember and hard to guess.',
  });
}

function parseHash(hash: string | null) {
  const [name, power = '', r = '', p = '', salt = '', key = ''] = (hash ?? '').split('$');
  if (name !== 'scrypt') return null;
  return {
    N: 2 ** Number(power),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64'),
    key: Buffer.from(key, 'base64'),
  };
}

function deriveKey(password: string, salt: Buffer, { N, r, p }: typeof cost): Promise<Buffer> {
  // The same letters can be written in two ways; keyboards differ.
  const text = password.normalize('NFKC');
  return derive(text, salt, keyBytes, { N, r, p, maxmem: 128 * N * r + 32 * 1024 * 1024 });
}

let busy = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (busy >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else busy += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else busy -= 1;
  }
}
