import type { Clock } from '../base/clock.ts';
import type { Report } from '../base/progress.ts';
import type { Comparison } from '../care/proof/compare.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Database } from '../engines/engine.ts';
import type { SwappedTree } from '../apps/app.ts';
import type { Afterwards } from './afterwards.ts';
import type { RestorePlan, RestoreRequest } from './plan.ts';
import type { Laid } from './trees.ts';

export interface RestoreTask {
  request: RestoreRequest;
  /** Shown the guards, asks; rejects with kind `refused` when the answer is no. Called before anything is locked or touched. */
  confirm: (plan: RestorePlan) => Promise<void>;
  /** Who began it; default `manual`. */
  trigger?: string;
  catalog: Catalog;
  clock: Clock;
  instance: string;
  version: string;
  timezone: string;
  scratch: string;
  signal: AbortSignal;
  report: Report;
}

/** What each of the three ways of restoring comes back with. */
export interface Outcome {
  comparison: Comparison;
  previous: string | null;
  files: SwappedTree[];
  loadSeconds: number;
  warnings: string[];
}

/** What the three ways are given beside their task. */
export interface Live {
  assertHeld: () => void;
  laid: Laid;
  /**
   * The safety backup, as late as it can be. Resolves with what tells afterwards whether the database that was live has been written to
   * since: then it is in no backup as it was.
   */
  secure: () => Promise<Secured>;
  /** To be called the moment the restored data is live: from then on the way back is known, whatever happens to the run. */
  reached: (wayBack: { previous: string | null; files: SwappedTree[] }) => void;
  after: Afterwards;
}

export interface Secured {
  /** Null: nobody can tell. */
  changed(former: Database): Promise<boolean | null>;
}
