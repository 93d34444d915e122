import { toHoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';

/**
 * Rules for tables that are made and rows that are written, and not for those that are there: what was there before a rule came is read
 * and saved, and would not come back, or come back as something else. Each server knows some of them, and lets some accounts set some of them.
 */
const eased = [
  'innodb_strict_mode = 0',
  'sql_require_primary_key = 0',
  'sql_generate_invisible_primary_key = 0',
  'restrict_fk_on_non_standard_key = 0',
  'check_constraint_checks = 0',
  // Servers show each default that a table has. Switched off, a time without one would be set anew with every change of its row.
  'explicit_defaults_for_timestamp = 1',
];

/** Sets them for this session; the assignments that the account's other sessions may make as well. */
export async function easeRules(session: Connection): Promise<string[]> {
  const made: string[] = [];
  for (const assignment of eased) if (await may(session, `SET SESSION ${assignment}`)) made.push(assignment);
  return made;
}

async function may(session: Connection, statement: string): Promise<boolean> {
  try {
    await session.rows(statement);
    return true;
  } catch (error) {
    const errno = Number(toHoldfastError(error).details['errno']);
    // Unknown (1193), only for everybody at once (1229) or from the start on (1238), or not for this account (1227).
    if ([1193, 1227, 1229, 1238].includes(errno)) return false;
    throw error;
  }
}
