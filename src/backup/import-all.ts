import { digestForeign, dumpOpener, nbdataOpener, type ForeignFile } from '../archive/foreign/file.ts';
import { checkNotes } from '../archive/foreign/metadata.ts';
import type { ForeignSystem, ListedFile } from '../archive/foreign/names.ts';
import { refuseHostile } from '../archive/foreign/nbdata-extract.ts';
import { unlockNbdata, type Nbdata } from '../archive/foreign/nbdata.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { step } from '../base/progress.ts';
import type { Secret } from '../base/secret.ts';
import { formatBytes, formatCount } from '../base/units.ts';
import { databaseOf, family, type Source } from '../care/source.ts';
import { adoptsApp } from './adopt-app.ts';
import { adopt, type AdoptTask } from './adopt.ts';
import type { BackupResult } from './backup.ts';
import type { Candidate } from './find-imports.ts';
import { importedBefore } from './imported-before.ts';

export interface ImportTask extends Omit<AdoptTask, 'foreign'> {
  candidates: readonly Candidate[];
  /** Look and check only. */
  dryRun: boolean;
  /** Asked for when a file is encrypted; null when there is none. */
  password: (name: string) => Promise<Secret | null>;
  /** Called as soon as the end of one is known. */
  settled: (item: ImportItem) => void;
}

export interface ImportItem {
  file: string;
  system: ForeignSystem | null;
  name: string;
  madeAt: string;
  /** Where that time was read. */
  timeFrom: 'name' | 'metadata' | 'file';
  bytes: number;
  /** `found`: it would be taken in. `known`: it has been taken in before. `skipped`: there is nothing in it to take in. */
  state: 'imported' | 'found' | 'known' | 'skipped' | 'failed';
  /** The backup it has become, now or before. */
  id: string | null;
  notes: string[];
  error: HoldfastError | null;
  backup: BackupResult | null;
}

/** Takes in what was found, the oldest first. One that does not come back is told, and the others go on. */
export async function importAll(task: ImportTask): Promise<ImportItem[]> {
  const { source, catalog, dryRun, signal } = task;
  const known = await importedBefore(source, catalog, signal);
  // What is wrong with the server is wrong for all of them.
  if (!dryRun && task.candidates.length > 0) await databaseOf(source).probe(signal);
  const items: ImportItem[] = [];
  for (const candidate of task.candidates) {
    const item = await importOne(task, candidate, known);
    items.push(item);
    task.settled(item);
  }
  return items;
}

async function importOne(task: ImportTask, candidate: Candidate, known: Map<string, string>): Promise<ImportItem> {
  const { system, name, dump, place } = candidate;
  const time = timeOf(candidate, task.clock.now());
  const item: ImportItem = {
    file: dump === null ? candidate.title : place.title(dump),
    system,
    name,
    madeAt: time.at.toISOString(),
    timeFrom: time.from,
    bytes: dump?.bytes ?? 0,
    state: 'skipped',
    id: null,
    notes: notesOf(candidate, time.at.getTime() !== candidate.time.at.getTime()),
    error: null,
    backup: null,
  };
  if (candidate.skipped !== null) return { ...item, notes: [candidate.skipped] };
  if (dump === null) return { ...item, notes: ['there is no database in it', ...item.notes] };
  try {
    if (time.at.getTime() > task.clock.now().getTime() + dayMs) throw fromFuture(candidate);
    return await takeIn(task, { candidate: { ...candidate, time }, dump, item, known });
  } catch (error) {
    const problem = toHoldfastError(error);
    if (problem.kind === 'interrupted' || problem.kind === 'busy') throw error;
    return { ...item, state: 'failed', error: problem };
  }
}

interface OneImport {
  candidate: Candidate;
  dump: ListedFile;
  item: ImportItem;
  known: Map<string, string>;
}

