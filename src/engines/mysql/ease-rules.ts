import { toHoldfastError } from '../../base/errors.ts';
import type { Connection } from './connection.ts';

/**
 * Rules for tables that are made and rows that are written, and not for those that are there: what was there before a rule came is read
 * and saved, and would not come back. Each server knows some of them, and lets some accounts switch some of them off.
 */
const rules = [
  'innodb_strict_mode',
  'sql_require_primary_key',
  'sql_generate_invisible_primary_key',
  'restrict_fk_on_non_standard_key',
  'check_constraint_checks',
];

/** Switches them off for this session; the assignments that the account's other sessions may make as well. */
export async function easeRules(session: Connection): Promise<string[]> {
  const eased: string[] = [];
  for (const rule of rules) {
    const off = `${rule} = 0`;
    if (await may(session, `SET SESSION ${off}`)) eased.push(off);
  }
  return eased;
}

async function may(session: Connection, statement: string): Promise<boolean> {
  try {
    await session.rows(statement);
    return true;
  } catch (error) {
    const errno = Number(toHoldfastError(error).details['errno']);
    // Unknown (1193), only for everybody at once (1229), or not for this account (1227).
    if ([1193, 1227, 1229].includes(errno)) return false;
    throw error;
  }
}
