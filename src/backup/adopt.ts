import { databaseOf } from '../care/source.ts';
import { cp } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ForeignFile } from '../archive/foreign/file.ts';
import { openBackup } from '../archive/writer.ts';
import { step } from '../base/progress.ts';
import { copyEverywhere } from '../care/copies/copies.ts';
import { listBackups } from '../care/stock/listing.ts';
import { describeLeftOut, findLacking } from '../care/stock/left-out.ts';
import { rehearse } from '../care/proof/rehearse.ts';
import { thenDrop } from '../care/proof/scratch.ts';
import { nameBeside } from '../care/proof/scratch-name.ts';
import { holdLock } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import type { Counts, Database, DatabaseFacts, DumpPart, StoredDump } from '../engines/engine.ts';
import { adoptApp } from './adopt-app.ts';
import { lessThanAll } from './save-apps.ts';
import { proveReadable } from './prove-readable.ts';
import { sourceLock, type BackupResult, type BackupTask } from './backup.ts';

export interface AdoptTask extends Omit<BackupTask, 'trigger' | 'safetyFor'> {
  foreign: ForeignFile;
  /** Feed a plain script of foreign origin to the interpreter. */
  allowScript: boolean;
  /** Even with tools that a hostile dump is known to be able to misuse. */
  allowUnpatched: boolean;
  /** Load it with a role that may start programs on the server. */
  allowSuperuser: boolean;
}

/**
 * Takes in a dump that was not made here. It is restored into a scratch database first: what cannot be restored is not taken in,
 * and the counts of what came out become the manifest's.
 */
export async function adopt(task: AdoptTask): Promise<BackupResult> {
  const { source, catalog, clock, signal, report } = task;
  return withRun(
    { operation: 'import', source: source.name, trigger: 'import', catalog, clock, signal, report },
    async (run) => {
      await using lease = await holdLock({ catalog, clock, name: sourceLock(source), run: run.id, signal: run.signal });
      const inside = { ...task, signal: lease.signal, report: run.report };
      const started = clock.monotonic();
      const database = databaseOf(source);
      const { foreign } = task;
      const dump = await foreign.open({
        scratch: task.scratch,
        recognise: (head) => database.recognise(head),
        signal: lease.signal,
      });
      const { facts, counts, warnings } = await rehearseForeign(inside, dump, run.id);
      const [primary] = source.storages;
      await using writer = await openBackup({
        storage: primary,
        source: source.name,
        startedAt: foreign.madeAt,
        keys: source.keys,
        scratch: task.scratch,
        signal: lease.signal,
      });
      const artifacts = await step(report, 'store', () =>
        writer.add(partOf(dump), { signal: lease.signal, report: run.report }),
      );
      const beside = await adoptApp(source, foreign, { writer, signal: lease.signal, report: run.report });
      artifacts.push(...beside.artifacts);
      lease.assertHeld();
      const only = lessThanAll(source, ['database', ...(beside.app === null ? [] : ['app' as const])]);
      const manifest = await writer.seal(
        {
          id: writer.id,
          source: source.name,
          description: task.description ?? foreign.description ?? `imported from ${foreign.imported.name}`,
          trigger: 'import',
          safetyFor: null,
          startedAt: foreign.madeAt.toISOString(),
          finishedAt: clock.now().toISOString(),
          durationMs: Math.round(clock.monotonic() - started),
          holdfast: task.version,
          instance: task.instance,
          database: { ...facts, snapshot: { isolation: 'foreign', lsn: null }, ...counts },
          app: beside.app,
          files: null,
          encryption: null,
          artifacts,
          ...(only === null ? {} : { only: [...only] }),
          imported: { ...foreign.imported, ...(task.allowSuperuser ? { superuser: true } : {}) },
          warnings: [
            'imported: counts were taken after restoring it, not when it was made',
            ...foreign.notes,
            ...beside.warnings,
            ...warnings,
          ],
        },
        lease.signal,
      );
      const sealedAt = clock.now().toISOString();
      const verifyStarted = clock.monotonic();
      await proveReadable(inside, manifest.id);
      const verifyMs = Math.round(clock.monotonic() - verifyStarted);
      const copied =
        source.storages.length === 1
          ? []
          : await step(report, 'copies', () =>
              copyEverywhere({ ...inside, run: run.id, id: manifest.id, from: primary }),
            );
      // So that it is seen at once, and not only when somebody looks into the storage the next time.
      await listBackups(task, source, lease.signal);
      const state = copied.every((copy) => copy.state === 'complete') ? 'succeeded' : 'partial';
      const result: BackupResult = {
        run: run.id,
        id: manifest.id,
        source: source.name,
        state,
        only,
        durationMs: manifest.durationMs,
        sealedAt,
        verifyMs,
        bytes: artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0),
        addedBytes: artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0),
        rawBytes: null,
        artifacts,
        failed: [],
        copies: { [primary.name]: 'complete', ...Object.fromEntries(copied.map((copy) => [copy.to, copy.state])) },
        tables: counts.tables.length,
        rows: counts.tables.reduce((sum, table) => sum + (table.rows ?? 0), 0),
        removed: [],
        warnings: manifest.warnings,
      };
      return { state, backup: manifest.id, result };
    },
  );
}

