/** What counts as healthy for one source; null: not looked at. */
export interface MonitorSettings {
  /** Fewer good backups than this is a warning. */
  readonly minBackups: number;
  /** Bytes of one backup. */
  readonly maxSize: number | null;
  /** Of the newest good backup. `auto`: two days where no schedule says more, nothing where one does. */
  readonly maxAgeMs: number | 'auto' | null;
  /** How long a due time may have passed without a good backup. `auto`: derived from the schedule and from how long backups take. */
  readonly overdueMs: number | 'auto' | null;
  /** Since the last drill that passed. */
  readonly staleDrillMs: number | null;
  /** Since the last verification that passed. */
  readonly staleVerifyMs: number | null;
  /** From here on a copy that is owed is critical. */
  readonly lateCopyMs: number;
  /** Part of the median (0.5 is half) by which a backup may be smaller, or bigger, than those before it. */
  readonly sizeDrop: number | null;
  readonly sizeJump: number | null;
}

/** What must stay free in a storage that knows how much it has. */
export type FreeSpace = { readonly part: number } | { readonly bytes: number };

/** Everything the monitor goes by, from the configuration. */
export interface MonitorRules {
  of(source: string): MonitorSettings;
  readonly minFree: FreeSpace | null;
  /** How long one storage may take to tell what is asked of it. */
  readonly timeoutMs: number;
}

/** What the monitor needs to know of the plans of a source; nothing else of the scheduler. */
export interface SourceSchedule {
  readonly source: string;
  /** Whether backups have a schedule. */
  readonly planned: boolean;
  /** The longest distance between two due times; null without a schedule. */
  readonly backupEveryMs: number | null;
  /** By how much a due time of backups may be put off. */
  readonly jitterMs: number;
  /** The first due time after a moment. */
  readonly nextAfter: (at: Date) => Date | null;
  /** The longest distance between two drills; null without a schedule. */
  readonly drillEveryMs: number | null;
}

/** As the configuration has it. */
interface WrittenLimits {
  minBackups: number;
  maxSize: number | null;
  maxAge: number | 'auto' | null;
  overdue: number | 'auto' | null;
  staleDrill: number | null;
  staleVerify: number | null;
  lateCopy: number;
  sizeDrop: number | null;
  sizeJump: number | null;
}

type OwnLimits = { [Name in keyof WrittenLimits]?: WrittenLimits[Name] | undefined };

/** The rules of a configuration: what a source says itself, and otherwise what is said for all. */
export function makeMonitorRules(
  { minFree, timeout, ...all }: WrittenLimits & { minFree: FreeSpace | null; timeout: number },
  own: (source: string) => OwnLimits | undefined,
): MonitorRules {
  const of = (source: string): MonitorSettings => {
    const limits = { ...all };
    for (const [name, value] of Object.entries(own(source) ?? {})) {
      if (value !== undefined) Object.assign(limits, { [name]: value });
    }
    return {
      minBackups: limits.minBackups,
      maxSize: limits.maxSize,
      maxAgeMs: limits.maxAge,
      overdueMs: limits.overdue,
      staleDrillMs: limits.staleDrill,
      staleVerifyMs: limits.staleVerify,
      lateCopyMs: limits.lateCopy,
      sizeDrop: limits.sizeDrop,
      sizeJump: limits.sizeJump,
    };
  };
  return { of, minFree, timeoutMs: timeout };
}
