import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import type { LoadOptions, StoredDump } from '../../engine.ts';
import { refuseGuess } from '../../shared/container.ts';
import type { Access } from '../connect/access.ts';
import { load, type Loaded } from '../load/load.ts';
import { quoteIn } from '../connect/names.ts';
import { dropStatement, readObjects } from '../look/objects.ts';
import { comeBack } from './take-back.ts';

/**
 * Nothing that makes a table can be taken back here, so what lives is never changed in its place. An existing database is filled
 * when there is nothing in it; when that fails, it is empty again.
 */
export async function replace(
  access: Access,
  dump: StoredDump,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Loaded> {
  refuseGuess(await access.container(signal));
  await refuseContent(access, signal);
  try {
    return await load(access, dump, options, signal);
  } catch (error) {
    await empty(access).catch((left: unknown) => {
      throw halfFilled(access, toHoldfastError(error), toHoldfastError(left));
    });
    throw error;
  }
}

function halfFilled({ address }: Access, error: HoldfastError, left: HoldfastError): HoldfastError {
  const { kind, retryable } = error;
  return new HoldfastError(
    'LEFTOVER_DATABASE',
    `${error.message}; and ${address.database}, which was empty, could not be emptied again: ${left.message}`,
    {
      kind,
      retryable,
      cause: error,
      hint: `What is in ${address.database} is the beginning of the restore: drop its tables when the server answers again.`,
    },
  );
}

async function empty(access: Access): Promise<void> {
  const { database } = access.address;
  // Not the caller's signal, which may be the reason; and a server that has died is started again.
  await using session = await comeBack(access);
  const { tables, code } = await readObjects(session, database);
  await session.rows('SET SESSION foreign_key_checks = 0, lock_wait_timeout = 30');
  for (const object of code.toReversed()) await session.rows(dropStatement(object, database));
  for (const name of tables) await session.rows(`DROP TABLE IF EXISTS ${quoteIn(database, name)}`);
}

async function refuseContent(access: Access, signal: AbortSignal): Promise<void> {
  const { database } = access.address;
  await using session = await access.connect(signal);
  const { tables, code } = await readObjects(session, database);
  if (tables.length + code.length === 0) return;
  throw new HoldfastError(
    'IN_PLACE_IMPOSSIBLE',
    `${database} is not empty, and MySQL and MariaDB cannot take back a half-done change of tables`,
    {
      kind: 'refused',
      hint: 'Restore the whole database (it is loaded beside the live one and swapped in), or a part of it with `--into <new database>`.',
    },
  );
}
