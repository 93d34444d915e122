import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { withTimeout } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { withoutSecrets } from '../base/secret.ts';
import { formatDuration } from '../base/units.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Check, Compression } from '../engines/engine.ts';
import { codecFacts } from '../pipeline/codecs.ts';
import { compressor, decompressor } from '../pipeline/compress.ts';
import type { Storage } from '../storage/storage.ts';
import { examineStorage } from './examine-storage.ts';
import type { Source } from './source.ts';

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
  storages: readonly Storage[];
  catalog: Pick<Catalog, 'probe'>;
  /** Those the configuration asks for by name. */
  compressions: readonly Compression[];
  clock: Clock;
  signal: AbortSignal;
}

const checkTimeoutMs = 60_000;

/** Tries everything a backup will need, changes nothing but a probe it removes again, and never stops at the first failure. */
export async function examine(options: ExamineOptions): Promise<Finding[]> {
  const { sources, storages, catalog, compressions, clock, signal } = options;
  const state = await examineOne('state', signal, async () => {
    catalog.probe();
    return [{ name: 'writable', result: 'ok', detail: 'runs, locks and history can be written' }];
  });
  const perSource = sources.map((source) =>
    examineOne(`source ${source.name}`, signal, async (inTime) => [
      ...(await source.database.check(inTime)),
      ...(await leftoverCheck(source, inTime)),
    ]),
  );
  const perStorage = storages.map((storage) =>
    examineOne(`storage ${storage.name}`, signal, (inTime) => examineStorage(storage, clock, inTime)),
  );
  const perCodec = compressions.map((compression) =>
    examineOne('machine', signal, async (inTime) => [await compressionCheck(compression, inTime)]),
  );
  return [state, ...(await Promise.all([...perCodec, ...perSource, ...perStorage]))].flat();
}

async function examineOne(
  subject: string,
  signal: AbortSignal,
  look: (signal: AbortSignal) => Promise<Check[]>,
): Promise<Finding[]> {
  using limited = withTimeout(signal, checkTimeoutMs, () => {
    return new HoldfastError('TIMEOUT', `no answer within ${formatDuration(checkTimeoutMs)}`, { retryable: true });
  });
  try {
    const checks = await look(limited.signal);
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

function failure(check: string, error: unknown): Omit<Finding, 'subject'> {
  const { message, code, hint } = toHoldfastError(error);
  return {
    check,
    result: 'failed',
    detail: `${withoutSecrets(message)} (${code})`,
    hint: hint === undefined ? null : withoutSecrets(hint),
  };
}

async function leftoverCheck({ database }: Source, signal: AbortSignal): Promise<Check[]> {
  // A server that cannot be asked was reported by its own check.
  const leftovers = await database.leftovers(signal).catch(() => []);
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
