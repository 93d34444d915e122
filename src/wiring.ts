import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { noKeys } from './archive/keys.ts';
import type { Clock } from './base/clock.ts';
import { HoldfastError } from './base/errors.ts';
import type { Logger } from './base/logger.ts';
import type { Source } from './care/source.ts';
import { markInterrupted } from './catalog/run.ts';
import { openCatalog } from './catalog/sqlite/sqlite-catalog.ts';
import type { LoadedConfig } from './config/load.ts';
import { engines } from './engines/index.ts';
import type { House } from './house.ts';
import { storages as storageKinds } from './storage/index.ts';
import type { Storage } from './storage/storage.ts';

/** Puts the running parts together. The only place that sees configuration, engines and storages at once. */
export async function openHouse(loaded: LoadedConfig, tools: { clock: Clock; logger: Logger }): Promise<House> {
  const { config } = loaded;
  const { clock, logger } = tools;
  const catalog = openCatalog(config.state, clock);
  markInterrupted(catalog, clock);
  // A name nobody can guess: in a folder that everyone may write, a foretold one could be somebody else's already.
  const scratch = join(tmpdir(), `holdfast-${process.pid}-${randomBytes(6).toString('hex')}`);
  const storages = new Map(
    Object.entries(config.storages).map(([name, options]) => [
      name,
      storageKinds[options.type].create(name, options, { clock, logger, scratch }),
    ]),
  );
  const sources = Object.entries(config.sources).map(([name, source]): Source => {
    const engine = engines[source.database.engine];
    return {
      name,
      database: engine.connect(
        { database: source.database, via: source.via, dump: source.dump },
        { clock, logger, scratch },
      ),
      storages: chosen(storages, source.storages),
      retention: source.retention,
      retentionIn: () => source.retention,
      keys: noKeys,
      deleteLocalAfterCopy: false,
      drill: source.drill,
    };
  });
  return {
    loaded,
    catalog,
    sources,
    storages: [...storages.values()],
    clock,
    logger,
    version: readVersion(),
    instance: config.instance ?? hostname(),
    timezone: config.timezone,
    scratch,
    source: (name) => findSource(sources, name),
    storageOf: (source, name) => findStorage(source, name),
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled([...storages.values()].map((storage) => storage[Symbol.asyncDispose]()));
      catalog[Symbol.dispose]();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

function chosen(storages: Map<string, Storage>, names: readonly string[]): [Storage, ...Storage[]] {
  const [first, ...rest] = names.map((name) => storages.get(name)).filter((storage) => storage !== undefined);
  if (!first) throw new HoldfastError('CONFIG_INVALID', 'a source without a storage', { kind: 'usage' });
  return [first, ...rest];
}

function findSource(sources: Source[], name: string | undefined): Source {
  const names = sources.map((source) => source.name).join(', ');
  if (name === undefined) {
    const [only, ...others] = sources;
    if (only && others.length === 0) return only;
    throw new HoldfastError('SOURCE_NEEDED', 'several sources are configured', {
      kind: 'usage',
      hint: `Say which one with \`--source\`: ${names}.`,
    });
  }
  const found = sources.find((source) => source.name === name);
  if (found) return found;
  throw new HoldfastError('SOURCE_UNKNOWN', `there is no source named "${name}"`, {
    kind: 'usage',
    hint: `Configured: ${names}.`,
  });
}

function findStorage(source: Source, name: string | undefined): Storage {
  if (name === undefined) return source.storages[0];
  const found = source.storages.find((storage) => storage.name === name);
  if (found) return found;
  throw new HoldfastError('STORAGE_UNKNOWN', `source ${source.name} has no storage named "${name}"`, {
    kind: 'usage',
    hint: `It has: ${source.storages.map((storage) => storage.name).join(', ')}.`,
  });
}

/** package.json lies beside src/ in a checkout and beside dist/ in a package. */
function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
