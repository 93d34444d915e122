import { isFromFuture } from '../../base/clock.ts';
import { titleOf, type Source } from '../../care/source.ts';
import type { RunRecord } from '../../catalog/catalog.ts';
import type { RunView, SourceView } from '../contract.ts';
import type { Listed } from '../listings.ts';
import type { Handlers } from '../register.ts';
import { runToView, sourceFor, sourcesFor, type ApiParts } from './parts.ts';

/** In the list of all sources, which is asked for every few seconds. */
const fewPoints = 20;

export function sourceHandlers(parts: ApiParts): Pick<Handlers, 'sources' | 'source'> {
  const lastFailed = openLastFailed(parts);
  const describe = (sources: readonly Source[], points: number): SourceView[] => {
    const { house, daemon, listings } = parts;
    const listed = listings.ofAll(sources);
    const running = Map.groupBy(house.catalog.runs.list({ state: 'running' }), ({ source }) => source);
    const failed = lastFailed();
    const next = Map.groupBy(daemon.nextRuns(), ({ plan }) => plan.slice(plan.indexOf('/') + 1));
    return sources.flatMap((source, index) => {
      const facts = listed[index];
      if (!facts) return [];
      const { name } = source;
      return {
        ...factsOf(source, facts, points),
        running: (running.get(name) ?? []).map((run) => runToView(house, run)),
        failed: failed(name),
        scheduling: daemon.scheduling,
        next: (next.get(name) ?? []).map(({ plan, at }) => ({ plan, at: at.toISOString() })),
      };
    });
  };
  return {
    sources: async (call) => describe(await sourcesFor(parts, call), fewPoints),
    source: async (call) => {
      const source = await sourceFor(parts, call, call.params.source, 'read');
      const [view] = describe([source], Number.POSITIVE_INFINITY);
      if (!view) throw new Error(`nothing was said of ${source.name}`);
      return view;
    },
  };
}

function factsOf(source: Source, listed: Listed, points: number) {
  const { name, database, storages, keys, apps } = source;
  const { backups, newest, damaged, bytes, drilled, sizes } = listed;
  const inStorage = new Map(listed.storages.map(({ name: storage, ...sums }) => [storage, sums]));
  return {
    name,
    engine: database?.engine ?? apps[0]?.kind ?? 'files',
    database: titleOf(source),
    inPlace: database?.capabilities.inPlace ?? false,
    storages: storages.map((storage) => ({
      name: storage.name,
      title: storage.title,
      ...(inStorage.get(storage.name) ?? { copies: 0, bytes: 0 }),
    })),
    encrypted: keys.wanted !== null,
    newest,
    backups: backups.length,
    damaged,
    bytes,
    drilled,
    sizes: sizes.slice(-points),
  };
}

/**
 * Of each source the last backup when it failed, which nothing else makes up for, otherwise the last run when that failed. Read again only
 * when another one has ended.
 */
function openLastFailed({ house }: ApiParts): () => (source: string) => RunView | null {
  const { catalog, clock } = house;
  const known = new Map<string, { at: string; run: RunRecord | null }>();
  const find = (source: string, { operation, at }: Pick<Ended, 'operation' | 'at'>): RunRecord | null => {
    const key = `${source} ${operation}`;
    const before = known.get(key);
    if (before?.at === at) return before.run;
    // Those that were turned away since may be many: they are not counted as the last.
    const wanted = { source, operation: operation as RunRecord['operation'], limit: 200 };
    const run = catalog.runs.list(wanted).find(({ finishedAt }) => finishedAt === at) ?? null;
    known.set(key, { at, run });
    return run;
  };
  return () => {
    const now = clock.now();
    const last = new Map<string, Ended & { run: RunRecord | null }>();
    for (const { source, operation, ended } of catalog.figures.latestRuns()) {
      if (source === null || !ended) continue;
      // Of a clock that was ahead it would be the last for as long as that was.
      const rank = isFromFuture(ended.at, now) ? '' : ended.at;
      const run = ended.state === 'failed' ? find(source, { operation, at: ended.at }) : null;
      const found = { at: ended.at, state: run?.state ?? ended.state, operation, rank, run };
      const before = last.get(source);
      if (!before || outranks(found, before)) last.set(source, found);
    }
    return (source) => {
      const { state, run = null } = last.get(source) ?? {};
      return run && state === 'failed' ? runToView(house, run) : null;
    };
  };
}

interface Ended {
  operation: string;
  at: string;
  state: string;
  rank: string;
}

function outranks(one: Ended, other: Ended): boolean {
  const isFailedBackup = ({ operation, state }: Ended) => operation === 'backup' && state === 'failed';
  if (isFailedBackup(one) !== isFailedBackup(other)) return isFailedBackup(one);
  return one.rank > other.rank;
}
