import type { Secret } from '../../base/secret.ts';
import type { Keys } from './keys.ts';
import type { Storage } from '../../storage/storage.ts';
import { openKeyAnywhere } from './open-key.ts';

/**
 * The keys of a source, read with a passphrase that somebody gave for this once: what is configured does not count, and nothing of it is
 * remembered beyond what is returned. What is written meanwhile is written as configured.
 */
export function openedBy(passphrase: Secret, keys: Keys, storages: readonly Storage[]): Keys {
  const unlocked = new Map<string, Promise<string>>();
  return {
    ...keys,
    canRead: true,
    unlock: (storage, source, file, signal) => {
      // Each opening costs half a second of work.
      const place = JSON.stringify([storage.name, source, file]);
      const known = unlocked.get(place);
      if (known) return known;
      const openers = { passphrase, identities: [] };
      const opened = openKeyAnywhere({ storage, source, file, openers, signal }, storages);
      const opening = opened.then(({ identity }) => identity);
      unlocked.set(place, opening);
      opening.catch(() => unlocked.delete(place));
      return opening;
    },
  };
}
