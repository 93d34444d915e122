import type { ForeignFile } from '../archive/foreign/file.ts';
import type { Artifact } from '../archive/format/manifest.ts';
import type { BackupWriter } from '../archive/writer.ts';
import { step, type Report } from '../base/progress.ts';
import { formatBytes, formatCount } from '../base/units.ts';
import type { Source } from '../care/source.ts';

/** Whether the source has an application that takes in what its own program saved. */
export function adoptsApp({ apps }: Pick<Source, 'apps'>, kind: unknown): boolean {
  return apps.some((app) => app.kind === kind && app.adopt !== undefined);
}

export interface AdoptedApp {
  artifacts: Artifact[];
  app: Record<string, unknown> | null;
  warnings: string[];
}

/** Stores what a foreign backup holds beside its database as the application would have saved it. */
export async function adoptApp(
  { apps }: Pick<Source, 'apps'>,
  { app: facts, members }: Pick<ForeignFile, 'app' | 'members'>,
  { writer, signal, report }: { writer: BackupWriter; signal: AbortSignal; report: Report },
): Promise<AdoptedApp> {
  const app = apps.find((each) => each.kind === facts?.['kind']);
  if (!facts || !app?.adopt) return { artifacts: [], app: facts, warnings: [] };
  await using saving = await app.adopt({ facts, members }, { encrypted: writer.key !== null }, signal);
  const artifacts = await step(
    report,
    app.kind,
    async () => {
      const stored: Artifact[] = [];
      for await (const part of saving.parts(signal)) {
        stored.push(...(await writer.add({ ...part, role: 'app' }, { signal, report })));
      }
      return stored;
    },
    (done) =>
      `${formatCount(done.length, 'file')}, ${formatBytes(done.reduce((sum, each) => sum + each.bytes, 0))} stored`,
  );
  return { artifacts, app: { kind: app.kind, ...saving.facts() }, warnings: saving.warnings };
}
