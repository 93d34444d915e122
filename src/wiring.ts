import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { App, AppContext, AppKind } from './apps/app.ts';
import { blankApp, createApps } from './apps/index.ts';
import { parseIdentities } from './archive/keys/key-wrap.ts';
import type { Keys } from './archive/keys/keys.ts';
import { sourceKeys } from './archive/keys/source-keys.ts';
import type { Clock } from './base/clock.ts';
import { HoldfastError, toHoldfastError } from './base/errors.ts';
import type { Logger } from './base/logger.ts';
import { removeScratch } from './base/scratch.ts';
import { Secret } from './base/secret.ts';
import { openAlerts } from './care/alerts/alerts.ts';
import { commandAlerts } from './care/alerts/command-alerts.ts';
import { findSources, type FoundSource } from './care/stock/find-sources.ts';
import { makeMonitorRules } from './care/monitor/settings.ts';
import type { Source } from './care/source.ts';
import { sourceNotConfigured, unconfiguredDatabase } from './care/stock/unconfigured.ts';
import { markInterrupted } from './catalog/run.ts';
import { scratchFolder, sweepScratch } from './catalog/scratch.ts';
import { openState } from './catalog/sqlite/open-state.ts';
import type { LoadedConfig } from './config/load.ts';
import type { SourceConfig } from './config/schema.ts';
import type { EngineName } from './engines/engine.ts';
import { blankDatabase, connectDatabase } from './engines/index.ts';
import type { House } from './house.ts';
import { repeatedAt } from './schedule/memory.ts';
import { makePlans } from './schedule/plans.ts';
import { sourceSchedules } from './schedule/source-schedules.ts';
import { createChannels } from './notify/index.ts';
import { createStorage } from './storage/index.ts';
import type { Storage } from './storage/storage.ts';
import { withOptions } from './storage/with-options.ts';

export interface HouseTools {
  clock: Clock;
  logger: Logger;
  /** A file with identities that open backups (`--identity`). */
  identityFile?: string | undefined;
  /** Asks the person at the terminal for a passphrase, where there is one. */
  ask?: ((what: string) => Promise<Secret | null>) | undefined;
  /** With a copy of the state where it cannot be written. */
  goesOnWithoutState?: boolean;
  /** With a copy of the state until it can be written. */
  lasting?: boolean;
}

