import type { App, AppKind } from '../apps/app.ts';
import type { Keys } from '../archive/keys/keys.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Database, EngineName } from '../engines/engine.ts';
import type { Storage } from '../storage/storage.ts';
import type { RetentionRules } from './retention.ts';

/** One thing to protect, wired: what recipes are given instead of configuration. */
export interface Source {
  readonly name: string;
  /** Nobody configured it: only its backups tell of it, and of what kind its database was tells each of them. */
  readonly found?: true;
  /** Null: folders or an application alone. */
  readonly database: Database | null;
  /** File trees and the application, in the order they are saved: after the database. */
  readonly apps: readonly App[];
  /** Reads dumps of an engine that is not the one configured here, or where none is. */
  readonly reader: (engine: EngineName) => Database;
  /** Reads what an application of this kind gave, where none is configured here; null: only a configured one can. */
  readonly appReader: (kind: AppKind) => Promise<App | null>;
  /** Never empty; the first is the primary. */
  readonly storages: readonly [Storage, ...Storage[]];
  readonly retention: RetentionRules;
  /** For a storage with rules of its own; otherwise the source's. */
  readonly retentionIn: (storage: string) => RetentionRules;
  readonly keys: Keys;
  /** Copies on this machine go once every other storage has a whole one. */
  readonly deleteLocalAfterCopy: boolean;
  /** What did not change since the last backup is stored once, where the storage makes that cheap; absent: it is not. */
  readonly share?: boolean;
  readonly drill: { target: 'same' | 'temporary' | { address: string }; checks: readonly string[] };
  readonly hooks?: Hooks;
}

/** For what only a database can do. */
export function databaseOf({ database, name }: Pick<Source, 'database' | 'name'>): Database {
  if (database) return database;
  throw new HoldfastError('SOURCE_WITHOUT_DATABASE', `the source ${name} has no database`, {
    kind: 'usage',
    hint: 'This is only for sources with a `database` in the configuration.',
  });
}

/** Who reads a dump of this engine: the source's own database where it is of that kind. */
export function readerOf(
  { database, reader }: Pick<Source, 'database' | 'reader'>,
  engine: string | undefined,
): Database {
  if (database && (engine === undefined || family(engine) === family(database.engine))) return database;
  return reader(isEngine(engine) ? engine : 'postgres');
}

/** Who reads what a backup holds beside its dump; null: nobody here can. */
export async function appOf(
  { apps, appReader }: Pick<Source, 'apps' | 'appReader'>,
  role: 'files' | 'app',
  facts: Record<string, unknown>,
): Promise<App | null> {
  const kind = role === 'files' ? 'files' : facts['kind'];
  const own = apps.find((app) => app.kind === kind);
  if (own) return own;
  return kind === 'files' || kind === 'nocodb' || kind === 'nocobase' ? appReader(kind) : null;
}

/** MariaDB's dumps are MySQL's, as far as reading goes. */
export function family(engine: string): string {
  return engine === 'mariadb' ? 'mysql' : engine;
}

function isEngine(name: string | undefined): name is EngineName {
  return name === 'postgres' || name === 'mysql' || name === 'mariadb' || name === 'sqlite';
}

/** For people: what the source protects. No secret in it. */
export function titleOf({ database, apps }: Pick<Source, 'database' | 'apps'>): string {
  return database?.title ?? apps.map(({ title }) => title).join(', ');
}

/** What has to be typed before it is replaced. */
export function liveName({ database, name }: Pick<Source, 'database' | 'name'>): string {
  return database?.name ?? name;
}

/** A command of the operator's: words, never put together from names or data. */
export interface Hook {
  readonly program: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  /** `fail`: the run fails with it. */
  readonly onFailure: 'fail' | 'warn';
  readonly env: Readonly<Record<string, string>>;
}

export interface HookMoments {
  readonly before: Hook | null;
  /** After success. */
  readonly after: Hook | null;
  /** After a failure, and when the run was stopped. */
  readonly failed: Hook | null;
}

/** Around backups, and around restores into the live database. */
export interface Hooks extends HookMoments {
  /** Where they run: the folder of the configuration. */
  readonly folder: string;
  readonly restore: HookMoments;
}
