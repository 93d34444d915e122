/** Something that is the matter, from the first time it was seen until it is over. */
export interface IncidentRecord {
  /** Tells it from all others: `backup-failed/shop`, or the key of a finding. At most one with a key is open. */
  key: string;
  severity: 'critical' | 'warning';
  source: string | null;
  /** One line. */
  title: string;
  openedAt: string;
  lastSeenAt: string;
  /** How often it was seen. */
  times: number;
  /** Null as long as nobody was told: below the level of every channel, or just opened. */
  toldAt: string | null;
  resolvedAt: string | null;
  /** What the policy needs to remember. */
  detail: unknown;
}

export interface IncidentRecords {
  /** Replaces the open one with this key, or opens it. */
  put(record: IncidentRecord): void;
  open(): IncidentRecord[];
  get(key: string): IncidentRecord | null;
  /** Newest first, resolved ones too. */
  list(filter: { source?: string; limit?: number }): IncidentRecord[];
  /** Forgets those that were over before this time. */
  trim(before: string): void;
}

/** One message on its way to one channel. */
export interface DeliveryRecord {
  id: string;
  channel: string;
  /** As in `Message`; no secret in it. */
  message: unknown;
  createdAt: string;
  attempts: number;
  /** Not before this. */
  nextAt: string;
  state: 'pending' | 'sent' | 'failed';
  endedAt: string | null;
  lastError: { code: string; message: string; hint: string | null } | null;
}

export interface DeliveryRecords {
  put(record: DeliveryRecord): void;
  /** Oldest first. */
  list(filter: { channel?: string; state?: DeliveryRecord['state'] }): DeliveryRecord[];
  /** What ended before this time, but never what ended last through a channel: it tells how things are with it. */
  trim(before: string): void;
}

/** A daemon on this state folder, with its sign of life. */
export interface DaemonRecord {
  id: string;
  host: string;
  pid: number;
  process: string | null;
  version: string;
  startedAt: string;
  /** Last time its scheduler went through its plans. */
  tickAt: string;
  /** Null as long as it runs; what never got it was killed. */
  stoppedAt: string | null;
  /** Where its HTTP server listens. */
  listen: string | null;
}

export interface DaemonRecords {
  put(record: DaemonRecord): void;
  /** Newest first. */
  list(): DaemonRecord[];
  remove(id: string): void;
}

/** When something periodic that is no run of its own was last done. */
export interface MarkRecord {
  /** `check`, `report` ... */
  name: string;
  lastAttempt: string | null;
  lastGood: string | null;
  /** What it found, where the next one compares. */
  detail: unknown;
}

export interface MarkRecords {
  get(name: string): MarkRecord | null;
  put(record: MarkRecord): void;
}
