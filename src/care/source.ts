import type { Keys } from '../archive/keys.ts';
import type { Database } from '../engines/engine.ts';
import type { Storage } from '../storage/storage.ts';
import type { RetentionRules } from './retention.ts';

/** One thing to protect, wired: what recipes are given instead of configuration. */
export interface Source {
  readonly name: string;
  readonly database: Database;
  /** Never empty; the first is the primary. */
  readonly storages: readonly [Storage, ...Storage[]];
  readonly retention: RetentionRules;
  /** For a storage with rules of its own; otherwise the source's. */
  readonly retentionIn: (storage: string) => RetentionRules;
  readonly keys: Keys;
  /** Copies on this machine go once every other storage has a whole one. */
  readonly deleteLocalAfterCopy: boolean;
  readonly drill: { target: 'same' | 'temporary' | { address: string }; checks: readonly string[] };
  readonly hooks?: Hooks;
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
