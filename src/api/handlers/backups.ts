import { readManifest } from '../../archive/format/read-manifest.ts';
import { backup } from '../../backup/backup.ts';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { copyOne } from '../../care/copies/copies.ts';
import { drill } from '../../care/proof/drill.ts';
import { takeInventory } from '../../care/stock/inventory.ts';
import { listBackups, type ListedBackup } from '../../care/stock/listing.ts';
import { pruneEach, pruneOutcome, type PrunedStorage } from '../../care/removal/prune-each.ts';
import { markHeld } from '../../care/removal/mark-held.ts';
import { removeOne } from '../../care/removal/remove.ts';
import { resolveBackup, type ResolvedBackup } from '../../care/stock/select.ts';
import type { Source } from '../../care/source.ts';
import { verify } from '../../care/proof/verify.ts';
import { withRun } from '../../catalog/run.ts';
import { pageOf } from '../listings.ts';
import type { Call, Handlers } from '../register.ts';
import { askerOf, begun, sourceFor, sourcesFor, type ApiParts } from './parts.ts';
import { repeatable } from './repeat.ts';

type BackupRoutes =
  | 'backups'
  | 'createBackup'
  | 'backup'
  | 'changeBackup'
  | 'deleteBackup'
  | 'verifyBackup'
  | 'drillBackup'
  | 'copyBackup'
  | 'planPrune'
  | 'prune';

export function backupHandlers(parts: ApiParts): Pick<Handlers, BackupRoutes> {
  const { house, work } = parts;
  const { catalog, clock } = house;
  const findBackup = (source: Source, id: string, storage: string | undefined, signal: AbortSignal) =>
    resolveBackup({
      source,
      storage: storage === undefined ? null : house.storageOf(source, storage),
      id,
      catalog,
      signal,
    });

  return {
    backups: async (call) => {
      const { source, fresh, cursor, limit } = call.query;
      const sources =
        source === undefined ? await sourcesFor(parts, call) : [await sourceFor(parts, call, source, 'read')];
      if (fresh) for (const each of sources) await listBackups(house, each, call.signal);
      const lists = parts.listings.ofAll(sources).map(({ backups }) => backups);
      return pageOf(lists, cursor, limit);
    },
    createBackup: async (call) => {
      const source = await sourceFor(parts, call, call.body.source, 'backup');
      const { description = null, only } = call.body;
      const { trigger, asker } = askerOf(call);
      const started = await repeatable(parts, call, { source: source.name, description, only }, () =>
        work.begin(
          (run) => backup({ ...house, ...run, source, trigger: 'api', startedBy: trigger, description, only }),
          asker,
        ),
      );
      return begun(parts, call, started, call.query.wait);
    },
    backup: async (call) => {
      const source = await sourceFor(parts, call, call.params.source, 'read');
      // What is known of it is told as well while its storages are away.
      const found = await findBackup(source, call.params.id, undefined, call.signal).catch((error: unknown) => {
        throwIfAborted(call.signal);
        if (toHoldfastError(error).kind === 'usage') throw error;
        return null;
      });
      const listed = listedBackup(parts, source, found?.id ?? call.params.id);
      const manifest =
        found?.row.state === 'complete' ? await readManifest(found.storage, source.name, listed.id, call.signal) : null;
      return {
        backup: listed,
        manifest: manifest && { ...manifest },
        pending: catalog.copies
          .list({ source: source.name, backup: listed.id })
          .map(({ storage: to, attempts, nextAt, lastError }) => ({ storage: to, attempts, nextAt, lastError })),
        proofs: catalog.proofs
          .list({ source: source.name, backup: listed.id })
          .map(({ kind, at, ok, storage: where, depth, seconds, result }) => ({
            kind,
            at,
            ok,
            storage: where,
            depth,
            seconds,
            result,
          })),
      };
    },
    changeBackup: async (call) => {
      const source = await sourceFor(parts, call, call.params.source, 'hold');
      const { id } = await findBackup(source, call.params.id, undefined, call.signal);
      call.note({ target: id });
      const { held, reason = null } = call.body;
      const mark = { at: clock.now().toISOString(), reason };
      const task = { source: source.name, id, mark: held ? mark : null, catalog, clock, signal: call.signal };
      return markCopies(parts, source, id, call, (storage) => markHeld({ ...task, storage }));
    },
    deleteBackup: async (call) => {
      const { storage, allowLast, wait } = call.query;
      const source = await sourceFor(parts, call, call.params.source, 'delete');
      const { id } = await findBackup(source, call.params.id, storage, call.signal);
      call.note({ target: id });
      const storages = storage === undefined ? source.storages : [house.storageOf(source, storage)];
      const { trigger, asker } = askerOf(call);
      const started = await work.begin(
        ({ signal, report }) =>
          withRun(
            { operation: 'delete', source: source.name, backup: id, trigger, catalog, clock, signal, report },
            async (run) => ({
              state: 'succeeded',
              result: {
                ...(await removeOne({
                  source,
                  storages,
                  id,
                  allowLastGood: allowLast,
                  catalog,
                  clock,
                  run: run.id,
                  signal: run.signal,
                  report: run.report,
                })),
                run: run.id,
              },
            }),
          ),
        asker,
      );
      return begun(parts, call, started, wait);
    },
    verifyBackup: async (call) => {
      const { depth, storage } = call.body;
      const source = await sourceFor(parts, call, call.params.source, 'verify');
      const found = await findBackup(source, call.params.id, storage, call.signal);
      call.note({ target: found.id });
      const { trigger, asker } = askerOf(call);
      const started = await work.begin(
        (run) => verify({ ...house, ...run, ...placeOf(found), source, depth, trigger }),
        asker,
      );
      return begun(parts, call, started, call.query.wait);
    },
    drillBackup: async (call) => {
      const source = await sourceFor(parts, call, call.params.source, 'drill');
      const found = await findBackup(source, call.params.id, call.body.storage, call.signal);
      call.note({ target: found.id });
      const { trigger, asker } = askerOf(call);
      const started = await work.begin((run) => drill({ ...house, ...run, ...placeOf(found), source, trigger }), asker);
      return begun(parts, call, started, call.query.wait);
    },
    copyBackup: async (call) => {
      const source = await sourceFor(parts, call, call.params.source, 'copy');
      const to = house.storageOf(source, call.body.to);
      const { id } = await findBackup(source, call.params.id, undefined, call.signal);
      call.note({ target: id });
      const { trigger, asker } = askerOf(call);
      const started = await work.begin(
        ({ signal, report }) =>
          withRun(
            { operation: 'copy', source: source.name, backup: id, trigger, catalog, clock, signal, report },
            async (run) => {
              const task = { source, catalog, clock, run: run.id, signal: run.signal, report: run.report };
              const outcome = await copyOne({ ...task, id, from: null, to });
              if (outcome.state !== 'pending') {
                await takeInventory({ storage: to, source: source.name, catalog, signal: run.signal });
              }
              return {
                state: outcome.state === 'pending' ? 'partial' : 'succeeded',
                result: { ...outcome, run: run.id },
              };
            },
          ),
        asker,
      );
      return begun(parts, call, started, call.query.wait);
    },
    planPrune: async (call) => {
      const results: PrunedStorage[] = [];
      for (const source of await prunable(parts, call)) {
        const task = { ...house, source, dryRun: true, signal: call.signal, report: () => undefined };
        results.push(...(await pruneEach(task, source.storages)));
      }
      return results;
    },
    prune: async (call) => {
      const sources = await prunable(parts, call);
      const { trigger, asker } = askerOf(call);
      const [only, ...others] = sources;
      const name = others.length === 0 ? (only?.name ?? null) : null;
      const started = await work.begin(
        ({ signal, report }) =>
          withRun({ operation: 'prune', source: name, trigger, catalog, clock, signal, report }, async (run) => {
            const inside = { ...house, dryRun: false, run: run.id, signal: run.signal, report: run.report };
            run.report({ kind: 'step', step: 'retention' });
            const results: PrunedStorage[] = [];
            for (const source of sources) results.push(...(await pruneEach({ ...inside, source }, source.storages)));
            return pruneOutcome(results);
          }),
        asker,
      );
      return begun(parts, call, started, call.query.wait);
    },
  };
}

