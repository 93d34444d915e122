import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { abortReason, withTimeout } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/secret.ts';
import { formatSetting } from '../../base/units.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Check, Compression, Database } from '../../engines/engine.ts';
import { codecFacts } from '../../pipeline/codecs.ts';
import { compressor, decompressor } from '../../pipeline/compress.ts';
import type { Storage } from '../../storage/storage.ts';
import { findCutOffRestore } from './cut-off-restore.ts';
import { examineKeys } from './examine-keys.ts';
import { examineStorage, placeFailed } from './examine-storage.ts';
import { findTwin, samePlace } from '../own-place.ts';
import type { Source } from '../source.ts';
import { assertPresent } from '../stock/vanished.ts';

/** One result of an examination: what was looked at, and what was found. */
export interface Finding {
  /** `configuration`, `state`, `source shop`, `storage local`. */
  subject: string;
  check: string;
  result: 'ok' | 'warning' | 'failed';
  detail: string;
  hint: string | null;
}

export interface ExamineOptions {
  sources: readonly Source[];
  /** Only found in the storages: whether their keys open is all that matters of them here. */
  foundSources?: readonly Source[];
  storages: readonly Storage[];
  catalog: Pick<Catalog, 'probe' | 'backups'> & Partial<Pick<Catalog, 'proofs' | 'runs'>>;
  /** Those the configuration asks for by name. */
  compressions: readonly Compression[];
  clock: Clock;
  signal: AbortSignal;
  /** How long each thing looked at may take. */
  timeoutMs?: number;
}

const usualTimeoutMs = 60_000;
/** For what was told to stop and still has to clean up. */
const graceMs = 5000;

/** Tries everything a backup will need, changes nothing but a probe it removes again, and never stops at the first failure. */
export async function examine(options: ExamineOptions): Promise<Finding[]> {
  const { sources, foundSources = [], storages, catalog, compressions, signal, timeoutMs = usualTimeoutMs } = options;
  const examineOne = (subject: string, look: Look) => examineInTime(subject, look, { signal, timeoutMs });
  const state = await examineOne('state', async () => {
    catalog.probe();
    return [{ name: 'writable', result: 'ok', detail: 'runs, locks and history can be written' }];
  });
  const perSource = sources.map((source) =>
    examineOne(`source ${source.name}`, async (inTime) => [
      ...(source.database ? await checkDatabase(source.database, inTime) : []),
      ...(await cutOffCheck(source, catalog, inTime)),
      ...(await Promise.all(source.apps.map((app) => app.check(inTime)))).flat(),
    ]),
  );
  const perKeys = [...sources, ...foundSources].map((source) =>
    examineOne(`source ${source.name}`, (inTime) => examineKeys(source, catalog, inTime)),
  );
  const perStorage = storages.map((storage) =>
    examineOne(`storage ${storage.name}`, async (inTime) => [
      ...(await examinePresent(storage, options, inTime)),
      ...(await placeCheck(storage, storages, inTime)),
    ]),
  );
  const perCodec = compressions.map((compression) =>
    examineOne('machine', async (inTime) => [await compressionCheck(compression, inTime)]),
  );
  return [state, ...(await Promise.all([...perCodec, ...perSource, ...perKeys, ...perStorage]))].flat();
}

type Look = (signal: AbortSignal) => Promise<Check[]>;

async function examineInTime(
  subject: string,
  look: Look,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<Finding[]> {
  using limited = withTimeout(signal, timeoutMs, () => {
    return new HoldfastError('TIMEOUT', `no answer within ${formatSetting(timeoutMs)}`, { retryable: true });
  });
  try {
    const checks = await orWhenOver(look(limited.signal), limited.signal);
    return checks.map(({ name, result, detail, hint }) => ({
      subject,
      check: name,
      result,
      detail: withoutSecrets(detail),
      hint: hint === undefined ? null : withoutSecrets(hint),
    }));
  } catch (error) {
    if (signal.aborted) throw error;
    return [{ subject, ...failure('reachable', error) }];
  }
}

/** What does not react to the signal is left behind. */
async function orWhenOver<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = new Promise<never>((_, reject) => {
    const giveUp = () => setTimeout(() => reject(abortReason(signal)), graceMs).unref();
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
  return Promise.race([work, over]);
}

function failure(check: string, error: unknown): Omit<Finding, 'subject'> {
  const { message, code, hint } = toHoldfastError(error);
  return {
    check,
    result: 'failed',
    detail: `${withoutSecrets(message)} (${code})`,
    hint: hint === undefined ? null : withoutSecrets(hint),
  };
}

async function checkDatabase(database: Database, signal: AbortSignal): Promise<Check[]> {
  return [...(await database.check(signal)), ...(await leftoverCheck(database, signal))];
}

async function cutOffCheck(source: Source, { runs }: ExamineOptions['catalog'], signal: AbortSignal): Promise<Check[]> {
  const cutOff = runs ? await findCutOffRestore(source, { runs }, signal) : null;
  return cutOff ? [{ name: 'restore', result: 'failed', detail: cutOff.message, hint: cutOff.hint }] : [];
}

async function leftoverCheck(database: Database, signal: AbortSignal): Promise<Check[]> {
  // A server that cannot be asked was reported by its own check.
  const found = await database.leftovers(signal).catch(() => []);
  // What a source lives on is no leftover, whatever stands on it.
  const leftovers = found.filter(({ database: name }) => name !== database.name);
  if (leftovers.length === 0) return [];
  return [
    {
      name: 'leftovers',
      result: 'warning',
      detail: `interrupted runs left ${leftovers.map(({ database: left }) => left).join(', ')} on the server`,
      hint: 'Drop them when no restore or drill is running now.',
    },
  ];
}

/** The probe would make the folder of a disk that is not mounted. */
async function examinePresent(
  storage: Storage,
  { sources, storages, catalog, clock }: ExamineOptions,
  signal: AbortSignal,
): Promise<Check[]> {
  for (const source of sources) {
    if (source.storages.some(({ name }) => name === storage.name))
      await assertPresent(source, storage, catalog, signal);
  }
  // Those on this machine are told apart without a probe.
  const others = storage.identity ? storages.filter((other) => !other.identity) : storages;
  return examineStorage(storage, clock, signal, others);
}

async function placeCheck(storage: Storage, all: readonly Storage[], signal: AbortSignal): Promise<Check[]> {
  // One that cannot be looked at was reported by its own check.
  const twin = await findTwin(storage, all, signal).catch(() => null);
  if (!twin) return [];
  return [placeFailed(samePlace(storage, twin))];
}

async function compressionCheck(compression: Compression, signal: AbortSignal): Promise<Check> {
  const { codec } = compression;
  const content = Buffer.alloc(64 * 1024, 'holdfast');
  const name = `compression ${codec}`;
  try {
    const [forward, backward] = [compressor(compression, signal), decompressor(codec, signal)];
    if (!forward || !backward) return { name, result: 'ok', detail: 'nothing to compress with is needed' };
    const [, result] = await Promise.all([
      pipeline(Readable.from([content]), forward, backward, { signal }),
      buffer(backward),
    ]);
    if (result.equals(content)) return { name, result: 'ok', detail: 'compresses and decompresses' };
    return { name, result: 'failed', detail: 'what came back is not what went in' };
  } catch (error) {
    signal.throwIfAborted();
    const { package: needed } = codecFacts[codec];
    const hint = needed === null ? {} : { hint: `Install the package ${needed}.` };
    return { name, result: 'failed', detail: toHoldfastError(error).message, ...hint };
  }
}
