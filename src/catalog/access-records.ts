/** Somebody who may sign in. Passwords and recovery codes are hashes; the secret of the second factor has to be what it is. */
export interface UserRecord {
  name: string;
  role: string;
  password: string | null;
  totp: string | null;
  /** The last step whose code was used. */
  totpStep: number | null;
  recovery: string[];
  /** `issuer subject` of a sign-in provider. */
  subject: string | null;
  createdAt: string;
  /** When the password or the role changed last, which ended all sessions. */
  changedAt: string;
}

export interface UserRecords {
  put(record: UserRecord): void;
  get(name: string): UserRecord | null;
  bySubject(subject: string): UserRecord | null;
  list(): UserRecord[];
  /** With the sessions. */
  remove(name: string): void;
}

/** For programs. Only the hash of the token itself is kept. */
export interface TokenRecord {
  id: string;
  name: string;
  hash: string;
  role: string;
  sources: string[] | null;
  actions: string[] | null;
  createdAt: string;
  createdBy: string;
  expiresAt: string | null;
  usedAt: string | null;
  usedFrom: string | null;
}

export interface TokenRecords {
  add(record: TokenRecord): void;
  byHash(hash: string): TokenRecord | null;
  list(): TokenRecord[];
  used(id: string, at: string, from: string): void;
  remove(id: string): boolean;
}

export interface SessionRecord {
  hash: string;
  user: string;
  createdAt: string;
  seenAt: string;
  expiresAt: string;
  from: string;
  agent: string;
}

export interface SessionRecords {
  add(record: SessionRecord): void;
  get(hash: string): SessionRecord | null;
  seen(hash: string, at: string, from: string, expiresAt: string): void;
  list(user: string): SessionRecord[];
  remove(hash: string): void;
  removeOf(user: string): void;
  trim(now: string): void;
}

/** Who did what, from where. Never changed but for its end, never removed before its time. */
export interface AuditRecord {
  at: string;
  /** A user, a token, `system`, or the name somebody tried. */
  who: string;
  via: 'session' | 'token' | 'cli' | 'daemon' | 'none';
  from: string | null;
  action: string;
  source: string | null;
  /** A backup, a storage, a user ... */
  target: string | null;
  /** What was begun, and tells more. */
  run: string | null;
  /** `started` until its end is known. */
  outcome: 'done' | 'started' | 'refused' | 'failed' | 'partial' | 'cancelled';
  /** The code of an error, or what was chosen. */
  detail: string | null;
}

export interface AuditRecords {
  /** Over when it is written down. */
  add(record: AuditRecord): void;
  /** About to be done. Returns its number. */
  begin(record: Omit<AuditRecord, 'outcome'>): number;
  /** What it turns out to be about. From the moment it has a run, that run's end is its own. */
  about(number: number, facts: Partial<Pick<AuditRecord, 'source' | 'target' | 'detail' | 'run'>>): void;
  /** Nothing happens where a run decides on it. */
  end(number: number, end: Pick<AuditRecord, 'outcome' | 'detail'>): void;
  /** Nobody is left who could tell how those ended that were begun and have no run at work; to be called when nothing is being done. */
  abandon(): void;
  /** Newest first; `before` is the number of the last one seen. */
  list(filter: {
    who?: string;
    source?: string;
    action?: string;
    before?: number;
    limit: number;
  }): (AuditRecord & { number: number })[];
  trim(before: string): void;
}

/** What was begun under a key that somebody chose, so that sending it again begins nothing. */
export interface RepeatRecord {
  key: string;
  /** A digest of what was asked. */
  content: string;
  run: string;
  at: string;
}

export interface RepeatRecords {
  /** Null also when it is from before `since` or after `until`; those are forgotten. */
  get(key: string, within: { since: string; until: string }): RepeatRecord | null;
  put(record: RepeatRecord): void;
}
