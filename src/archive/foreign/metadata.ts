import { HoldfastError } from '../../base/errors.ts';
import type { Digest } from '../../pipeline/digest.ts';
import type { ForeignSystem } from './names.ts';
import type { Stamp } from './time.ts';

/** What another system noted about its backup, as far as it is of use here. */
export interface ForeignNotes {
  bytes: number | null;
  sha256: string | null;
  description: string | null;
  stamp: Stamp | null;
}

const nothing: ForeignNotes = { bytes: null, sha256: null, description: null, stamp: null };

/** Null when it cannot be read as what it should be. */
export function readNotes(system: ForeignSystem, text: string): ForeignNotes | null {
  if (system === 'ops-center') return readJsonNotes(text);
  if (system === 'tma-cloud') return readLineNotes(text);
  return nothing;
}

/** Ops-Center: `{filename, timestamp, created_at, database, size_bytes, size_mb, description, compressed}`, local time. */
function readJsonNotes(text: string): ForeignNotes | null {
  const value = parseObject(text);
  if (!value) return null;
  const { size_bytes: bytes, description, created_at: created } = value;
  const wall = typeof created === 'string' ? /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.exec(created)?.[0] : undefined;
  return {
    ...nothing,
    bytes: typeof bytes === 'number' ? bytes : null,
    description: typeof description === 'string' && description.trim() !== '' ? description.trim() : null,
    stamp: wall === undefined ? null : { wall, zone: 'local' },
  };
}

/** TMA Cloud: lines of `name=value`; the size is rounded (`12M`) and therefore no check. */
function readLineNotes(text: string): ForeignNotes | null {
  const values = new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const match = /^([a-z0-9_]+)=(.*)$/.exec(line);
      return match ? [[match[1], match[2]] as const] : [];
    }),
  );
  const sha256 = values.get('sha256')?.trim().toLowerCase() ?? '';
  if (!values.has('timestamp') && !values.has('sha256')) return null;
  // `n/a` where that machine had no program for it.
  if (sha256 !== '' && sha256 !== 'n/a' && !/^[0-9a-f]{64}$/.test(sha256)) return null;
  const [, ...time] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(values.get('timestamp') ?? '') ?? [];
  const [year, month, day, hour, minute, second] = time;
  return {
    ...nothing,
    sha256: sha256 === '' || sha256 === 'n/a' ? null : sha256,
    stamp: second === undefined ? null : { wall: `${year}-${month}-${day}T${hour}:${minute}:${second}`, zone: 'utc' },
  };
}

/** Refuses a file that is not the one its own system described. */
export function checkNotes(name: string, notes: ForeignNotes, actual: Digest): void {
  const problem =
    notes.bytes !== null && notes.bytes !== actual.bytes
      ? `it has ${actual.bytes} bytes, and ${notes.bytes} are noted beside it`
      : notes.sha256 !== null && notes.sha256 !== actual.sha256
        ? 'its checksum is not the one noted beside it'
        : null;
  if (problem === null) return;
  throw new HoldfastError('FOREIGN_MISMATCH', `${name} is not what the system that made it has recorded: ${problem}`, {
    kind: 'integrity',
    hint: 'Look for another copy of it. If the note is what is wrong, move the note away and import the file by its path.',
  });
}

/** Whether a manifest.json is one of ours: our own backups are laid out much like those of NocoDB's sidecar. */
export function isOwnManifest(text: string): boolean {
  const value = parseObject(text);
  return typeof value?.['format'] === 'number' && typeof value['digest'] === 'string';
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
