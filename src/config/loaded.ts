import type { Secret } from '../base/secret.ts';
import type { WrittenReference } from './interpolate.ts';
import type { Config } from './schema.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** The absolute path of the file, or null when the environment alone describes what to do. */
  readonly file: string | null;
  /** Where each setting comes from, by path: `holdfast.yaml:12`, `HOLDFAST_KEEP_LAST`; what is not listed is a default. */
  readonly origins: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
  /** The older system whose variables these are; null without one, or beside a file. */
  readonly preset: string | null;
  /** What a preset has to explain, where nothing is to be done. */
  readonly notes: readonly string[];
  /** The settings in the form people write them, complete; secrets are `Secret`s. For `config show` and `config export`. */
  readonly settings: unknown;
  /** What HOLDFAST_IDENTITY says, or the file that it names. */
  readonly identity: Secret | null;
  /** Values written as references, by path, unless a secret itself stands beside them; for variables, references to them. */
  readonly references: ReadonlyMap<string, WrittenReference>;
}
