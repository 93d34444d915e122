import type { Artifact } from '../archive/manifest.ts';
import type { BackupWriter } from '../archive/writer.ts';
import { step, type Report } from '../base/progress.ts';
import { formatBytes, formatCount } from '../base/units.ts';
import type { App, AppDatabase, Saving } from '../apps/app.ts';
import type { Source } from '../care/source.ts';
import type { Snapshot } from '../engines/engine.ts';
import type { EarlyCopies } from './early-copies.ts';

export interface OpenApps extends AsyncDisposable {
  readonly opened: readonly { app: App; saving: Saving }[];
}

/** Folders and applications look at themselves before the dump begins: hours later is too late to learn of a missing right. */
export async function openApps(
  source: Source,
  snapshot: Snapshot | null,
  options: { encrypted: boolean; only: Parts; signal: AbortSignal },
): Promise<OpenApps> {
  const { signal, encrypted, only } = options;
  const database = snapshot && databaseFor(source, snapshot);
  await using doors = new AsyncDisposableStack();
  const opened: { app: App; saving: Saving }[] = [];
  for (const app of source.apps) {
    if (!wants(only, app.kind === 'files' ? 'files' : 'app')) continue;
    opened.push({ app, saving: doors.use(await app.open({ encrypted, database }, signal)) });
  }
  const kept = doors.move();
  return { opened, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What a backup shall hold; null: all that the source has. */
export type Parts = readonly ('database' | 'files' | 'app')[] | null;

export function wants(parts: Parts, part: 'database' | 'files' | 'app'): boolean {
  return parts === null || parts.includes(part);
}

function databaseFor({ database }: Source, { facts }: Snapshot): AppDatabase | null {
  if (!database) return null;
  return {
    engine: facts.engine,
    name: facts.name,
    serverVersion: facts.serverVersion,
    select: (query, signal) => database.select(query, signal),
  };
}

export interface SavedApps {
  artifacts: Artifact[];
  files: Record<string, unknown> | null;
  app: Record<string, unknown> | null;
  warnings: string[];
}

/** One after the other, each as a step of its own. */
export async function saveApps(
  { opened }: OpenApps,
  writer: BackupWriter,
  copies: EarlyCopies,
  { signal, report }: { signal: AbortSignal; report: Report },
): Promise<SavedApps> {
  const saved: SavedApps = { artifacts: [], files: null, app: null, warnings: [] };
  for (const { app, saving } of opened) {
    const role = app.kind === 'files' ? 'files' : 'app';
    const artifacts = await step(
      report,
      app.kind,
      async () => {
        const stored: Artifact[] = [];
        for await (const part of saving.parts(signal)) {
          const added = await writer.add({ ...part, role }, { signal, report });
          copies.add(added);
          stored.push(...added);
        }
        return stored;
      },
      (done) =>
        `${app.title}: ${formatCount(done.length, 'file')}, ${formatBytes(done.reduce((sum, each) => sum + each.bytes, 0))} stored`,
    );
    saved.artifacts.push(...artifacts);
    saved.warnings.push(...saving.warnings);
    saved[role] = role === 'app' ? { kind: app.kind, ...saving.facts() } : saving.facts();
  }
  return saved;
}
