import type { ListedBackup } from '../../care/listing.ts';
import type { Source } from '../../care/source.ts';
import type { SourceView } from '../contract.ts';
import type { Handlers } from '../register.ts';
import { runToView, sourceFor, sourcesFor, type ApiParts } from './parts.ts';

/** As many as a picture of sizes needs. */
const drawn = 60;

export function sourceHandlers(parts: ApiParts): Pick<Handlers, 'sources' | 'source'> {
  return {
    sources: async (call) => (await sourcesFor(parts, call)).map((source) => describe(parts, source)),
    source: async (call) => describe(parts, await sourceFor(parts, call, call.params.source, 'read')),
  };
}

function describe({ house, daemon, listings }: ApiParts, source: Source): SourceView {
  const { name, database, storages, keys } = source;
  const { catalog } = house;
  const backups = listings(source);
  const whole = backups.filter((backup) => backup.state === 'complete');
  const [drill] = catalog.proofs.list({ source: name, kind: 'drill' });
  const last = catalog.runs.list({ source: name, limit: 20 }).find(({ finishedAt }) => finishedAt !== null);
  return {
    name,
    engine: database.engine,
    database: database.title,
    storages: storages.map((storage) => ({
      name: storage.name,
      title: storage.title,
      ...sumIn(backups, storage.name),
    })),
    encrypted: keys.wanted !== null,
    newest: whole.find(({ trigger }) => trigger !== 'safety') ?? null,
    backups: backups.length,
    damaged: backups.length - whole.length,
    bytes: backups.reduce((sum, { bytes }) => sum + bytes, 0),
    drilled: drill ? { id: drill.backup, at: drill.at, ok: drill.ok, seconds: drill.seconds } : null,
    running: catalog.runs.list({ source: name, state: 'running' }).map((run) => runToView(house, run)),
    failed: last?.state === 'failed' ? runToView(house, last) : null,
    next: daemon
      .nextRuns()
      .filter(({ plan }) => plan.endsWith(`/${name}`))
      .map(({ plan, at }) => ({ plan, at: at.toISOString() })),
    sizes: whole
      .filter(({ trigger }) => trigger !== 'safety')
      .slice(0, drawn)
      .toReversed()
      .map(({ createdAt, bytes, seconds }) => ({ at: createdAt, bytes, seconds: seconds ?? 0 })),
  };
}

function sumIn(backups: readonly ListedBackup[], storage: string): { copies: number; bytes: number } {
  const there = backups.filter(({ copies }) => copies[storage] === 'complete');
  return { copies: there.length, bytes: there.reduce((sum, { bytes }) => sum + bytes, 0) };
}
