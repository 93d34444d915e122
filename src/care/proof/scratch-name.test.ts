import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameBeside } from './scratch-name.ts';

test('a scratch name says where it belongs', () => {
  expect(nameBeside('shop', 'drill', '20261120-051500-ab12cd')).toBe('shop_drill_20261120_051500_ab12cd');
});

test('S18: any database name gives a name of at most 63 bytes that keeps its suffix', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 63 }), (database) => {
      const name = nameBeside(database, 'before', '20261120-051500-ab12cd');
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
      expect(name.endsWith('_before_20261120_051500_ab12cd')).toBe(true);
      expect(name).toBe(Buffer.from(name).toString());
    }),
  );
});