async function rehearseForeign(
  task: AdoptTask,
  dump: StoredDump,
  run: string,
): Promise<{ facts: DatabaseFacts; counts: Counts; warnings: string[] }> {
  const { source, signal, report } = task;
  const database = databaseOf(source);
  const like = await database.probe(signal);
  const scratch: Database = database.named(nameBeside(like.name, 'import', run));
  return thenDrop(scratch, async () => {
    const { counts, warnings } = await rehearse({
      scratch,
      like: { ...like, owner: '' },
      note: `import of ${task.foreign.imported.name} into ${source.name}`,
      dump,
      expected: null,
      // A script names its owners and privileges itself.
      options: {
        scope: null,
        owners: dump.format === 'plain' ? 'keep' : 'none',
        policies: 'skip',
        jobs: null,
        allowForeignScript: task.allowScript,
        allowUnpatchedTools: task.allowUnpatched,
        allowSuperuser: task.allowSuperuser,
      },
      signal,
      report,
    });
    const facts = await scratch.probe(signal);
    const lacking = describeLeftOut(await findLacking(database, { dump, scope: null }, signal));
    if (lacking !== null) {
      const message = `the dump lacks what ${database.name} has: were it restored there, ${lacking}`;
      report({ kind: 'warning', message });
      warnings.push(message);
    }
    const entries = dump.format === 'plain' ? [] : await database.contents(dump, signal);
    const roles = [...new Set(entries.flatMap(({ owner }) => owner ?? []))].toSorted();
    // The scratch database is ours; name and owner are those of the database the dump will be restored as.
    const { name, owner, settings, properties } = like;
    return { facts: { ...facts, name, owner, settings, properties, roles, owners: roles }, counts, warnings };
  });
}

function partOf(dump: StoredDump): DumpPart {
  if (dump.format === 'directory') {
    return {
      kind: 'folder',
      role: 'database',
      name: 'database.dir',
      format: 'directory',
      compressedByTool: null,
      write: async (folder, signal) => {
        await using local = await dump.locally(signal);
        await cp(local.path, folder, { recursive: true });
      },
    };
  }
  const { format } = dump;
  return {
    kind: 'stream',
    role: 'database',
    name: { custom: 'database.dump', tar: 'database.tar', plain: 'database.sql', file: 'database.sqlite' }[format],
    format,
    // A custom dump is compressed inside as a rule; text and tar are not.
    compression: format === 'custom' ? { codec: 'none', level: null } : { codec: 'zstd', level: null },
    compressedByTool: null,
    open: (signal) => Readable.from(contentOf(dump, signal), { objectMode: false }),
  };
}

async function* contentOf(dump: StoredDump, signal: AbortSignal): AsyncIterable<Buffer> {
  yield* await dump.open(signal);
}
