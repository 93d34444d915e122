import { sourcePrefix } from '../../archive/format/layout.ts';
import { throwIfAborted } from '../../base/abort.ts';
import { isSourceName, parseBackupId } from '../../base/ids.ts';
import type { Storage } from '../../storage/storage.ts';

export interface FoundSource {
  name: string;
  /** Where backups of it lie, in the order of the storages. */
  storages: [Storage, ...Storage[]];
}

export interface FoundSources {
  /** By name. */
  sources: FoundSource[];
  /** Storages that could not be asked. */
  unreachable: { storage: string; error: unknown }[];
}

const asksAtOnce = 8;

/** The sources that storages tell of by themselves: folders with backups in them. With a name, only whether that one is there. */
export async function findSources(
  storages: readonly Storage[],
  { name, signal }: { name?: string | undefined; signal: AbortSignal },
): Promise<FoundSources> {
  const unreachable: FoundSources['unreachable'] = [];
  const found = await Promise.all(
    storages.map(async (storage) => {
      try {
        return { storage, names: await namesIn(storage, name, signal) };
      } catch (error) {
        throwIfAborted(signal);
        unreachable.push({ storage: storage.name, error });
        return { storage, names: [] };
      }
    }),
  );
  // Nothing can be said where nobody answers.
  if (storages.length > 0 && unreachable.length === storages.length) throw unreachable[0]?.error;
  const names = [...new Set(found.flatMap((each) => each.names))].toSorted();
  return {
    sources: names.flatMap((each) => {
      const [first, ...rest] = found.filter((place) => place.names.includes(each)).map(({ storage }) => storage);
      return first ? [{ name: each, storages: [first, ...rest] as [Storage, ...Storage[]] }] : [];
    }),
    unreachable,
  };
}

async function namesIn(storage: Storage, name: string | undefined, signal: AbortSignal): Promise<string[]> {
  const candidates = name === undefined ? (await storage.folders('', signal)).filter(isSourceName) : [name];
  const names: string[] = [];
  for (let at = 0; at < candidates.length; at += asksAtOnce) {
    const some = candidates.slice(at, at + asksAtOnce);
    const holds = await Promise.all(some.map((each) => holdsBackups(storage, each, signal)));
    names.push(...some.filter((_, index) => holds[index]));
  }
  return names;
}

async function holdsBackups(storage: Storage, name: string, signal: AbortSignal): Promise<boolean> {
  if (!isSourceName(name)) return false;
  return (await storage.folders(sourcePrefix(name), signal)).some((folder) => parseBackupId(folder) !== null);
}
