import { readdir, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { basename, join, relative, sep } from 'node:path';
import type { ForeignApp } from '../../apps/app.ts';
import type { StoredDump } from '../../engines/engine.ts';
import { digestFile, type Digest } from '../../pipeline/digest.ts';
import { openForeignStream, openForeignDump, type Recognise } from './foreign.ts';
import type { ImportedFrom } from '../format/manifest-schema.ts';
import type { Nbdata } from './nbdata.ts';

/** A dump of another system, ready to be taken in. */
export interface ForeignFile {
  madeAt: Date;
  description: string | null;
  imported: ImportedFrom;
  app: Record<string, unknown> | null;
  /** What it holds beside the database, for an application that can take it in. */
  members: ForeignApp['members'];
  /** What the operator should know about it; they become warnings of the manifest. */
  notes: string[];
  open(how: { scratch: string; recognise: Recognise; signal: AbortSignal }): Promise<StoredDump>;
}

type Open = ForeignFile['open'];

/** Of a file its own digest; of a directory dump that of the list of its files' digests and names. */
export async function digestForeign(path: string, signal: AbortSignal): Promise<Digest> {
  const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
  if (!(await stat(path)).isDirectory()) return digestFile(path, buffer, signal);
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const list = createHash('sha256');
  let bytes = 0;
  for (const file of files) {
    const one = await digestFile(file, buffer, signal);
    bytes += one.bytes;
    list.update(`${one.sha256}  ${relative(path, file).split(sep).join('/')}\n`);
  }
  return { bytes, sha256: list.digest('hex') };
}

/** A dump that lies as a file or a folder. `expected`: it must not have changed since it was looked at. */
export function dumpOpener(path: string, expected: Digest): Open {
  return (how) => openForeignDump({ ...how, path, expected });
}

/** The dump inside of a `.nbdata`, which stays open for as long. */
export function nbdataOpener(nbdata: Nbdata, path: string): Open {
  return (how) =>
    openForeignStream(`data in ${basename(path)}`, { ...how, open: (signal) => nbdata.database.open(signal) });
}
