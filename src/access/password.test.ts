import { expect, test } from 'vitest';
import { assertPassword, hashPassword, isPassword } from './password.ts';

test('the right password and no other', async () => {
  const hash = await hashPassword('correct horse battery');
  expect(hash).toMatch(/^scrypt\$15\$8\$3\$/);
  expect(hash).not.toContain('correct');
  expect(await isPassword('correct horse battery', hash)).toBe(true);
  expect(await isPassword('correct horse batterz', hash)).toBe(false);
  expect(await isPassword('', hash)).toBe(false);
  expect(await isPassword('x'.repeat(100_000), hash)).toBe(false);
});

test('two hashes of one password differ, and both fit', async () => {
  const [one, two] = await Promise.all([hashPassword('pässwörd 😀 long'), hashPassword('pässwörd 😀 long')]);
  expect(one).not.toBe(two);
  expect(await isPassword('pa\u0308sswo\u0308rd 😀 long', one)).toBe(true);
});

test('S24 an unknown user takes as long as a known one', async () => {
  const hash = await hashPassword('correct horse battery');
  const time = async (known: string | null) => {
    const started = performance.now();
    expect(await isPassword('wrong password', known)).toBe(false);
    return performance.now() - started;
  };
  const unknown = await time(null);
  expect(unknown).toBeGreaterThan((await time(hash)) / 5);
});

test('many at once wait for one another and all end', async () => {
  const hash = await hashPassword('correct horse battery');
  const results = await Promise.all(
    Array.from({ length: 6 }, (_, n) => isPassword(n === 3 ? 'correct horse battery' : 'no', hash)),
  );
  expect(results).toEqual([false, false, false, true, false, false]);
});

test.each(['short', 'aaaaaaaaaaaaaaaa', 'x'.repeat(2000)])('a weak one is refused: %s', (password) => {
  expect(() => assertPassword(password)).toThrow(expect.objectContaining({ code: 'PASSWORD_WEAK', kind: 'usage' }));
});
