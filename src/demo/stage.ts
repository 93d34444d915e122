import type { Report } from '../base/progress.ts';
import type { Session } from './session.ts';

/** Runs one or more statements in the shop's database. */
export type RunSql = (sql: string) => Promise<unknown>;

/** What is in the shop, in the SQL of its database. */
export interface ShopContent {
  /** Three things that happen to real shops, and what somebody did, as one would tell it. */
  accidents: readonly { sql: string; told: string }[];
  /** What the shop's owner would look at first. Each query gives one row with one text. */
  facts: readonly { name: string; sql: string }[];
  /** All rows of the whole shop, as one number. */
  rowCount: string;
  fill(run: RunSql): Promise<void>;
}

/** A database that is thrown away: where the tour takes place. */
export interface Stage extends AsyncDisposable {
  shop: ShopContent;
  /** The value of `database:` in the configuration. */
  config: string;
  open(signal: AbortSignal): Promise<Session>;
}

/** Which one it will be is known before it is made. */
export interface PlannedStage {
  engine: 'postgres' | 'sqlite';
  chapter: string;
  /** Told first, where there is something to tell. */
  note: string | null;
  prepare(task: { folder: string; report: Report; signal: AbortSignal }): Promise<Stage>;
}