/** The named one, or all that whoever asks may see; refused as a whole where one of them may not be pruned. */
async function prunable(parts: ApiParts, call: Call & { body: { source?: string | undefined } }): Promise<Source[]> {
  const { source: named } = call.body;
  const names = named === undefined ? (await sourcesFor(parts, call)).map(({ name }) => name) : [named];
  const sources: Source[] = [];
  for (const name of names) sources.push(await sourceFor(parts, call, name, 'prune'));
  return sources;
}

function listedBackup({ listings }: ApiParts, source: Source, id: string): ListedBackup {
  const { backups } = listings.of(source);
  const found = backups.find((each) => each.id === id);
  if (found) return found;
  throw new HoldfastError('BACKUP_UNKNOWN', `there is no backup ${id} of ${source.name}`, {
    kind: 'usage',
    hint: 'GET /api/v1/backups lists them.',
  });
}

function placeOf({ storage, id }: ResolvedBackup): Pick<ResolvedBackup, 'storage' | 'id'> {
  return { storage, id };
}

/** A mark on one copy alone would let retention take the others. */
async function markCopies(
  { house, listings }: ApiParts,
  source: Source,
  id: string,
  { signal }: Call,
  mark: (storage: Source['storages'][number]) => Promise<void>,
): Promise<{ storages: string[] }> {
  const copies = listings.of(source).backups.find((each) => each.id === id)?.copies ?? {};
  const storages: string[] = [];
  let failure: { error: unknown } | undefined;
  for (const storage of source.storages) {
    if (copies[storage.name] === 'missing' || copies[storage.name] === 'pending') continue;
    try {
      await mark(storage);
      await takeInventory({ storage, source: source.name, catalog: house.catalog, signal });
      storages.push(storage.name);
    } catch (error) {
      throwIfAborted(signal);
      failure ??= { error: toHoldfastError(error) };
    }
  }
  if (failure) throw failure.error;
  return { storages };
}
