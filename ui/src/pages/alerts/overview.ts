export interface Trouble {
  code: string;
  message: string;
  hint: string | null;
}

export interface Channel {
  name: string;
  kind: string;
  level: string;
  /** Null: all. */
  sources: readonly string[] | null;
}

export interface Incident {
  key: string;
  /** What it is: a key of `words/incidents.ts` or `words/findings.ts`; another one is told in the words of the server. */
  code: string;
  storage: string | null;
  backup: string | null;
  severity: 'critical' | 'warning';
  source: string | null;
  title: string;
  openedAt: string;
  lastSeenAt: string;
  times: number;
  toldAt: string | null;
}

export interface Undelivered {
  id: string;
  channel: string;
  createdAt: string;
  attempts: number;
  nextAt: string;
  state: 'pending' | 'failed';
  lastError: Trouble | null;
}

export interface Overview {
  channels: readonly Channel[];
  incidents: readonly Incident[];
  undelivered: readonly Undelivered[];
}

export interface TestResult {
  channel: string;
  state: 'sent' | 'failed' | 'skipped';
  durationMs: number;
  error: Trouble | null;
}

/** The worst first, then what has been open longest. */
export function overviewOf(said: unknown): Overview {
  const { channels = [], incidents = [], undelivered = [] } = (said ?? {}) as Partial<Overview>;
  const rank = ({ severity }: Incident) => (severity === 'critical' ? 0 : 1);
  return {
    channels,
    incidents: incidents.toSorted((a, b) => rank(a) - rank(b) || a.openedAt.localeCompare(b.openedAt)),
    undelivered,
  };
}
