/** Sums and newest ones, quick with tens of thousands of records: what metrics tell every few seconds. */
export interface Figures {
  /** Ended runs since the state folder exists, those forgotten since included. What `wasTurnedAway` has a state of its own. */
  runTotals(): RunTotal[];
  running(): { operation: string; count: number }[];
  /** Also of runs forgotten since. How one ended that was cancelled or turned away is not told: the one before it counts. */
  latestRuns(): LatestRun[];
  stored(): StoredFigures[];
  /** The newest good one of each source that is no safety backup, in whatever storage. */
  newestBackups(): NewestBackup[];
  latestProofs(): LatestProof[];
  /** Copies that are there and did not pass when they were last verified. */
  failedVerifications(): { source: string; storage: string; count: number }[];
  pendingCopies(): { source: string; storage: string; count: number }[];
  deliveries(): { channel: string; state: 'pending' | 'failed'; count: number }[];
  openIncidents(): { severity: string; count: number }[];
}

export interface RunTotal {
  operation: string;
  state: string;
  count: number;
}

export interface LatestRun {
  source: string | null;
  operation: string;
  /** When the last one began, ended or not. */
  startedAt: string;
  ended: { at: string; state: string; seconds: number } | null;
  succeeded: { at: string; seconds: number } | null;
}

/** What a storage holds of a source, as last seen. */
export interface StoredFigures {
  source: string;
  storage: string;
  backups: number;
  /** Not complete, or failed its last verification or drill. */
  damaged: number;
  bytes: number;
}

export interface NewestBackup {
  source: string;
  /** When its data was read. */
  startedAt: string;
  bytes: number;
  rawBytes: number | null;
}

export interface LatestProof {
  kind: 'verify' | 'drill';
  source: string;
  at: string;
  ok: boolean;
  seconds: number;
}
