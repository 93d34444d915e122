import { HoldfastError } from '../base/errors.ts';
import type { Storage } from '../storage/storage.ts';

/** The current identity of a source, as far as writing needs it. */
export interface WriteKey {
  /** As the manifest names it: `keys/2026-11-20.age`. */
  file: string;
  /** What everything is encrypted to: `age1...`. */
  recipient: string;
  /** The manifest's words on who can open the key. */
  recipients: string[];
  passphrase: boolean;
}

/** What a source's backups are encrypted with; one per source, made by wiring from configuration, catalog and clock. */
export interface Keys {
  /** Null when the source is not encrypted. Creates the first key, and stores it, when there is none. */
  forWriting(storage: Storage, source: string, signal: AbortSignal): Promise<WriteKey | null>;
  /**
   * The secret identity (`AGE-SECRET-KEY-1...`) behind a manifest's `encryption.key`. Rejects with `KEY_NEEDED` (nothing given that could open
   * it), `PASSPHRASE_WRONG`, `KEY_MISSING` or `KEY_DAMAGED`. Unlocked once and then remembered.
   */
  unlock(storage: Storage, source: string, file: string, signal: AbortSignal): Promise<string>;
  /** Whether something was given that may open keys; without it a verification stops at the checksums. */
  readonly canRead: boolean;
}

/** For sources that are not encrypted: writes plainly, and says what reading an encrypted backup needs. */
export const noKeys: Keys = {
  canRead: false,
  forWriting: async () => null,
  unlock: async (_storage, source, file) => {
    throw keyNeeded(source, file);
  },
};

export function keyNeeded(source: string, file: string): HoldfastError {
  return new HoldfastError(
    'KEY_NEEDED',
    `backups of ${source} are encrypted, and nothing was given that opens ${file}`,
    {
      hint: 'Set encryption.passphrase (or HOLDFAST_PASSPHRASE), or give the identity with `--identity <file>` or HOLDFAST_IDENTITY.',
    },
  );
}
