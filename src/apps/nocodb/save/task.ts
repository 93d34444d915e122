import type { Instance } from '../instance.ts';
import type { BaseFile } from '../tree-format.ts';

export interface SaveOptions {
  records: boolean;
  attachments: boolean;
  pageSize: number;
  concurrency: number;
  /** The backup is encrypted: secrets of webhooks and shares are kept. */
  secrets: boolean;
}

export interface BaseToSave {
  /** `named`: it was asked for, so that it must be there. */
  base: { id: string; title: string; folder: string; named: boolean };
  options: SaveOptions;
  instance: Instance;
  server: BaseFile['server'];
  savedAt: string;
  /** For short-lived files. */
  scratch: string;
  warnings: Set<string>;
}
