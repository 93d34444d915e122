import { HoldfastError } from '../../base/errors.ts';
import type { Database } from '../../engines/engine.ts';

/**
 * The database of a source that only its backups tell of: whatever reads dumps works, another database can be named by its address, and
 * what would need this one says that nobody configured it.
 */
export function unconfiguredDatabase(engine: Database, source: string): Database {
  const refuse = async (): Promise<never> => {
    throw sourceNotConfigured(source);
  };
  return {
    engine: engine.engine,
    capabilities: engine.capabilities,
    name: source,
    title: `the database of ${source}, which is not configured here`,
    named: () => unconfiguredDatabase(engine, source),
    at: (address) => engine.at(address),
    recognise: (head) => engine.recognise(head),
    readThrough: (dump, signal) => engine.readThrough(dump, signal),
    contents: (dump, signal) => engine.contents(dump, signal),
    brings: (dump, signal) => engine.brings(dump, signal),
    filesFor: (dump, scope, signal) => engine.filesFor(dump, scope, signal),
    temporary: (like, signal) => engine.temporary(like, signal),
    collations: { databases: refuse, check: refuse, fix: refuse },
    agedRows: { find: refuse, remove: refuse },
    check: refuse,
    clockAhead: refuse,
    ready: refuse,
    identity: refuse,
    probe: refuse,
    open: refuse,
    server: refuse,
    target: refuse,
    count: refuse,
    filled: refuse,
    select: refuse,
    ask: refuse,
    create: refuse,
    dress: refuse,
    load: refuse,
    analyze: refuse,
    state: refuse,
    drop: refuse,
    swap: refuse,
    replace: refuse,
    leftovers: refuse,
  };
}

export function sourceNotConfigured(source: string | null): HoldfastError {
  const message =
    source === null
      ? 'no source is configured here'
      : `the source ${source} is not configured here, it is only found in storages`;
  return new HoldfastError('SOURCE_NOT_CONFIGURED', message, {
    kind: 'usage',
    hint: 'Restore with `--into` and an address (`postgres://user@host/database`, `mysql://user@host/database`, `sqlite:///folder/file`), drill with `--target temporary`, or say what its database is: under `sources` in holdfast.yaml, or with HOLDFAST_DATABASE_URL.',
  });
}
