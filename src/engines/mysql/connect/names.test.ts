import { describe, expect, it } from 'vitest';
import { otherDatabase } from './names.ts';

describe('a statement for another database', () => {
  it.each([
    ['select `t`.`id` AS `id` from `shop`.`t`', 'select `t`.`id` AS `id` from `copy`.`t`'],
    ['select `shop`.`t`.`id` AS `shop` from `shop`.`t`', 'select `copy`.`t`.`id` AS `shop` from `copy`.`t`'],
    // A table or an alias called like the database.
    ['select `shop`.`id` AS `id` from `shop` where `shop`.`id` > 0', null],
    [
      'select `shop`.`id` AS `id` from (`shop`.`orders` `shop` join `shop`.`shop` `b` on(`shop`.`id` = `b`.`id`))',
      'select `shop`.`id` AS `id` from (`copy`.`orders` `shop` join `copy`.`shop` `b` on(`shop`.`id` = `b`.`id`))',
    ],
    ['select `shop`.`shop`.`shop` AS `a` from `shop`.`shop`', 'select `copy`.`shop`.`shop` AS `a` from `copy`.`shop`'],
    ['select `shop`.`f`(`shop`.`id`) AS `f` from `t` `shop`', 'select `copy`.`f`(`shop`.`id`) AS `f` from `t` `shop`'],
    ['select extract(year from `shop`.`d`) AS `y` from `shop`', null],
    [
      "select trim(both 'from' from `shop`.`d`) AS `y`,trim(leading _utf8mb4'x' from `shop`.`d`) AS `z` from `shop`",
      null,
    ],
    // What stands in quotes is a text.
    ["select 'from `shop`.`t` \\' ''' AS ```shop``.` from `t`", null],
    ['nextval(`shop`.`numbers`)', 'nextval(`copy`.`numbers`)'],
    ['(1 + lastval(`shop`.`numbers`))', '(1 + lastval(`copy`.`numbers`))'],
    ['/*!50001 VIEW `shop`.`v` AS select 1 AS `a` */;', '/*!50001 VIEW `copy`.`v` AS select 1 AS `a` */;'],
  ])('%s', (statement, expected) => {
    expect(otherDatabase(statement, 'shop', 'copy')).toBe(expected ?? statement);
  });
});
