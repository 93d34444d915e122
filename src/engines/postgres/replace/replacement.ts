import type { TocEntry } from '../read/toc.ts';

/** What happens inside the one transaction around the dump's own script. */
export interface Replacement {
  /** What of the dump is restored, in this order. */
  entries: TocEntry[];
  before: string[];
  after: string[];
  warnings: string[];
}
