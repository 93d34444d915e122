import { HoldfastError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import type { Storage } from '../../storage/storage.ts';

/** The current identity of a source, as far as writing needs it. */
export interface WriteKey {
  /** As the manifest names it: `keys/2026-11-20.age`. */
  file: string;
  /** What everything is encrypted to: `age1...`. */
  recipient: string;
  /** The manifest's words on who can open the key. */
  recipients: string[];
  passphrase: boolean;
  /** Under which contents get the names that tell equal ones; derived from the identity, and opens nothing. Null: not known here. */
  naming: Buffer | null;
}

/** What a source's backups are encrypted with; one per source, made by wiring from configuration, catalog and clock. */
export interface Keys {
  /** Null when the source is not encrypted. Creates the first key, and stores it, when there is none. */
  forWriting(storage: Storage, source: string, signal: AbortSignal): Promise<WriteKey | null>;
  /**
   * The secret identity (`AGE-SECRET-KEY-1...`) behind a manifest's `encryption.key`. Rejects with `KEY_NEEDED` (nothing given that could open
   * it), `PASSPHRASE_WRONG`, `KEY_WRONG`, `KEY_MISSING` or `KEY_DAMAGED`. Unlocked once and then remembered.
   */
  unlock(storage: Storage, source: string, file: string, signal: AbortSignal): Promise<string>;
  /** Opens the key file as it lies in this storage, with nothing that is remembered; rejects as `unlock` does. */
  probe(storage: Storage, source: string, file: string, signal: AbortSignal): Promise<void>;
  /** Whether something was given that may open keys; without it a verification stops at the checksums. */
  readonly canRead: boolean;
  /** A new identity for the backups from now on; the older ones keep theirs. */
  rotate(storages: readonly Storage[], source: string, signal: AbortSignal): Promise<WriteKey>;
  /** Wraps every key of the source anew; no backup is touched. Interrupted at any point, each key opens with one of the two. */
  changePassphrase(change: PassphraseChange): Promise<Rewrapped[]>;
  /** What the configuration says, for `key list` and the recovery sheet. */
  readonly wanted: { passphrase: boolean; recipients: readonly string[] } | null;
}

export interface PassphraseChange {
  storages: readonly Storage[];
  source: string;
  /** Null is the configured one. */
  from: Secret | null;
  to: Secret | null;
  signal: AbortSignal;
}

export interface Rewrapped {
  storage: string;
  file: string;
  /** `present`: it opened with the new one already. `recipients`: it has no passphrase. */
  result: 'changed' | 'present' | 'recipients';
}

/** What this machine remembers of a source's current key, so that a backup does not have to open it. */
export interface KeyRecord {
  source: string;
  file: string;
  recipient: string;
  recipients: string[];
  passphrase: boolean;
  /** Tells whether a passphrase is the one that opened the key; null without one. */
  proof: string | null;
  /** `WriteKey.naming` in base64. It would let whoever has it recognise contents that they know, and read none. */
  naming?: string | null;
  /** The wrapped key as it lies in the storages, in base64, to be put where it is missing. */
  files: { name: string; content: string }[];
}

export interface KeyMemory {
  get(source: string): KeyRecord | null;
  put(record: KeyRecord): void;
}

/** For sources that are not encrypted: writes plainly, and says what reading an encrypted backup needs. */
export const noKeys: Keys = {
  canRead: false,
  wanted: null,
  forWriting: async () => null,
  unlock: async (_storage, source, file) => {
    throw keyNeeded(source, file);
  },
  probe: async (_storage, source, file) => {
    throw keyNeeded(source, file);
  },
  rotate: async (_storages, source) => {
    throw notEncrypted(source);
  },
  changePassphrase: async ({ source }) => {
    throw notEncrypted(source);
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

export function notEncrypted(source: string): HoldfastError {
  return new HoldfastError('NOT_ENCRYPTED', `backups of ${source} are not encrypted`, {
    kind: 'usage',
    hint: 'Set encryption.passphrase or encryption.recipients in the configuration first.',
  });
}
