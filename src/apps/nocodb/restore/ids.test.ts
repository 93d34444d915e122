import { describe, expect, it } from 'vitest';
import { translated, translatedText } from './ids.ts';

const ids = new Map([
  ['c2n9abcdefghijkl', 'c111111111111111'],
  ['md_abcdefghijklmn', 'm222222222222222'],
]);

describe('translated', () => {
  it('exchanges ids as values, as keys and inside of texts', () => {
    const settings = {
      c2n9abcdefghijkl: [{ id: 'c2n9abcdefghijkl', title: 'open' }],
      formula: 'CONCAT({{c2n9abcdefghijkl}}, "x")',
      nested: '{"fk_model_id":"md_abcdefghijklmn"}',
    };
    expect(translated(settings, ids)).toEqual({
      c111111111111111: [{ id: 'c111111111111111', title: 'open' }],
      formula: 'CONCAT({{c111111111111111}}, "x")',
      nested: '{"fk_model_id":"m222222222222222"}',
    });
  });

  it.each(['xc2n9abcdefghijkl', 'c2n9abcdefghijklm', 'c2n9abcdefghij', 'plain words'])('leaves %s alone', (text) => {
    expect(translatedText(text, ids)).toBe(text);
  });
});
