import { createGzip } from 'node:zlib';
import { openArchive } from '../../archive/reader.ts';
import { HoldfastError } from '../../base/errors.ts';
import { resolveBackup } from '../../care/stock/select.ts';
import type { ListedBackup } from '../../care/stock/listing.ts';
import { readingLock } from '../../care/proof/verify.ts';
import { liveName, type Source } from '../../care/source.ts';
import { holdLock } from '../../catalog/lease.ts';
import { parseDuration } from '../../base/units.ts';
import { isBranch, valueAt, type Path } from '../../config/path.ts';
import type { Action } from '../../access/roles.ts';
import type { RunView } from '../contract.ts';
import { restoreBody } from '../restore-body.ts';
import { begin, finished } from '../handlers/send-file.ts';
import { runUnknown, sourceFor, type ApiParts } from '../handlers/parts.ts';
import type { Call, Handler, Handlers } from '../register.ts';
import type { OpsRoutes } from './contract.ts';
import { describeFile, fileNameOf, inMegabytes } from './names.ts';

export type OpsHandlers = { readonly [Name in keyof OpsRoutes]: Handler<OpsRoutes[Name]> };
type Used = Pick<Handlers, 'createBackup' | 'restore' | 'deleteBackup' | 'prune' | 'changeSettings' | 'downloadBackup'>;

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** What scripts and pipelines of Ops-Center call, done by the same routes as everything else. */
export function opsHandlers(parts: ApiParts, v1: Used): OpsHandlers {
  const { house, listings, work } = parts;
  const sourceOf = (call: Call & { query: { source?: string | undefined } }, action: Action) =>
    sourceFor(parts, call, call.query.source, action);
  const whole = (source: Source) => listings.of(source).backups.filter(({ state }) => state === 'complete');
  const named = (source: Source, name: string): ListedBackup => {
    const found = whole(source).find((backup) => fileNameOf(source, backup) === name);
    if (found) return found;
    throw new HoldfastError('BACKUP_UNKNOWN', `there is no backup ${JSON.stringify(name)}`, {
      kind: 'usage',
      hint: 'The list of backups has their names.',
    });
  };
  /** These clients know no runs: they get the end, or what kept it from being good. */
  const endOf = async ({ id }: RunView): Promise<string> => {
    await work.endOf(id);
    const run = house.catalog.runs.get(id);
    if (!run) throw runUnknown(id);
    if (run.state === 'succeeded' || run.state === 'partial') return run.backup ?? '';
    const { code = 'RUN_FAILED', message = `the run ended as ${run.state}`, hint = null } = run.error ?? {};
    throw new HoldfastError(code, message, hint === null ? {} : { hint });
  };
  const statusOf = (source: Source) => {
    const plan = house.plans.all.find(({ kind, source: of }) => kind === 'backup' && of === source.name);
    const every = valueAt(house.loaded.settings, ['sources', source.name, 'schedule', 'every']);
    const everyMs = typeof every === 'string' ? parseDuration(every) : null;
    const { maxAgeMs, last } = source.retention;
    const enabled = plan !== undefined && house.plans.enabled;
    const backups = whole(source);
    return {
      enabled,
      backup_directory: source.storages[0].title,
      retention_days: maxAgeMs === undefined ? null : maxAgeMs / dayMs,
      max_backups: last ?? null,
      interval_hours: everyMs === null ? null : everyMs / hourMs,
      total_backups: backups.length,
      auto_backup_enabled: enabled,
      total_size_mb: inMegabytes(backups.reduce((sum, { bytes }) => sum + bytes, 0)),
    };
  };

  return {
    opsCreate: async (call) => {
      const source = await sourceOf(call, 'backup');
      const { description = null } = call.body;
      const body = { source: source.name, description, only: null };
      const { run } = await v1.createBackup({ ...call, params: undefined, query: {}, body });
      call.request.raw.socket.setTimeout(0);
      const id = await endOf(run);
      const made = whole(source).find((backup) => backup.id === id);
      if (!made) throw runUnknown(run.id);
      return { success: true, message: 'Backup created successfully', backup: describeFile(source, made) };
    },
    opsList: async (call) => {
      const source = await sourceOf(call, 'read');
      return whole(source).map((backup) => {
        const { filename, size_mb, created_at, description, compressed } = describeFile(source, backup);
        return { filename, size_mb, created_at, description, compressed };
      });
    },
    opsRestore: async (call) => {
      const source = await sourceOf(call, 'restore');
      const { backup_filename: name } = call.body;
      const { id } = named(source, name);
      // Naming the file is the only confirmation that these clients know; what is live is backed up first.
      const body = restoreBody.parse({ source: source.name, id, confirm: liveName(source) });
      const { run } = await v1.restore({ ...call, params: undefined, query: {}, body });
      call.request.raw.socket.setTimeout(0);
      await endOf(run);
      return { success: true, message: 'Database restored successfully', backup_file: name };
    },
    opsStatus: async (call) => statusOf(await sourceOf(call, 'read')),
    opsCleanup: async (call) => {
      const source = await sourceOf(call, 'prune');
      const before = whole(source).length;
      const { run } = await v1.prune({ ...call, params: undefined, query: {}, body: { source: source.name } });
      call.request.raw.socket.setTimeout(0);
      await endOf(run);
      return { success: true, message: `Cleanup completed, ${before - whole(source).length} removed` };
    },
    opsSettings: async (call) => {
      const { name } = await sourceOf(call, 'settings');
      const { retention_days: days, max_backups: count, interval_hours: hours, auto_backup_enabled: on } = call.body;
      const at = (...path: string[]) => ['sources', name, ...path];
      const scheduled = statusOf(await sourceOf(call, 'settings'));
      const schedule = valueAt(house.loaded.settings, at('schedule'));
      const changes = [
        ...(days === undefined ? [] : [{ path: at('retention', 'maxAge'), value: `${days}d` }]),
        ...(count === undefined ? [] : [{ path: at('retention', 'last'), value: count }]),
        ...(isBranch(schedule) ? changesOf(schedule, at('schedule'), { hours, on }) : firstSchedule(at, { hours, on })),
      ];
      if (changes.length > 0) {
        await v1.changeSettings({ ...call, params: undefined, query: undefined, body: { changes } });
      }
      const settings = {
        ...scheduled,
        ...(days === undefined ? {} : { retention_days: days }),
        ...(count === undefined ? {} : { max_backups: count }),
        ...(hours === undefined ? {} : { interval_hours: hours }),
        ...(on === undefined ? {} : { enabled: on, auto_backup_enabled: on }),
      };
      return { success: true, message: 'Settings updated successfully', settings };
    },
    opsDownload: async (call) => {
      const source = await sourceOf(call, 'download');
      const { id } = named(source, call.params.filename);
      call.note({ target: id });
      const { catalog, scratch } = house;
      const { storage } = await resolveBackup({ source, storage: null, id, catalog, signal: call.signal });
      const { keys } = source;
      await using lease = await holdLock({
        ...house,
        name: readingLock(source.name, id),
        run: null,
        mode: 'shared',
        signal: call.signal,
      });
      const { signal } = lease;
      const dump = (await openArchive({ storage, source: source.name, id, keys, scratch, signal })).dump();
      if (dump.format !== 'plain') {
        return await v1.downloadBackup({ ...call, params: { source: source.name, id }, query: {}, body: undefined });
      }
      const content = await dump.open(signal);
      const gzip = content.on('error', (error) => gzip.destroy(error)).pipe(createGzip({ level: 6 }));
      begin(call, { name: call.params.filename, type: 'application/gzip', headers: {} }, gzip);
      await finished(call);
    },
    opsDelete: async (call) => {
      const source = await sourceOf(call, 'delete');
      const { id } = named(source, call.params.filename);
      call.note({ target: id });
      const params = { source: source.name, id };
      const { run } = await v1.deleteBackup({ ...call, params, query: { allowLast: false }, body: undefined });
      await endOf(run);
      return { success: true, message: 'Backup deleted successfully' };
    },
  };
}

interface Switches {
  hours: number | undefined;
  on: boolean | undefined;
}

/** Switched off and on again, everything that these clients know nothing of is as it was. */
function changesOf(schedule: object, path: Path, { hours, on }: Switches): Change[] {
  const at = (name: string) => [...path, name];
  const replaced = ['cron', 'timezone'].filter(
    (name) => hours !== undefined && valueAt(schedule, [name]) !== undefined,
  );
  return [
    ...(hours === undefined ? [] : [{ path: at('every'), value: `${hours}h` }]),
    ...replaced.map((name) => ({ path: at(name), value: null })),
    ...(on === undefined ? [] : [{ path: at('enabled'), value: on ? null : false }]),
  ];
}

function firstSchedule(at: (...path: string[]) => string[], { hours, on }: Switches): Change[] {
  if (on === false || (hours === undefined && on === undefined)) return [];
  return [{ path: at('schedule'), value: { every: `${hours ?? 24}h` } }];
}

interface Change {
  path: (string | number)[];
  value: unknown;
}
