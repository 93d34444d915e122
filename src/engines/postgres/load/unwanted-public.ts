import { HoldfastError } from '../../../base/errors.ts';
import type { LoadOptions } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { propertiesOf } from '../look/facts.ts';

/** A new database has one; where the server lets everybody make something in it, whoever dropped it had a reason. */
export async function dropUnwantedPublic(
  access: Access,
  { scope, facts }: LoadOptions,
  signal: AbortSignal,
): Promise<string[]> {
  if (scope || !facts || propertiesOf(facts).publicSchema) return [];
  await using session = await access.connect(signal);
  try {
    await session.rows('DROP SCHEMA IF EXISTS public');
    return [];
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'DATABASE_NO_PRIVILEGE') throw error;
    return ['the schema public is there, which had been dropped before the backup: this role may not drop it again'];
  }
}
