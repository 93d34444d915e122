import fc from 'fast-check';
import { expect, test } from 'vitest';
import { safeFileName, safeName, uniqueNames } from './names.ts';

test.each([
  ['Orders', 'Orders'],
  ['a/b\\c:d<e>f"g|h?i*j', 'a_b_c_d_e_f_g_h_i_j'],
  ['../../etc/passwd', '__.._etc_passwd'],
  ['.hidden', '_hidden'],
  ['  spaced   out . ', '_spaced out'],
  ['CON', '_CON'],
  ['nul.txt', '_nul.txt'],
  ['', '_'],
  ['line\nbreak\u2028and\u202eturn', 'line_break_and_turn'],
  ['Ünï 日本 📦', 'Ünï 日本 📦'],
])('N-13 S18: %j becomes %j', (title, name) => {
  expect(safeName(title)).toBe(name);
});

test('N-d12: no two titles share a name, whatever they are', () => {
  const title = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('\ud800', '\u2028', '\u0007', 'A', 'a', 'Á', 'á', '..', 'x'.repeat(200)),
  );
  fc.assert(
    fc.property(fc.array(title), (titles) => {
      const names = titles.map(uniqueNames());
      expect(new Set(names.map((each) => each.toLowerCase().normalize('NFKD'))).size).toBe(titles.length);
      const wrong = names.filter(
        (each) => each === '' || Buffer.byteLength(each) > 100 || /^[. ]|[. ]$|[/\\\p{Cc}]/u.test(each),
      );
      expect(wrong).toEqual([]);
    }),
  );
});

test('an extension survives the cut', () => {
  expect(safeFileName(`${'long '.repeat(60)}.pdf`, 40)).toMatch(/^long .*\.pdf$/);
  expect(Buffer.byteLength(safeFileName(`${'日本'.repeat(90)}.jpeg`, 60))).toBeLessThanOrEqual(60);
  expect(safeFileName('../x.tar.gz')).toBe('__x.tar.gz');
});
