import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { sourcePrefix } from '../../archive/format/layout.ts';
import { throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { systemErrno } from '../../base/errors.ts';
import { inParallel } from '../../base/parallel.ts';
import type { BackupRow, Catalog } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import { oldestFirst } from '../backup-facts.ts';
import { namedKeys } from '../doctor/mend-keys.ts';
import { unignoredWorkTree } from '../doctor/git-tree.ts';
import { takeInventory } from '../stock/inventory.ts';
import type { Source } from '../source.ts';
import type { StorageFacts } from './facts.ts';
import { inTime } from './in-time.ts';
import { lookAtNewest } from './look-at-newest.ts';
import type { MonitorRules } from './settings.ts';
import { troubleOf } from './trouble.ts';

export interface Answer {
  facts: StorageFacts;
  /** By source; absent where it did not say. */
  rows: Map<string, BackupRow[]>;
  missingKeys: Map<string, string[]>;
}

interface Question {
  sources: readonly Source[];
  catalog: Catalog;
  clock: Clock;
  rules: MonitorRules;
  signal: AbortSignal;
  timeoutMs: number;
}

const sourcesAtOnce = 8;
/** Always the same, so that a storage that keeps everything keeps one of them. Never the name of a folder with backups in it. */
const probeKey = 'holdfast-probe/check';

/** Everything a check wants of one storage. Never rejects but when interrupted: what went wrong is what it tells. */
export async function askStorage(storage: Storage, question: Question): Promise<Answer> {
  const { signal, rules } = question;
  const facts: Writable<StorageFacts> = {
    name: storage.name,
    title: storage.title,
    minFree: rules.minFree,
    unreachable: null,
    missing: false,
    notWritable: null,
    free: null,
    clockAheadMs: null,
    git: null,
  };
  const answer: Answer = { facts, rows: new Map(), missingKeys: new Map() };
  try {
    await inTime((inner) => ask(storage, { ...question, signal: inner }, facts, answer), question);
  } catch (error) {
    throwIfAborted(signal);
    facts.unreachable = troubleOf(error);
  }
  return answer;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

async function ask(storage: Storage, question: Question, facts: Writable<StorageFacts>, answer: Answer): Promise<void> {
  const { signal } = question;
  // A probe would create the folder, and nobody would ever hear of the disk that is not mounted.
  facts.missing = await isMissing(storage);
  await storage.folders('', signal);
  facts.git = await unignoredWorkTree(storage, signal);
  await takeStock(storage, question, answer);
  facts.free = await storage.free(signal);
  if (!facts.missing) await probe(storage, question, facts);
}

async function isMissing(storage: Storage): Promise<boolean> {
  const inside = storage.localPath('probe');
  if (inside === null) return false;
  try {
    await stat(dirname(inside));
    return false;
  } catch (error) {
    return systemErrno(error) === 'ENOENT';
  }
}

async function takeStock(
  storage: Storage,
  { sources, catalog, signal }: Question,
  { facts, rows, missingKeys }: Answer,
): Promise<void> {
  const here = sources.filter((source) => source.storages.some(({ name }) => name === storage.name));
  await inParallel(here, sourcesAtOnce, async (source) => {
    // That it is missing is told once, and all that follows from it.
    const found = facts.missing ? [] : await takeInventory({ storage, source: source.name, catalog, signal });
    missingKeys.set(source.name, await findMissingKeys(storage, source, found, { catalog, signal }));
    rows.set(source.name, await lookAtNewest(storage, found, signal));
  });
}

/** Where a backup lies, the key that its manifest names must lie, too; and of the current key all that this machine put there. */
async function findMissingKeys(
  storage: Storage,
  source: Source,
  found: readonly BackupRow[],
  { catalog, signal }: { catalog: Catalog; signal: AbortSignal },
): Promise<string[]> {
  const key = source.keys.wanted === null ? null : catalog.keys.get(source.name);
  const newest = oldestFirst(found).at(-1);
  // Older ones may have been written before there was a key.
  const isUsed = key !== null && newest !== undefined && newest.id.slice(0, 10) >= key.file.slice(5, 15);
  const names = [...new Set([...namedKeys(found), ...(isUsed ? key.files.map(({ name }) => name) : [])])];
  const stored = await storage.statMany(
    names.map((name) => sourcePrefix(source.name) + name),
    signal,
  );
  return names.filter((_, at) => !stored[at]);
}

/** Writes a small file, compares the time the storage gives it with ours, and removes it again. */
async function probe(storage: Storage, { clock, signal }: Question, facts: Writable<StorageFacts>): Promise<void> {
  // What is locked would stay, and grow with every check.
  if (storage.capabilities.lock !== null) return;
  const lockedUntil = (await storage.stat(probeKey, signal))?.lockedUntil;
  const before = clock.now().getTime();
  if (lockedUntil !== undefined && lockedUntil.getTime() > before) return;
  try {
    const content = Buffer.from('written and removed by every check\n');
    await storage.put(probeKey, Readable.from([content], { objectMode: false }), { signal, size: content.length });
  } catch (error) {
    throwIfAborted(signal);
    facts.notWritable = troubleOf(error);
    return;
  }
  const written = (await storage.stat(probeKey, signal))?.modifiedAt.getTime() ?? before;
  const after = clock.now().getTime();
  facts.clockAheadMs = written < before ? written - before : Math.max(0, written - after);
  // Where nobody may delete, the probe stays, always the same one.
  await storage.delete([probeKey], signal).catch(() => undefined);
  await storage.removeFolder('holdfast-probe/', signal).catch(() => undefined);
}
