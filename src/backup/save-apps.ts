import type { Artifact } from '../archive/format/manifest.ts';
import type { Sharing } from '../archive/objects/sharing.ts';
import type { BackupWriter } from '../archive/writer.ts';
import { throwIfAborted } from '../base/abort.ts';
import { toHoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import { formatBytes, formatCount } from '../base/units.ts';
import type { App, AppDatabase, Saving } from '../apps/app.ts';
import type { Source } from '../care/source.ts';
import type { Snapshot } from '../engines/engine.ts';
import type { EarlyCopies } from './early-copies.ts';

export interface OpenApps extends AsyncDisposable {
  readonly opened: readonly { app: App; saving: Saving }[];
  /** Optional ones that cannot be saved now. */
  readonly failed: readonly FailedPart[];
  readonly lacks: readonly Role[];
}

type Role = 'files' | 'app';

export interface FailedPart {
  part: string;
  code: string;
  message: string;
}

/** Folders and applications look at themselves before the dump begins: hours later is too late to learn of a missing right. */
export async function openApps(
  source: Source,
  snapshot: Snapshot | null,
  options: { encrypted: boolean; sharing: Sharing | null; only: Parts; signal: AbortSignal },
): Promise<OpenApps> {
  const { signal, encrypted, sharing, only } = options;
  const shared = sharing && { previous: sharing.previous };
  const database = snapshot && databaseFor(source, snapshot);
  await using doors = new AsyncDisposableStack();
  const opened: { app: App; saving: Saving }[] = [];
  const failed: FailedPart[] = [];
  const lacks: Role[] = [];
  for (const app of source.apps) {
    if (!wants(only, roleOf(app))) continue;
    try {
      opened.push({ app, saving: doors.use(await app.open({ encrypted, database, shared }, signal)) });
    } catch (error) {
      throwIfAborted(signal);
      if (!app.optional || snapshot === null) throw error;
      failed.push(failureOf(app, error));
      lacks.push(roleOf(app));
    }
  }
  const kept = doors.move();
  return { opened, failed, lacks, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What a backup shall hold; null: all that the source has. */
export type Parts = readonly ('database' | 'files' | 'app')[] | null;

/** The parts of a source that a backup of these holds; null when they are all it has. */
export function lessThanAll(source: Pick<Source, 'database' | 'apps'>, parts: Parts): Exclude<Parts, null> | null {
  const all = [...(source.database ? ['database' as const] : []), ...new Set(source.apps.map(roleOf))];
  return all.every((part) => wants(parts, part)) ? null : all.filter((part) => wants(parts, part));
}

/** As a manifest says it: what it does not say is true of whole ones. */
export function asked(source: Pick<Source, 'database' | 'apps'>, only: Parts): { only?: string[] } {
  const parts = lessThanAll(source, only);
  return parts === null ? {} : { only: [...parts] };
}

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
  failed: FailedPart[];
  /** Of which kind those are. */
  lacks: Role[];
}

interface Task {
  writer: BackupWriter;
  copies: EarlyCopies;
  /** Something else is in this backup: what is optional may be missing from it. */
  others: boolean;
  signal: AbortSignal;
  report: Report;
}

/** A manifest is no log. */
const mostTold = 100;

/** One after the other, each as a step of its own. */
export async function saveApps({ opened, failed, lacks }: OpenApps, task: Task): Promise<SavedApps> {
  const { copies, others, signal, report } = task;
  const saved: SavedApps = {
    artifacts: [],
    files: null,
    app: null,
    warnings: [],
    failed: [...failed],
    lacks: [...lacks],
  };
  for (const { app, saving } of opened) {
    const role = roleOf(app);
    let artifacts: Artifact[];
    try {
      const lacking: FailedPart[] = [];
      artifacts = await step(report, app.kind, () => saveApp(saving, lacking, role, task), describeSaved(app));
      saved.failed.push(...lacking);
      if (lacking.length > 0) lack(saved, role);
    } catch (error) {
      throwIfAborted(signal);
      if (!app.optional || !others) throw error;
      saved.failed.push(failureOf(app, error));
      lack(saved, role);
      continue;
    }
    // Not before all of it is there: what is taken back must not be on its way to another storage.
    copies.add(artifacts);
    saved.artifacts.push(...artifacts);
    saved.warnings.push(...saving.warnings);
    saved[role] = role === 'app' ? { kind: app.kind, ...saving.facts() } : saving.facts();
  }
  const told = saved.failed.slice(0, mostTold);
  saved.warnings.push(
    ...told.map(({ part, message, code }) => `${part} is not in this backup: ${message} (${code})`),
    ...(saved.failed.length > mostTold ? [`and ${saved.failed.length - mostTold} more parts are not in it`] : []),
  );
  return saved;
}

function roleOf({ kind }: Pick<App, 'kind'>): Role {
  return kind === 'files' ? 'files' : 'app';
}

function lack({ lacks }: SavedApps, role: Role): void {
  if (!lacks.includes(role)) lacks.push(role);
}

async function saveApp(
  saving: Saving,
  lacking: FailedPart[],
  role: Role,
  { writer, signal, report }: Task,
): Promise<Artifact[]> {
  const stored: Artifact[] = [];
  try {
    for await (const part of saving.parts(signal)) {
      try {
        stored.push(...(await writer.add({ ...part, role }, { signal, report })));
      } catch (error) {
        throwIfAborted(signal);
        if (part.optional !== true) throw error;
        const { code, message } = toHoldfastError(error);
        lacking.push({ part: part.name, code, message });
      }
    }
    return stored;
  } catch (error) {
    await writer.discard(stored).catch(() => undefined);
    throw error;
  }
}

function describeSaved({ title }: App): (artifacts: readonly Artifact[]) => string {
  return (artifacts) => {
    const bytes = artifacts.reduce((sum, each) => sum + each.bytes, 0);
    return `${title}: ${formatCount(artifacts.length, 'file')}, ${formatBytes(bytes)} stored`;
  };
}

function failureOf({ title }: App, error: unknown): FailedPart {
  const { code, message } = toHoldfastError(error);
  return { part: title, code, message };
}
