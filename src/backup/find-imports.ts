import { isOwnManifest, readNotes, type ForeignNotes } from '../archive/foreign/metadata.ts';
import { recogniseBackups, type ForeignBackup, type ForeignSystem, type ListedFile } from '../archive/foreign/names.ts';
import type { ForeignPlace } from '../archive/foreign/place.ts';
import { timeOf, type ForeignTime } from '../archive/foreign/time.ts';
import { throwIfAborted } from '../base/abort.ts';

/** Something that may be taken in. */
export interface Candidate {
  place: ForeignPlace;
  title: string;
  system: ForeignSystem | null;
  name: string;
  dump: ListedFile | null;
  others: ListedFile[];
  time: ForeignTime;
  notes: ForeignNotes | null;
  /** Why it is left alone although its name looks right. */
  skipped: string | null;
}

export interface FoundImports {
  /** The oldest first, so that ids and history grow in their order. */
  candidates: Candidate[];
  unrecognised: string[];
}

export interface ImportSearch {
  place: ForeignPlace;
  /** A file that was named: it is a candidate whatever it is called. */
  named: string | null;
  system: ForeignSystem | null;
  timezone: string;
  signal: AbortSignal;
}

export async function findImports(searches: readonly ImportSearch[]): Promise<FoundImports> {
  const candidates = new Map<string, Candidate>();
  const unrecognised = new Set<string>();
  for (const search of searches) {
    const found = await searchOne(search);
    // The same file may be named and lie in a folder that is named too.
    for (const candidate of found.candidates) candidates.set(candidate.title, candidate);
    for (const path of found.unrecognised) unrecognised.add(path);
  }
  return {
    candidates: [...candidates.values()].toSorted(
      (left, right) => left.time.at.getTime() - right.time.at.getTime() || (left.title < right.title ? -1 : 1),
    ),
    unrecognised: [...unrecognised].filter((path) => !candidates.has(path)).toSorted(),
  };
}

async function searchOne(search: ImportSearch): Promise<FoundImports> {
  const { place, named, system, signal } = search;
  const { files, aside } = await place.list(signal);
  const { backups, unrecognised } = recogniseBackups(files, system);
  if (named !== null) {
    const file = files.find(({ path }) => path === named);
    const backup = backups.find(({ dump }) => dump?.path === named) ?? unnamed(file);
    return { candidates: backup === null ? [] : [await toCandidate(backup, search)], unrecognised: [] };
  }
  const candidates: Candidate[] = [];
  for (const backup of backups) {
    throwIfAborted(signal);
    candidates.push(await toCandidate(backup, search));
  }
  return { candidates, unrecognised: [...unrecognised.map((file) => place.title(file)), ...aside] };
}

type Unnamed = Omit<ForeignBackup, 'system'> & { system: null };

function unnamed(file: ListedFile | undefined): Unnamed | null {
  if (!file) return null;
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  return { system: null, name, dump: file, metadata: null, others: [], stamp: null };
}

async function toCandidate(
  backup: ForeignBackup | Unnamed,
  { place, timezone, signal }: ImportSearch,
): Promise<Candidate> {
  const { system, name, dump, metadata, others, stamp } = backup;
  const text = metadata === null ? null : await place.note(metadata, signal);
  const notes = system === null || text === null ? null : readNotes(system, text);
  const first = dump ?? others[0] ?? metadata;
  const where = { modifiedAt: first?.modifiedAt ?? new Date(0), timezone };
  const fromNotes = stamp === null && notes?.stamp ? notes.stamp : null;
  return {
    place,
    title: first === null || first === undefined ? name : place.title(first),
    system,
    name,
    dump,
    others,
    time: timeOf(stamp ?? fromNotes, fromNotes ? 'metadata' : 'name', where),
    notes,
    skipped:
      system === 'nocodb' && text !== null && isOwnManifest(text)
        ? 'it is a backup of Holdfast; `holdfast rebuild` and `holdfast list` find it in its own storage'
        : null,
  };
}
