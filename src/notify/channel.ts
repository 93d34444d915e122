import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';

/**
 * One way to reach people or a watching program. Retries, levels and incidents are decided outside: a channel delivers what it
 * is given, or says why it could not.
 */
export interface Channel extends AsyncDisposable {
  /** Unique among the channels: the kind, and a number from the second of a kind on, unless the configuration names it. */
  readonly name: string;
  readonly kind: string;
  /** In place of the level for all channels. */
  readonly level: AlertLevel | null;
  /** Whoever delivers sends only what is about these sources; null: everything. */
  readonly sources: readonly string[] | null;
  /** How long each request of it may take. */
  readonly timeoutMs: number;
  /**
   * Must resolve only once the other side has accepted the message, and reject with `ALERT_*` errors otherwise; `retryable` says whether
   * sending it again may help. Must carry no secret in errors. Absent for channels that only take pings.
   */
  send?(message: Message, signal: AbortSignal): Promise<void>;
  /** Whether it would work, without anybody hearing of it; absent where that cannot be known. */
  check?(signal: AbortSignal): Promise<void>;
  /** For services that expect a sign of life: called at start and end of each run. */
  ping?(ping: Ping, signal: AbortSignal): Promise<void>;
}

/** `errors`: critical only; `warnings`: and warnings; `all`: and successes. */
export type AlertLevel = 'errors' | 'warnings' | 'all';
export type Severity = 'critical' | 'warning' | 'info';

export interface Message {
  /** The same for every try to deliver it, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly at: string;
  /** The installation. */
  readonly instance: string;
  readonly kind: 'problem' | 'reminder' | 'resolved' | 'success' | 'report' | 'test';
  readonly severity: Severity;
  readonly source: string | null;
  /** One line without a full stop: "backup of shop failed". */
  readonly title: string;
  /** What happened, in one or two sentences. */
  readonly what: string;
  /** What it means for the data; null where there is nothing to say. */
  readonly meaning: string | null;
  /** What to do, step by step; empty where nothing is to be done. */
  readonly todo: readonly string[];
  /** Names and values for a list, ready to be read. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly errors: readonly string[];
  /** Numbers of the run that it is about, for programs; null for anything else. */
  readonly run: RunFacts | null;
  /** Where to look, when the console has a public address. */
  readonly link: string | null;
  /** A complete page to go with it, such as a report; channels without pages send the text. */
  readonly page: { readonly text: string; readonly html: string } | null;
}

/** What the payload of the webhook promises about a run (N-32). */
export interface RunFacts {
  readonly run: string;
  readonly operation: string;
  readonly state: string;
  readonly backup: string | null;
  readonly durationMs: number | null;
  readonly bytes: number | null;
  readonly databaseBytes: number | null;
  readonly fileBytes: number | null;
  readonly bases: number | null;
  readonly tables: number | null;
  readonly records: number | null;
  /** Where the backup lies, storage by storage. */
  readonly places: readonly { readonly storage: string; readonly kind: string; readonly path: string }[];
}

export interface Ping {
  readonly phase: 'start' | 'success' | 'fail';
  readonly at: string;
  readonly instance: string;
  readonly source: string | null;
  readonly operation: string;
  readonly run: string;
  readonly durationMs: number | null;
  /** The error's message for `fail`. */
  readonly detail: string | null;
}

/** What a channel is made with, beside its own options. */
export interface ChannelContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
}
