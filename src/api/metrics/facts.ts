import type { Catalog, MarkRecord } from '../../catalog/catalog.ts';
import type { Figures } from '../../catalog/figures.ts';
import type { ServerOptions } from '../options.ts';

/** All that metrics are made of. */
export interface MetricFacts {
  ok: boolean;
  version: string;
  instance: string;
  now: Date;
  tickAt: Date;
  nextRuns: readonly { plan: string; at: Date }[];
  /** Those that are configured, with the names of their storages. */
  sources: readonly { name: string; storages: readonly string[] }[];
  figures: { [K in keyof Figures]: ReturnType<Figures[K]> };
  check: MarkRecord | null;
  process: { cpuSeconds: number; residentBytes: number; heapBytes: number; startedAt: Date };
}

/** From the catalog and from memory: no storage and no database is asked. */
export function gatherFacts({ house, daemon }: Pick<ServerOptions, 'house' | 'daemon'>, ok: boolean): MetricFacts {
  const { catalog, clock, version, instance, sources } = house;
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    ok,
    version,
    instance,
    now: clock.now(),
    tickAt: daemon.tickAt(),
    nextRuns: daemon.nextRuns(),
    sources: sources.map(({ name, storages }) => ({ name, storages: storages.map((storage) => storage.name) })),
    figures: readFigures(catalog),
    check: catalog.marks.get('check'),
    process: {
      cpuSeconds: (user + system) / 1e6,
      residentBytes: rss,
      heapBytes: heapUsed,
      startedAt: daemon.startedAt,
    },
  };
}

function readFigures({ figures }: Catalog): MetricFacts['figures'] {
  return {
    runTotals: figures.runTotals(),
    running: figures.running(),
    latestRuns: figures.latestRuns(),
    stored: figures.stored(),
    newestBackups: figures.newestBackups(),
    latestProofs: figures.latestProofs(),
    failedVerifications: figures.failedVerifications(),
    pendingCopies: figures.pendingCopies(),
    deliveries: figures.deliveries(),
    openIncidents: figures.openIncidents(),
  };
}