async function takeIn(task: ImportTask, { candidate, dump, item, known }: OneImport): Promise<ImportItem> {
  const { signal, report } = task;
  await using local = await candidate.place.locally(dump, signal);
  const { path } = local;
  const digest = await step(
    report,
    'look',
    async () => local.digest ?? digestForeign(path, signal),
    ({ bytes }) => `${item.name}, ${formatBytes(bytes)}`,
  );
  const before = known.get(digest.sha256);
  if (before !== undefined) return { ...item, bytes: digest.bytes, state: 'known', id: before };
  if (candidate.notes) checkNotes(item.name, candidate.notes, digest);
  await using nbdata = isNbdata(path, candidate) ? await unlockNbdata(path, task.password, signal) : null;
  const inside = nbdata === null ? null : describeNbdata(nbdata, task.source);
  const notes = [...item.notes, ...(inside?.notes ?? [])];
  const foreign: ForeignFile = {
    madeAt: candidate.time.at,
    description: candidate.notes?.description ?? inside?.description ?? null,
    imported: {
      system: candidate.system,
      name: candidate.name,
      sha256: digest.sha256,
      time: { from: candidate.time.from, zone: candidate.time.zone },
    },
    app: inside?.app ?? null,
    members: inside?.members ?? [],
    notes,
    open: nbdata === null ? dumpOpener(path, digest) : nbdataOpener(nbdata, path),
  };
  const seen = { ...item, bytes: digest.bytes, notes };
  if (task.dryRun) {
    await foreign.open({ scratch: task.scratch, recognise: (head) => databaseOf(task.source).recognise(head), signal });
    return { ...seen, state: 'found' };
  }
  const backup = await adopt({ ...task, foreign });
  known.set(digest.sha256, backup.id);
  return { ...seen, state: 'imported', id: backup.id, backup };
}

function isNbdata(path: string, { system, name }: Candidate): boolean {
  return system === 'nocobase' || name.endsWith('.nbdata') || path.endsWith('.nbdata');
}

function describeNbdata({ facts, members, encrypted }: Nbdata, source: Source) {
  if (facts.dialect !== null && family(facts.dialect) !== family(databaseOf(source).engine)) {
    throw new HoldfastError('NBDATA_OTHER_DATABASE', `the database in it is ${facts.dialect}, and this source is not`, {
      kind: 'refused',
      hint: 'Take the parts out with `holdfast nbdata extract`.',
    });
  }
  const beside = members.filter(({ part }) => part === 'files' || part === 'keys');
  const taken = adoptsApp(source, 'nocobase') ? beside : [];
  refuseHostile(taken);
  const staying = beside.filter((member) => !taken.includes(member));
  const bytes = staying.reduce((sum, member) => sum + member.bytes, 0);
  const { description, plugins, ...rest } = facts;
  return {
    description,
    app: { kind: 'nocobase', ...rest, plugins },
    members: taken,
    notes: [
      ...(staying.length === 0
        ? []
        : [
            `not taken in: ${formatCount(staying.length, 'file')} in it that are not the database (${formatBytes(bytes)}); \`holdfast nbdata extract\` takes them out, and \`app: { kind: nocobase }\` in the configuration takes them in`,
          ]),
      ...(encrypted ? ['its encryption has no authentication: only its checksums spoke for it'] : []),
    ],
  };
}

/** A zone may have been misread, but not by more. */
const dayMs = 86_400_000;

/** What the file system says of a file can be anything; what its name says was meant. */
function timeOf({ time }: Candidate, now: Date): Candidate['time'] {
  return time.from === 'file' && time.at.getTime() > now.getTime() + dayMs ? { ...time, at: now } : time;
}

/** It would be the latest backup for years, and keep retention from removing any other. */
function fromFuture({ name, time }: Candidate): HoldfastError {
  return new HoldfastError(
    'IMPORT_FROM_FUTURE',
    `${name} says that it was made at ${time.at.toISOString()}, which is still to come`,
    {
      kind: 'usage',
      hint: 'Look at the clock of this machine, or give the file a name with the time it was really made at.',
    },
  );
}

function notesOf({ time, others }: Candidate, wrong: boolean): string[] {
  const bytes = others.reduce((sum, file) => sum + file.bytes, 0);
  return [
    ...(wrong ? ['the time of the file is still to come: the time of the import counts instead'] : []),
    ...(time.from === 'file' && !wrong ? ['its time is that of the file: its name tells none'] : []),
    ...(time.from !== 'file' && time.zone !== 'UTC'
      ? [`its ${time.from} tells a local time, read as ${time.zone}`]
      : []),
    ...(others.length > 0
      ? [
          `not taken in: ${formatCount(others.length, 'file')} beside the database (${formatBytes(bytes)}), such as ${others[0]?.path}; they stay where they are`,
        ]
      : []),
  ];
}
