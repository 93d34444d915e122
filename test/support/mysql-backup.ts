import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { wholeLoad } from './whole-load.ts';
import type { Counts, Database, DatabaseFacts, LoadOptions, StoredDump } from '../../src/engines/engine.ts';
import { storedAt } from './mysql-server.ts';

export interface TakenDump {
  dump: StoredDump;
  path: string;
  counts: Counts;
  facts: DatabaseFacts;
  warnings: string[];
  isolation: string;
}

export const never = new AbortController().signal;

/** What the backup recipe does with a database, without an archive around it. */
export async function takeDump(
  database: Database,
  folder: string,
  options: { folders?: boolean; meanwhile?: () => Promise<void> } = {},
): Promise<TakenDump> {
  await using snapshot = await database.open({ folders: options.folders ?? true }, never);
  await options.meanwhile?.();
  const counting = snapshot.count(never);
  counting.catch(() => undefined);
  let dump: StoredDump | null = null;
  let path = '';
  for await (const part of snapshot.parts(never)) {
    path = join(folder, `${process.hrtime.bigint()}-${part.name}`);
    if (part.kind === 'stream') await pipeline(part.open(never), createWriteStream(path));
    else {
      await mkdir(path);
      await part.write(path, never);
    }
    dump = storedAt(path, part.format);
  }
  const counts = await snapshot.settleSequences(await counting, never);
  if (!dump) throw new Error('there was no part');
  const { facts, warnings } = snapshot;
  return { dump, path, counts, facts, warnings, isolation: snapshot.snapshot.isolation };
}

/** Loads a dump into a new database and counts what came. */
export async function bringBack(
  target: Database,
  taken: Pick<TakenDump, 'dump' | 'facts' | 'counts'>,
  options: Partial<LoadOptions> = {},
): Promise<{ warnings: string[]; counts: Counts }> {
  await target.create(taken.facts, 'test', never);
  const { warnings } = await target.load(taken.dump, { ...wholeLoad, ...options }, never);
  await target.analyze(never);
  const fingerprints = taken.counts.tables.some(({ fingerprint }) => fingerprint !== null);
  return { warnings, counts: await target.count({ tables: null, sequences: true, fingerprints }, never) };
}
