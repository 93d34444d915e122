import type { Duplex, Readable, Writable } from 'node:stream';
import { abortReason } from './abort.ts';

/** Destroys the stream with the signal's own reason; Node's `addAbortSignal` would hide it behind an `AbortError`. */
export function destroyOnAbort<S extends Readable | Writable | Duplex>(stream: S, signal: AbortSignal): S {
  const stop = () => {
    // Nobody may be listening yet, or any more; that must not end the process.
    stream.once('error', () => undefined);
    stream.destroy(abortReason(signal));
  };
  if (signal.aborted) stop();
  else {
    signal.addEventListener('abort', stop, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', stop));
  }
  return stream;
}