/** Puts the running parts together. The only place that sees configuration, engines and storages at once. */
export async function openHouse(loaded: LoadedConfig, tools: HouseTools): Promise<House> {
  const { config } = loaded;
  const { clock, logger } = tools;
  const identities = await readIdentities(loaded, tools.identityFile);
  const state = openState(config.state, tools);
  const { catalog, enduring } = state;
  markInterrupted(tools.lasting ? enduring : catalog, clock);
  await sweepScratch();
  const scratch = scratchFolder();
  const storages = new Map(
    Object.entries(config.storages).map(([name, options]) => [
      name,
      withOptions(createStorage(options.type, name, options, { clock, logger, scratch }), options, { clock, logger }),
    ]),
  );
  const keysFor = (own: SourceConfig['encryption'], places: readonly Storage[]): Keys => {
    const wanted = own === false ? null : (own ?? config.encryption);
    const passphrase = (wanted ?? config.encryption)?.passphrase;
    return sourceKeys({
      encrypt: wanted !== null,
      passphrase: passphrase === undefined ? null : new Secret(passphrase),
      recipients: wanted?.recipients ?? [],
      identities,
      memory: enduring.keys,
      storages: places,
      clock,
      ask: tools.ask,
    });
  };
  const context = { clock, logger, scratch };
  const readers = (name: string) => ({
    reader: (engine: EngineName) => unconfiguredDatabase(blankDatabase(engine, name, context), name),
    appReader: (kind: AppKind) => blankApp(kind, context),
  });
  const keepOut = placesOf(config);
  const sourceOf = async ([name, source]: [string, SourceConfig]): Promise<Source> => {
    const { database, via, dump } = source;
    const places = chosen(storages, source.storages);
    return {
      name,
      database: database ? connectDatabase({ database, via, dump }, context) : null,
      apps: await appsOf(source, keepOut, context),
      ...readers(name),
      storages: places,
      retention: source.retention,
      retentionIn: (storage) => config.storages[storage]?.retention ?? source.retention,
      keys: keysFor(source.encryption, places),
      deleteLocalAfterCopy: source.deleteLocalAfterCopy,
      // A copy that goes leaves nothing that the next backup could share.
      share: source.share && !source.deleteLocalAfterCopy,
      drill: source.drill,
      hooks: { ...source.hooks, folder: loaded.file === null ? process.cwd() : dirname(loaded.file) },
    };
  };
  const sources = await Promise.all(Object.entries(config.sources).map(sourceOf));
  const discovered = ({ name, storages: places }: FoundSource): Source => ({
    name,
    found: true,
    database: readers(name).reader('postgres'),
    apps: [],
    ...readers(name),
    storages: places,
    // Who knows nothing about a source must not thin out its backups.
    retention: { minimum: 1 },
    retentionIn: () => ({ minimum: 1 }),
    keys: keysFor(undefined, places),
    deleteLocalAfterCopy: false,
    drill: { target: 'temporary', checks: [] },
  });
  const discover = async (name: string | undefined, signal: AbortSignal): Promise<Source[]> => {
    const found = await findSources([...storages.values()], { name, signal });
    for (const { storage, error } of found.unreachable)
      logger.log('warn', `storage ${storage} could not be asked for its sources: ${toHoldfastError(error).message}`);
    return found.sources.map(discovered);
  };
  const everySource = async (signal: AbortSignal) => (sources.length > 0 ? sources : discover(undefined, signal));
  const plans = makePlans({ ...config, ...config.monitor });
  const version = readVersion();
  const instance = config.instance ?? hostname();
  const channels = createChannels(config.alerts.channels, { clock, logger, version });
  const alerts = openAlerts({
    ...config.alerts,
    channels,
    remindAfterMs: config.alerts.remindAfter,
    catalog,
    clock,
    logger,
    instance,
    timezone: config.timezone,
    publicUrl: config.server === null ? null : config.server.publicUrl,
    sources: sources.map(({ name }) => name),
    retryAt: (operation, source) => {
      const plan = plans.all.find((each) => each.kind === operation && each.source === source);
      return plan === undefined ? null : repeatedAt(plan, catalog);
    },
    placeOf: (name) => {
      const storage = storages.get(name);
      const kind = config.storages[name]?.type;
      return storage && kind ? { kind, title: storage.title } : null;
    },
  });
  const telling = state.isCopy ? null : commandAlerts({ alerts, channels, catalog, clock, logger });
  return {
    loaded,
    catalog: telling?.catalog ?? catalog,
    enduring,
    sources,
    storages: [...storages.values()],
    alerts,
    plans,
    monitor: makeMonitorRules(config.monitor, (name) => config.sources[name]?.monitor),
    schedules: sourceSchedules(plans, Object.keys(config.sources)),
    clock,
    logger,
    version,
    instance,
    timezone: config.timezone,
    scratch,
    ownFolders: keepOut,
    findSources: everySource,
    source: async (name, signal) => {
      const configured = sources.find((source) => source.name === name);
      if (configured) return configured;
      if (name === undefined) return onlySource(await everySource(signal));
      const [found] = await discover(name, signal).catch((error: unknown): Source[] => {
        // A misspelt name must not look like a storage that is down.
        if (sources.length > 0 && !signal.aborted) return [];
        throw error;
      });
      if (found) return found;
      throw sourceUnknown(name, await everySource(signal));
    },
    storageOf: (source, name) => findStorage(source, name),
    folder: (path) => createStorage('local', 'folder', { type: 'local', path }, { clock, logger, scratch }),
    [Symbol.asyncDispose]: async () => {
      await telling?.[Symbol.asyncDispose]();
      await alerts[Symbol.asyncDispose]();
      await Promise.allSettled([...storages.values()].map((storage) => storage[Symbol.asyncDispose]()));
      state[Symbol.dispose]();
      await removeScratch(scratch);
    },
  };
}

/** What the program writes itself: never part of a file tree. */
function placesOf({ state, storages }: LoadedConfig['config']): string[] {
  return [state, ...Object.values(storages).flatMap((storage) => (storage.type === 'local' ? [storage.path] : []))];
}

function appsOf({ files, app }: SourceConfig, keepOut: readonly string[], context: AppContext): Promise<App[]> {
  return createApps({ files: files.map((tree) => ({ ...tree, keepOut })), app: app ?? null }, context);
}

async function readIdentities({ identity }: LoadedConfig, file: string | undefined): Promise<Secret[]> {
  const given = identity === null ? [] : parseIdentities(identity.reveal(), 'HOLDFAST_IDENTITY');
  if (file === undefined) return given;
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new HoldfastError('FILE_NOT_FOUND', `the identity file ${file} cannot be read`, { kind: 'usage', cause });
  });
  return [...parseIdentities(text, file), ...given];
}

function chosen(storages: Map<string, Storage>, names: readonly string[]): [Storage, ...Storage[]] {
  const [first, ...rest] = names.map((name) => storages.get(name)).filter((storage) => storage !== undefined);
  if (!first) throw new HoldfastError('CONFIG_INVALID', 'a source without a storage', { kind: 'usage' });
  return [first, ...rest];
}

function onlySource(sources: readonly Source[]): Source {
  const [only, ...others] = sources;
  if (!only) throw sourceNotConfigured(null);
  if (others.length === 0) return only;
  throw new HoldfastError('SOURCE_NEEDED', 'there are several sources', {
    kind: 'usage',
    hint: `Say which one with \`--source\`: ${sources.map(({ name }) => name).join(', ')}.`,
  });
}

function sourceUnknown(name: string, sources: readonly Source[]): HoldfastError {
  return new HoldfastError('SOURCE_UNKNOWN', `there is no source named "${name}"`, {
    kind: 'usage',
    hint:
      sources.length === 0
        ? 'The storages hold no backups.'
        : `There are: ${sources.map((each) => each.name).join(', ')}.`,
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
