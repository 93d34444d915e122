import type { AppDatabase, AppGuard } from '../apps/app.ts';
import type { StoredBackup } from '../archive/reader.ts';
import type { Source } from '../care/source.ts';
import type { Database, TargetFacts } from '../engines/engine.ts';
import type { Guard, RestoreMode } from './guards.ts';

interface Asked {
  source: Source;
  allowed: readonly string[];
}

interface Going {
  mode: RestoreMode;
  archive: StoredBackup | null;
  target: Database;
  targetFacts: TargetFacts | null;
}

/**
 * What the application demands of a database that goes live under it. What the operator's own command before the restore is there for, to
 * stop it, is left to that: `momentaryBlocks` tells whether it did.
 */
export async function guardsOfApp(request: Asked, going: Going, signal: AbortSignal): Promise<Guard[]> {
  const stops = request.source.hooks?.restore?.before !== undefined;
  return (await ask(request, going, signal)).map(({ momentary, ...guard }) => {
    if (!momentary || !stops || guard.result !== 'block') return guard;
    const detail = `${guard.detail}. That is left to the hook \`before\` of restores, and looked at again after it`;
    return { ...guard, result: 'warn', detail };
  });
}

/** What stands in the way now, of what can change from one moment to the next. */
export async function momentaryBlocks(request: Asked, going: Going, signal: AbortSignal): Promise<Guard[]> {
  const now = await ask(request, going, signal);
  return now.flatMap(({ momentary, ...guard }) => (momentary && guard.result === 'block' ? [guard] : []));
}

/** What runs would go on with the database that a way back puts away. */
export async function runningApps({ source: { apps }, allowed }: Asked, signal: AbortSignal): Promise<Guard[]> {
  const found: Guard[] = [];
  for (const { guards } of apps) {
    if (!guards) continue;
    const { momentary: _, ...guard } = await guards.stopped({ allowed, signal });
    found.push(guard);
  }
  return found;
}

/** Beside the live database, no application has anything to demand. */
async function ask(
  { source, allowed }: Asked,
  { mode, archive, target, targetFacts }: Going,
  signal: AbortSignal,
): Promise<AppGuard[]> {
  const facts = archive?.manifest.app;
  const guards = facts && source.apps.find(({ kind }) => kind === facts['kind'])?.guards;
  if (!facts || !guards || mode === 'new') return [];
  const live = targetFacts && appDatabase(target, targetFacts.facts.serverVersion);
  return guards.before({ facts }, live, { allowed, signal });
}

export function appDatabase(database: Database, serverVersion: string): AppDatabase {
  return {
    engine: database.engine,
    name: database.name,
    serverVersion,
    select: (query, signal) => database.select(query, signal),
  };
}
