import type { Clock } from './base/clock.ts';
import type { Logger } from './base/logger.ts';
import type { Alerts } from './care/alerts/alerts.ts';
import type { MonitorRules, SourceSchedule } from './care/monitor/settings.ts';
import type { Source } from './care/source.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { LoadedConfig } from './config/load.ts';
import type { Plans } from './schedule/plans.ts';
import type { Storage } from './storage/storage.ts';

/** The running parts, put together by `wiring.ts` and given to commands. */
export interface House extends AsyncDisposable {
  readonly loaded: LoadedConfig;
  readonly catalog: Catalog;
  /** Of the same state, for what must go on while it cannot be written. */
  readonly enduring: Catalog;
  /** Those that are configured. */
  readonly sources: readonly Source[];
  readonly storages: readonly Storage[];
  readonly alerts: Alerts;
  readonly plans: Plans;
  /** What `check` goes by. */
  readonly monitor: MonitorRules;
  /** The plans of sources, as far as the monitor needs them. */
  readonly schedules: readonly SourceSchedule[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
  readonly instance: string;
  readonly timezone: string;
  /** A folder for short-lived files. */
  readonly scratch: string;
  /** What the program writes itself: nothing else belongs there. */
  readonly ownFolders: readonly string[];
  /** Those that are configured; where none is, those whose backups the storages hold. */
  findSources(signal: AbortSignal): Promise<readonly Source[]>;
  /**
   * The named source, configured or only lying in a storage; without a name the only one. Rejects with `SOURCE_UNKNOWN`,
   * `SOURCE_NEEDED` (listing the names) or, where neither a configuration nor a storage knows any, `SOURCE_NOT_CONFIGURED`.
   */
  source(name: string | undefined, signal: AbortSignal): Promise<Source>;
  /** The named storage of a source; without a name its primary. */
  storageOf(source: Source, name?: string): Storage;
  /** A folder of this machine that no configuration names, as a storage. */
  folder(path: string): Storage;
}
