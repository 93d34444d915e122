import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { CollationReport, Collations, Database } from '../../engines/engine.ts';
import { databaseOf, type Source } from '../source.ts';

export interface CheckedDatabase {
  database: string;
  /** Nothing differs; where nothing could be asked, the problem says why. */
  ok: boolean;
  report: CollationReport | null;
  problem: { code: string; message: string } | null;
}

export interface CollationScope {
  source: Source;
  /** Every database of the server instead of the source's own. */
  all: boolean;
  signal: AbortSignal;
}

export async function checkCollations({ source, all, signal }: CollationScope): Promise<CheckedDatabase[]> {
  const checked: CheckedDatabase[] = [];
  for (const database of await databasesOf(source, all, signal)) {
    try {
      const report = await collationsOf(database).check(signal);
      const ok = report.collations.every(({ state }) => state !== 'differs');
      checked.push({ database: database.name, ok, report, problem: null });
    } catch (error) {
      throwIfAborted(signal);
      // Of one alone, its own error is the answer.
      if (!all) throw error;
      const { code, message } = toHoldfastError(error);
      checked.push({ database: database.name, ok: false, report: null, problem: { code, message } });
    }
  }
  return checked;
}

async function databasesOf(source: Source, all: boolean, signal: AbortSignal): Promise<Database[]> {
  const database = databaseOf(source);
  if (!all) return [database];
  return (await collationsOf(database).databases(signal)).map((name) => database.named(name));
}

/** What the engine can do about them; an error where it knows none. */
export function collationsOf({ collations, engine }: Database): Collations {
  if (collations) return collations;
  throw new HoldfastError('COLLATION_UNSUPPORTED', `databases of ${engine} note down no versions of sort orders`, {
    kind: 'usage',
    hint: 'There is nothing to check or to fix.',
  });
}
