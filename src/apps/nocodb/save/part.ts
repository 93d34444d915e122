import { Readable } from 'node:stream';
import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import type { AppPart } from '../../app.ts';

const asItIs = { codec: 'none', level: null } as const;

/** A small JSON file, made when it is asked for. */
export function jsonPart(name: string, make: (signal: AbortSignal) => Promise<unknown>): AppPart {
  const write = async function* write(signal: AbortSignal) {
    yield Buffer.from(`${JSON.stringify(await make(signal), null, 2)}\n`);
  };
  return {
    ...streamPart(name, (signal) => Readable.from(write(signal), { objectMode: false })),
    format: 'json',
  };
}

/** A file whose content has its own form: `records.json.gz`, an attachment. */
export function streamPart(name: string, open: (signal: AbortSignal) => Readable): AppPart {
  const gzipped = name.endsWith('.json.gz');
  return {
    kind: 'stream',
    role: 'app',
    name,
    format: gzipped ? 'json' : 'file',
    compression: asItIs,
    compressedByTool: gzipped ? { codec: 'gzip', level: 6 } : null,
    open,
  };
}

/** Notes what becomes of a part: whoever stores it may go on with the others when it failed. */
export function watched(part: AppPart, place: string, failed: string[]): AppPart {
  return {
    ...part,
    open: (signal) => {
      const pass = async function* pass() {
        let whole = false;
        try {
          yield* part.open(signal) as AsyncIterable<Buffer>;
          whole = true;
        } catch (error) {
          throwIfAborted(signal);
          whole = true;
          const failure = placed(error, place);
          failed.push(failure.message);
          throw failure;
        } finally {
          if (!whole && !signal.aborted) failed.push(`${part.name} was not stored`);
        }
      };
      return Readable.from(pass(), { objectMode: false, highWaterMark: 256 * 1024 });
    },
  };
}

function placed(error: unknown, place: string): HoldfastError {
  const { code, message, kind, hint, retryable, details } = toHoldfastError(error);
  const words = message.includes(place) ? message : `${place}: ${message}`;
  return new HoldfastError(code, words, {
    kind,
    retryable,
    details,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
