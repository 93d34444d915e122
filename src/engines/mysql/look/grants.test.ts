import { describe, expect, it } from 'vitest';
import { mayGlobally, mayInAll, parseGrants } from './grants.ts';

const lines = [
  "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*X'",
  'GRANT SELECT, SHOW VIEW ON `shop`.* TO `a`@`%`',
  'GRANT ALL PRIVILEGES ON `mine\\_%`.* TO `a`@`%` WITH GRANT OPTION',
  'GRANT SELECT (`id`, `name`), INSERT ON `shop`.`t` TO `a`@`%`',
  'GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `a`@`%`',
  'GRANT SELECT ON `odd``name`.* TO `a`@`%`',
  'GRANT `some_role` TO `a`@`%`',
];

describe('grants', () => {
  const grants = parseGrants(lines);

  it.each([
    ['SELECT', 'shop', true],
    ['SHOW VIEW', 'shop', true],
    ['TRIGGER', 'shop', false],
    ['INSERT', 'shop', false],
    ['EXECUTE', 'shop', false],
    ['TRIGGER', 'mine_1', true],
    ['TRIGGER', 'mineX1', false],
    ['SELECT', 'odd`name', true],
    ['SELECT', 'other', false],
  ])('%s on all of %s: %s', (privilege, database, may) => {
    expect(mayInAll(grants, privilege, database)).toBe(may);
  });

  it('what holds everywhere holds in each database', () => {
    const everywhere = parseGrants(['GRANT SELECT, RELOAD ON *.* TO `a`@`%`']);
    expect(mayGlobally(everywhere, 'RELOAD')).toBe(true);
    expect(mayGlobally(everywhere, 'SUPER')).toBe(false);
    expect(mayInAll(everywhere, 'SELECT', 'shop')).toBe(true);
    expect(
      mayGlobally(parseGrants(['GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION']), 'SUPER'),
    ).toBe(true);
  });
});
